"""The tools of single systems: the table of the two-microphone paper, the choice of λ, the figures of the U-Net."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from conftest import tool
from test_session import QUICK, opened, worked

import systems
from asd.score_files import SCORE, file_name
from asd.settings import read_yaml, resolve


class FakeRuns:
    """Stands for run.py: keeps each command line and writes scores that `separation(line)` decides."""

    def __init__(self, separation):
        self.separation, self.lines = separation, []

    def __call__(self, line, **_):
        line = line[2:]
        self.lines.append(line)
        results, names = line[line.index("--results") + 1], line[1 : line.index("--data")]
        machines = line[
            line.index("--machines") + 1 : next(i for i, w in enumerate(line) if w in ("--set", "--workers"))
        ]
        for name in names:
            for machine in machines:
                self.write(f"{results}/dev/{name}", machine, self.separation(name, line))
        return subprocess.CompletedProcess(line, 0)

    @staticmethod
    def write(folder, machine, separation):
        rng, rows = np.random.default_rng(0), []
        for domain in ("source", "target"):
            for condition in ("normal", "anomaly"):
                for i in range(20):
                    score = rng.normal() + separation * (condition == "anomaly")
                    rows.append(f"section_00_{domain}_test_{condition}_{i:04d}_noAttribute.wav,{score}\n")
        path = Path(folder) / file_name(SCORE, machine)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(rows))


@pytest.fixture
def mimii(tmp_path):
    """A MIMII folder of one fan: five normal and three abnormal clips; channel c of a clip is c everywhere."""
    for condition, count in (("normal", 5), ("abnormal", 3)):
        for i in range(count):
            path = tmp_path / "MIMII" / "0_dB_fan" / "fan" / "id_02" / condition / f"{i:08d}.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            soundfile.write(path, np.tile(np.arange(8, dtype=np.int16), (160, 1)) + 10 * i, 16_000, subtype="PCM_16")
    return tmp_path / "MIMII"


def test_mimii_pairs_are_written_in_the_challenges_layout(mimii, tmp_path):
    table = tool("two_mic_table")
    table.write_pairs(mimii, tmp_path / "data", [(0, 4), (2, 6)])
    for pair in ((0, 4), (2, 6)):
        folder = tmp_path / "data" / "dev_data" / "raw" / f"fan-mics-{pair[0]}-{pair[1]}"
        paths = sorted(folder.rglob("*.wav"))
        assert [sum(w in p.name for p in paths) for w in ("train_normal", "test_normal", "test_anomaly")] == [3, 2, 3]
        samples = [soundfile.read(path, dtype="int16")[0] for path in paths]
        assert all((s[:, 1] - s[:, 0] == 4).all() and s[0, 0] % 10 == pair[0] for s in samples)
        normal = [s[0, 0] for s, p in zip(samples, paths, strict=True) if "normal" in p.name]
        assert len(set(normal)) == 5  # no clip is in training and test


def test_a_killed_writing_of_pairs_leaves_no_half_clip(mimii, tmp_path, monkeypatch):
    table, write = tool("two_mic_table"), soundfile.write

    def dies(place, samples, *rest, **more):
        write(place, samples[: len(samples) // 2], *rest, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(table.soundfile, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        table.write_pairs(mimii, tmp_path / "data", [(0, 4)])
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_a_pair_beyond_the_recordings_channels_is_refused(mimii, tmp_path, capsys):
    line = [str(tmp_path / "data"), str(tmp_path / "results"), "--mimii", str(mimii), "--pairs", "0-9"]
    assert tool("two_mic_table").main(line) == 2
    assert "8 channels, microphones 0 and 9 wanted" in capsys.readouterr().err


def test_the_two_microphone_table_has_the_papers_layout(mimii, tmp_path, monkeypatch, capsys):
    table = tool("two_mic_table")
    runs = FakeRuns(lambda name, line: 2.0 if "detector.alpha=2" in line else 0.5)
    monkeypatch.setattr(table.subprocess, "run", runs)
    line = [str(tmp_path / "data"), str(tmp_path / "results"), "--mimii", str(mimii), "--alphas", "0.1", "2"]
    assert table.main(line) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    head, _, auc, pauc = ([cell.strip() for cell in row.strip("|").split("|")] for row in printed)
    scores = [f"{s} {p} {c}" for s in ("MSE", "MAHALA") for p in ("0-4", "2-6") for c in ("α=0.1", "α=2", "baseline")]
    assert head == ["machine", "metric", *scores]
    assert auc[:2] == ["fan", "AUC"] and pauc[:2] == ["fan", "pAUC"]
    assert [cell.startswith("**") for cell in auc[2:]] == ["α=2" in score for score in scores]
    assert len(runs.lines) == 3 and all("detector.training.epochs=50" in line for line in runs.lines)


def test_lambda_is_the_one_of_the_highest_development_omega_and_evaluation_reads_it(
    data_folder, tmp_path, monkeypatch, capsys
):
    choose = tool("choose_lambda")
    runs = FakeRuns(lambda name, line: {"0": 0.5, "0.5": 2.0, "1": 1.0}[line[-1].rpartition("=")[2]])
    monkeypatch.setattr(choose.subprocess, "run", runs)
    written = tmp_path / "msm_dsp_knn.yaml"
    line = [str(data_folder), str(tmp_path), "--lambdas", "0", "0.5", "1", "--yaml", str(written)]
    assert choose.main(line) == 0
    assert "λ = 0.5, written to" in capsys.readouterr().out
    recipe = resolve(systems.load("msm_dsp_knn"), read_yaml(written), "written")
    assert recipe.detector.attenuation == 0.5 and "evaluation reads it and never chooses" in written.read_text()
    assert all(line[0] == "-d" for line in runs.lines)
    assert [line[-1] for line in runs.lines] == [f"detector.attenuation={v}" for v in ("0", "0.5", "1", "0.5")]


def test_a_choice_tells_its_runs_and_loses_nothing_that_was_in_its_yaml(data_folder, tmp_path, monkeypatch, capsys):
    choose, written = tool("choose_lambda"), tmp_path / "msm_dsp_knn.yaml"
    runs = FakeRuns(lambda name, line: 1.0)
    monkeypatch.setattr(choose.subprocess, "run", runs)
    line = [str(data_folder), str(tmp_path), "--lambdas", "0", "1", "--yaml", str(written)]
    assert choose.main([*line, "--seeds", "3,", "--set", "detector.window=40"]) == 0
    text = written.read_text()
    assert "# Runs with --seeds 3, --set detector.window=40.\n" in text
    count = len(runs.lines)
    written.write_text(text.replace(" over ", " over pump, saw, "))
    assert choose.main(line) == 2
    assert "chosen on 4 machines (pump, saw, fan" in capsys.readouterr().err
    written.write_text("detector:\n  attenuation: 0\n  window: 40\n")
    assert choose.main(line) == 2
    assert "more departures than detector.attenuation" in capsys.readouterr().err
    assert len(runs.lines) == count  # refused before anything is run
    written.write_text(text)
    assert choose.main(line) == 0 and "the numbers of the system, all seeds" in written.read_text()


def test_the_ablation_runs_each_block_alone_and_chooses_nothing(data_folder, tmp_path, monkeypatch, capsys):
    choose = tool("choose_lambda")
    runs = FakeRuns(lambda name, line: 1.0)
    monkeypatch.setattr(choose.subprocess, "run", runs)
    assert choose.main([str(data_folder), str(tmp_path), "--ablation", "--yaml", str(tmp_path / "no.yaml")]) == 0
    printed = capsys.readouterr().out
    assert [row in printed for row in choose.BLOCKS] == [True] * 5 and not (tmp_path / "no.yaml").exists()
    for line, departures in zip(runs.lines, choose.BLOCKS.values(), strict=True):
        departing = [word for word in line if word.startswith("detector.")]
        assert departing == [f"detector.{name}={value}" for name, value in departures.items()]
        systems.load("msm_dsp_knn", departing)  # every row is a recipe that loads


def test_original_and_reconstruction_are_drawn_for_a_trained_machine(data_folder, tmp_path, capsys):
    worked(opened(["semi_denoise"], "dev", data_folder, tmp_path, machines=["fan"], seeds=(3,)))
    sets = [word for text in QUICK for word in ("--set", text)]
    line = [str(data_folder), str(tmp_path), str(tmp_path / "figures"), "--machines", "fan", "--seeds", "3,", *sets]
    assert tool("show_denoising").main(line) == 0
    assert (tmp_path / "figures" / "fan.png").stat().st_size > 10_000
    assert tool("show_denoising").main([*line, "--set", "detector.rows=128"]) == 2
    assert "not trained yet" in capsys.readouterr().err
