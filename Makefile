# make test, make demo: on a fresh machine each sets itself up first (Python 3.11 or newer with venv is all it needs).
PYTHON ?= python3
BIN := .venv/bin

# One thread a process: faster on a CPU than sharing the cores, and the thread count changes the trained weights.
export OMP_NUM_THREADS := 1
export MKL_NUM_THREADS := 1
export OMP_WAIT_POLICY := PASSIVE

DEMO := --data demo/data --results demo/results
DEEP := --seeds 2 --set detector.training.epochs=3
STUDENT := --set detector.training.epochs=3 --set frontend.training.epochs=3 --set frontend.student.units=16

.PHONY: help setup lint test demo bench clean

help:
	@echo "make test    lint, types and tests        make demo    simulated data, all main systems, package, report"
	@echo "make lint    ruff and mypy alone          make bench   training speed"
	@echo "make clean   remove .venv, demo/, caches  PYTHON=...   the interpreter to build .venv from"

setup: .venv/.stamp

.venv/.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; v = sys.version.split()[0]; sys.exit(sys.version_info < (3, 11) and \
	    f"$(PYTHON) is Python {v}, 3.11 or newer needed: make test PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check --progress-bar off -r requirements.txt
	touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint
	$(BIN)/pytest -n 2 --dist loadfile

demo: setup
	rm -rf demo
	$(BIN)/python tools/simulate.py demo/data --size tiny --machines fan gearbox
	$(BIN)/python tools/simulate.py demo/data --size tiny --eval --machines blower mixer
	$(BIN)/python tools/inspect_data.py demo/data
	$(BIN)/python run.py -d s0 $(DEMO)
	$(BIN)/python run.py -d baseline_mse baseline_mahala $(DEMO)
	$(BIN)/python run.py -d ae adasub s1 s2 s3 s4 $(DEMO) $(DEEP)
	$(BIN)/python run.py -d ssd $(DEMO) --machines fan $(STUDENT)
	$(BIN)/python tools/monitor.py -d ssd fan demo/data/dev_data/raw/fan/test --results demo/results --idle 1
	$(BIN)/python tools/export.py demo/results/dev/ssd fan --out demo/ssd_fan.npz
	$(BIN)/python run.py -d msm_dsp_knn two_mic_ae_mse two_mic_ae_mahala $(DEMO) --machines fan --set detector.training.epochs=3
	$(BIN)/python run.py -d semi_denoise semi_denoise_mahala $(DEMO) --machines fan --set detector.images.rows=128 \
	    --set detector.images.columns=128 --set detector.training.epochs=1 --set detector.training.windows_per_epoch=64
	$(BIN)/python tools/denoise.py adasub demo/data demo/denoised --results demo/results --machines fan
	$(BIN)/python tools/studies/backends.py demo/data demo/results --backends nearest mahalanobis
	$(BIN)/python tools/studies/ladder.py demo/results
	$(BIN)/python run.py -e s0 baseline_mse baseline_mahala $(DEMO)
	$(BIN)/python run.py -e s1 s2 s3 s4 $(DEMO) $(DEEP)
	$(BIN)/python tools/package.py --team submission/example/team.yaml $(DEMO) --out demo/submission
	$(BIN)/python tools/evaluate.py demo/submission/Example_EXU_task2.zip --ground-truth demo/data --ci
	$(BIN)/python tools/report.py $(foreach set,dev eval,$(foreach name,s1 s3,demo/results/$(set)/$(name))) \
	    --data demo/data --ground-truth demo/data --out demo/report.html

bench: setup
	$(BIN)/python tools/bench.py

clean:
	rm -rf .venv demo build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find asd systems tools tests -type d -name __pycache__ -prune -exec rm -rf {} +
