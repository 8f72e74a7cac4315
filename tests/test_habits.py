"""Habits from the organisers' baseline: its flags are answered with ours, its results folders are read."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import tool

import run as command_line
import systems
from asd.errors import BadInput
from asd.programs import there
from asd.programs.organisers import ANSWERS
from asd.results import read_folder
from asd.score_files import DECISION, SCORE


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["-d", "--dataset", "DCASE2026T2fan"], "--machines fan"),
        (["-d", "--score=MAHALA"], "baseline_mse or baseline_mahala"),
        (["-e", "--use_cuda", "True"], "--device cuda"),
        (["-d", "-tag", "id(0_)"], "--results DIR"),
        (["-d", "baseline_mse", "--epochs", "3"], "--set detector.training.epochs=VALUE"),
        (["-d", "--train_only"], "--train-only"),
    ],
)
def test_their_flags_are_answered_with_ours(words, told, capsys):
    with pytest.raises(SystemExit) as ended:
        command_line.main(words)
    assert ended.value.code == 2 and told in capsys.readouterr().err.splitlines()[-1]


def test_every_answer_names_what_is_there(capsys):
    numbers = {text.split()[1].partition("=")[0] for text in ANSWERS.values() if text.startswith("--set detector")}
    for number in numbers:
        systems.load("baseline_mse", [f"{number}=0.5" if "rate" in number or "share" in number else f"{number}=2"])
    options = {word for text in ANSWERS.values() for word in text.replace(",", " ").split() if word.startswith("--")}
    for option in options - {"--set", "--list"}:
        assert option in command_line.parser().format_help()
    with pytest.raises(SystemExit):
        command_line.main(["-d", "--no-such-flag"])
    assert "unrecognized arguments: --no-such-flag" in capsys.readouterr().err


@pytest.fixture
def theirs(tmp_path):
    """results/<dev|eval>_data/baseline_MSE/ as the baseline writes it, with the copy that its -e leaves."""
    folders = {}
    for kind, suffixes in {"dev": ["id(0_)"], "eval": ["id(0_)_Eval", "Eval"]}.items():
        folders[kind] = tmp_path / "results" / f"{kind}_data" / "baseline_MSE"
        folders[kind].mkdir(parents=True)
        for suffix in suffixes:
            for what, values in ((SCORE, "0.5 2.25 1.0 4.0"), (DECISION, "0 1 0 1")):
                name = f"{what}_DCASE2026T2fan_section_00_test_seed13711_{suffix}.csv"
                rows = zip(names(kind), values.split(), strict=True)
                (folders[kind] / name).write_text("".join(f"{clip},{value}\n" for clip, value in rows))
        (folders[kind] / "result_DCASE2026T2fan_test_seed13711_roc.csv").write_text("section,AUC (source)\n00,0.9\n")
    return folders


def names(kind):
    kinds = [f"{domain}_test_{condition}" for domain in ("source", "target") for condition in ("normal", "anomaly")]
    telling = [f"section_00_{what}_0000_noAttribute.wav" for what in kinds]
    return telling if kind == "dev" else [f"section_00_{i:04d}.wav" for i in range(4)]


def test_omega_and_evaluate_read_the_baselines_results(theirs, tmp_path, capsys):
    truth = tmp_path / "eval_data_list_2026.csv"
    truth.write_text("fan\n" + "".join(f"{a},{t}\n" for a, t in zip(names("eval"), names("dev"), strict=True)))
    assert tool("omega").main([str(theirs["dev"].parent)]) == 0
    assert tool("evaluate").main([str(theirs["eval"]), "--ground-truth", str(truth)]) == 0
    told = capsys.readouterr().out
    assert told.count("baseline_MSE") >= 2 and "fan" in told and "DCASE2026T2" not in told
    assert read_folder(theirs["eval"]).scores == {"fan": dict(zip(names("eval"), [0.5, 2.25, 1, 4], strict=True))}


def test_two_unlike_score_files_of_a_machine_are_refused(theirs):
    path = next(theirs["eval"].glob(f"{SCORE}*13711_Eval.csv"))
    path.write_text(path.read_text().replace("0.5", "0.6"))
    with pytest.raises(ValueError, match="a second score file of fan"):
        read_folder(theirs["eval"])


def test_an_empty_evaluation_folder_as_their_checkout_ships_it_is_no_problem(data_folder, tmp_path, capsys):
    shutil.copytree(data_folder / "dev_data" / "raw" / "fan", tmp_path / "dev_data" / "raw" / "fan")
    (tmp_path / "eval_data" / "raw").mkdir(parents=True)
    (tmp_path / "eval_data" / "raw" / ".gitkeep").touch()
    assert tool("inspect_data").main([str(tmp_path), "--levels", "1"]) == 0
    assert command_line.main(["-e", "gmm", "--data", str(tmp_path), "--results", str(tmp_path / "r")]) == 2
    assert "eval_data/raw: empty folder; expected one folder per machine" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("results/dev/ae", "results/dev/ae/run.json: no such file; `python run.py"),
        ("results/dev/ae_ovn", "results/dev/ae_ovn: no such folder, did you mean 'ae_own'? (there: ae_own)"),
        ("results/dev/sO", "unknown system 'sO', did you mean 's0'? (`python run.py --list` shows all)"),
        ("results/dve", "results/dve: no such folder, did you mean 'dev'? (there: dev)"),
        ("resluts/dev/s1", "resluts: no such folder, did you mean 'results'? (there: results)"),
        ("results/dev/ae_own/run.json", "ae_own/run.json: a file, the folder results/<dev|eval>/<system> expected"),
        ("results/dev/ae_own/run.json/x", "ae_own/run.json: a file, the folder results/<dev|eval>/<system> expected"),
        ("resluts/dev/sO", "unknown system 'sO', did you mean 's0'?"),
        (
            "results",
            "results: the folder of all results; give results/dev, or a system's folder in it, as results/dev/ae_own",
        ),
        ("results/dev", "results/dev: a folder of systems' folders; give a system's folder in it, as results/d"),
        ("results/own", "results/own: no such folder (looked for from"),
        ("results/dev/ae_own", "ae_own: no machine 'fam', did you mean 'fan'? (there: fan)"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(place, told, tmp_path, monkeypatch):
    clips = {"train": "", "n_train": 1, "test": "", "n_test": 1}
    record = {"members": [], "parameters": 1, "macs_per_clip": 1, "threshold": 0.5, "data": clips}
    record["training_seconds"] = 1.0
    (tmp_path / "results" / "dev" / "ae_own").mkdir(parents=True)
    (tmp_path / "results" / "dev" / "ae_own" / "run.json").write_text(json.dumps({"machines": {"fan": record}}))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=re.escape(told)):
        there.check_run(Path(place), "fam")
    (run,) = there.systems_in(Path("results/dev"))
    assert run == Path("results/dev/ae_own")
    with pytest.raises(
        BadInput, match="dev_data/raw: no such folder.* tools/import_data.py RECORDINGS .* \\(your own\\)"
    ):
        there.check_data_of([run], Path("data"))
    Path("data/dev_data/raw").mkdir(parents=True)
    there.check_data_of([run, Path("results/eval/s1")], Path("data"))


def test_typos_are_told_before_torch_is_imported(tmp_path):
    """By the modules that the tools and their checks import."""
    calls = {
        "monitor": ["sO", "fan", "x.wav"],
        "report": [str(tmp_path / "dve")],
        "export": [str(tmp_path / "dev" / "s1"), "fan"],
        "denoise": ["sO", "data", "out"],
        "omega": [str(tmp_path), "--data", "x"],
        "package": ["--team", str(tmp_path / "x")],
        "validate": [str(tmp_path / "x.zip")],
        "inspect_data": [str(tmp_path / "x")],
    }
    code = (
        "import sys; from conftest import tool\n"
        f"codes = [tool(name).main(words) for name, words in {calls!r}.items()]\n"
        "print(codes, {'torch', 'sklearn', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parent)
    assert done.stdout.splitlines()[-1:] == [f"{[2] * len(calls)} set()"], done.stderr
    assert done.stderr.count("\n") == len(calls) + 2  # inspect_data says how many problems, after an empty line
