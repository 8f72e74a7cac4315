"""Studies of single systems: the two-microphone paper's table, the blocks of msm_dsp_knn, the figures of the U-Net."""

import shutil

import numpy as np
import pytest
import soundfile
from conftest import tool
from test_session import kept, opened, worked

import systems
from asd import evaluation
from asd.programs import mimii as mimii_clips
from asd.programs.fitting import extract
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.writing import evaluate
from asd.score_files import read_rows


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
    mimii_clips.write_pairs(mimii, tmp_path / "data", [(0, 4), (2, 6)])
    for pair in ((0, 4), (2, 6)):
        folder = tmp_path / "data" / "dev_data" / "raw" / f"fan-mics-{pair[0]}-{pair[1]}"
        paths = sorted(folder.rglob("*.wav"))
        assert [sum(w in p.name for p in paths) for w in ("train_normal", "test_normal", "test_anomaly")] == [3, 2, 3]
        samples = [soundfile.read(path, dtype="int16")[0] for path in paths]
        assert all((s[:, 1] - s[:, 0] == 4).all() and s[0, 0] % 10 == pair[0] for s in samples)
        normal = [s[0, 0] for s, p in zip(samples, paths, strict=True) if "normal" in p.name]
        assert len(set(normal)) == 5  # no clip is in training and test


def test_a_killed_writing_of_pairs_leaves_no_half_clip(mimii, tmp_path, monkeypatch):
    write = soundfile.write

    def dies(place, samples, *rest, **more):
        write(place, samples[: len(samples) // 2], *rest, **more)
        raise KeyboardInterrupt

    monkeypatch.setattr(mimii_clips.soundfile, "write", dies)
    with pytest.raises(KeyboardInterrupt):
        mimii_clips.write_pairs(mimii, tmp_path / "data", [(0, 4)])
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]


def test_a_pair_beyond_the_recordings_channels_is_refused(mimii, tmp_path, capsys):
    line = [str(tmp_path / "data"), str(tmp_path / "results"), "--mimii", str(mimii), "--pairs", "0-9"]
    assert tool("two_mic_table").main(line) == 2
    assert "8 channels, microphones 0 and 9 wanted" in capsys.readouterr().err


def test_the_two_microphone_table_has_the_papers_layout(mimii, tmp_path, monkeypatch, capsys):
    table, requests = tool("two_mic_table"), []

    def figures(request):
        requests.append(request)
        machines = [f"fan-mics-{pair}" for pair in ("0-4", "2-6")]
        best = {getattr(system.detector, "alpha", None) for system in request.trained.values()} == {2}
        return {(name, m): (0.9, 0.8) if best else (0.6, 0.5) for name in request.recipes for m in machines}

    monkeypatch.setattr(table, "figures", figures)
    line = [str(tmp_path / "data"), str(tmp_path / "results"), "--mimii", str(mimii), "--alphas", "0.1", "2"]
    assert table.main(line) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    head, _, auc, pauc = ([cell.strip() for cell in row.strip("|").split("|")] for row in printed)
    scores = [f"{s} {p} {c}" for s in ("MSE", "MAHALA") for p in ("0-4", "2-6") for c in ("α=0.1", "α=2", "baseline")]
    assert head == ["machine", "metric", *scores]
    assert auc[:2] == ["fan", "AUC"] and pauc[:2] == ["fan", "pAUC"]
    assert [cell.startswith("**") for cell in auc[2:]] == ["α=2" in score for score in scores]
    systems = [system for request in requests for system in request.trained.values()]
    assert len(requests) == 3 and {system.detector.training.epochs for system in systems} == {50}


def test_the_two_microphone_table_holds_the_figures_of_its_runs(data_folder, tmp_path, monkeypatch, capsys):
    table, names = tool("two_mic_table"), ("baseline_mse", "baseline_mahala", "two_mic_ae_mse", "two_mic_ae_mahala")
    monkeypatch.setattr(table, "develop", lambda request, tell: worked(Session(request)))  # all in this process
    line = [str(data_folder), str(tmp_path), "--alphas", "2", "--epochs", "1", "--machines", "fan"]
    assert table.main(line) == 0
    files = {name: read_rows(tmp_path / "dev" / name / "anomaly_score_fan_section_00_test.csv") for name in names}
    aucs = {
        n: 100 * evaluation.auc(np.array([*f.values()]), np.array(["anomaly" in c for c in f]))
        for n, f in files.items()
    }
    row = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| fan "))
    assert [cell.strip(" *") for cell in row.strip("|").split("|")] == [
        "fan",
        "AUC",
        *(f"{aucs[n]:.2f}" for n in ("two_mic_ae_mse", "baseline_mse", "two_mic_ae_mahala", "baseline_mahala")),
    ]


def test_blocks_are_compared_on_the_recorded_run_and_its_results_stay(data_folder, tmp_path, monkeypatch, capsys):
    blocks = tool("msm_blocks")
    monkeypatch.setattr(blocks, "fit", lambda s: extract(Session(Request.parsed(s.request.text()))))  # as a worker does
    ran = worked(opened(["msm_dsp_knn"], "dev", data_folder, tmp_path, seeds=(3,), machines=["fan"]))
    omega = evaluate(ran, "msm_dsp_knn")[-1][4]
    folder = tmp_path / "dev" / "msm_dsp_knn"
    before = kept(tmp_path, "weights"), {p: p.stat().st_mtime_ns for p in folder.rglob("*")}
    assert blocks.main([str(folder)]) == 0
    printed = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if line[:1] == "|"]
    assert [row[0] for row in rows] == ["msm_dsp_knn", rows[1][0], *blocks.BLOCKS]
    assert rows[-1][1:] == [omega, omega] and len({row[-1] for row in rows[2:5]}) > 1
    assert before == (kept(tmp_path, "weights"), {p: p.stat().st_mtime_ns for p in folder.rglob("*")})


def test_blocks_of_another_system_are_refused(data_folder, tmp_path, capsys):
    worked(opened(["ae"], "dev", data_folder, tmp_path, seeds=(3,), machines=["fan"]))
    assert tool("msm_blocks").main([str(tmp_path / "dev" / "ae")]) == 2
    assert "results of ae; of msm_dsp_knn expected" in capsys.readouterr().err
    assert tool("show_denoising").main([str(tmp_path / "dev" / "ae"), str(tmp_path / "figures")]) == 2
    assert "no U-Net in this system" in capsys.readouterr().err


def test_original_and_reconstruction_are_drawn_for_a_trained_machine(data_folder, tmp_path, capsys):
    quick = systems.quick("semi_denoise")
    worked(opened(["semi_denoise"], "dev", data_folder, tmp_path, quick, machines=["fan"], seeds=(3,)))
    line = [str(tmp_path / "dev" / "semi_denoise"), str(tmp_path / "figures"), "--machines", "fan"]
    assert tool("show_denoising").main(line) == 0
    assert (tmp_path / "figures" / "fan.png").stat().st_size > 10_000
    shutil.rmtree(tmp_path / "store" / "weights")
    assert tool("show_denoising").main(line) == 2
    assert "is not in" in capsys.readouterr().err
