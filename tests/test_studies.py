"""Studies of single systems: the two-microphone paper's table, the blocks of msm_dsp_knn, the figures of the U-Net."""

import itertools
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import soundfile
from conftest import tone_in_noise, tool, write_clip
from test_session import kept, opened, worked

import systems
from asd import evaluation
from asd.detectors import MeanSquaredError, PooledMahalanobis
from asd.errors import BadInput
from asd.fingerprint import numbers
from asd.programs import mimii as mimii_clips
from asd.programs import two_microphones
from asd.programs.cost_study import Cost, costs
from asd.programs.fitting import extract
from asd.programs.opening import recorded_request
from asd.programs.request import Request
from asd.programs.session import Session
from asd.programs.writing import evaluate
from asd.score_files import read_rows
from asd.training import Training

PARTS, PAIRS = ("train", "test"), ("0-4", "2-6")


def mimii_clip(folder, snr, condition, number):
    """Channel c of a clip is c everywhere, plus 10 times its number."""
    path = folder / f"{snr}_dB_fan" / "fan" / "id_02" / condition / f"{number:08d}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.tile(np.arange(8, dtype=np.int16), (160, 1)) + 10 * number, 16_000, subtype="PCM_16")
    return path


@pytest.fixture
def mimii(tmp_path):
    """A MIMII folder of one fan: five normal and three abnormal clips."""
    for condition, count in (("normal", 5), ("abnormal", 3)):
        for i in range(count):
            mimii_clip(tmp_path / "MIMII", 0, condition, i)
    return tmp_path / "MIMII"


def test_mimii_pairs_are_written_in_the_challenges_layout(mimii, tmp_path):
    mimii_clips.write_pairs(mimii, tmp_path / "data", [(0, 4), (2, 6)])
    for pair in ((0, 4), (2, 6)):
        folder = tmp_path / "data" / "eval_data" / "raw" / f"fan-mics-{pair[0]}-{pair[1]}"
        paths = sorted(folder.rglob("*.wav"))
        assert [sum(w in p.name for p in paths) for w in ("train_normal", "test_normal", "test_anomaly")] == [3, 2, 3]
        assert not [path for path in paths if "target" in path.name]  # MIMII has no domains
        samples = [soundfile.read(path, dtype="int16")[0] for path in paths]
        assert all((s[:, 1] - s[:, 0] == 4).all() and s[0, 0] % 10 == pair[0] for s in samples)
        normal = [s[0, 0] for s, p in zip(samples, paths, strict=True) if "normal" in p.name]
        assert len(set(normal)) == 5  # no clip is in training and test


def test_a_recording_at_several_snrs_is_on_one_side(mimii, tmp_path):
    for snr in (-6, 6):
        for i in range(5):
            mimii_clip(mimii, snr, "normal", i)
    drawn = list(mimii_clips.split(mimii_clips.mimii_clips(mimii)["fan"]))
    sides = {part: {d.original.number for d in drawn if d.part == part and d.condition == "normal"} for part in PARTS}
    assert {part: len(numbers) for part, numbers in sides.items()} == {"train": 3, "test": 2}
    assert not sides["train"] & sides["test"]
    assert len({d.original.place for d in drawn}) == len(drawn) == 3 * 3 + 2 * 3 + 3


def test_the_drawn_split_is_written_down_and_another_one_refused(mimii, tmp_path):
    data = tmp_path / "data"
    mimii_clips.write_pairs(mimii, data, [(0, 4)])
    told = (data / "mimii_split_fan.csv").read_text().splitlines()
    assert len(told) == 1 + 8 and all((mimii / line.split(",")[1]).exists() for line in told[1:])
    mimii_clips.write_pairs(mimii, data, [(0, 4), (2, 6)])  # the same clips, another pair
    before = sorted(data.rglob("*"))
    mimii_clip(mimii, 6, "normal", 0)
    with pytest.raises(BadInput, match="mimii_split_fan.csv: another split than now.*was an SNR or a unit added"):
        mimii_clips.write_pairs(mimii, data, [(0, 4)])
    assert sorted(data.rglob("*")) == before
    (data / "mimii_split_fan.csv").unlink()
    with pytest.raises(BadInput, match="not there beside the clips"):
        mimii_clips.write_pairs(mimii, data, [(0, 4)])


def test_hidden_and_foreign_files_are_none_of_mimiis(mimii):
    clips = mimii_clips.mimii_clips(mimii)
    normal = mimii_clip(mimii, 0, "normal", 0).parent
    (normal / "._00000001.wav").write_bytes(b"junk")
    (normal / "mixed down.wav").write_bytes(b"junk")
    shutil.copytree(mimii / "0_dB_fan", mimii / "__MACOSX" / "0_dB_fan")
    shutil.copytree(mimii / "0_dB_fan", mimii / ".Trash" / "0_dB_fan")
    assert mimii_clips.mimii_clips(mimii) == clips and len(clips["fan"]) == 8


def test_a_killed_writing_of_pairs_leaves_no_half_clip(mimii, tmp_path, monkeypatch):
    replace_file = os.replace

    def dies(written, path):
        if str(path).endswith(".wav"):
            raise KeyboardInterrupt
        replace_file(written, path)

    monkeypatch.setattr(os, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        mimii_clips.write_pairs(mimii, tmp_path / "data", [(0, 4)])
    assert (tmp_path / "data" / "mimii_split_fan.csv").exists()
    assert not [path for path in (tmp_path / "data" / "eval_data").rglob("*") if path.is_file()]


def test_a_pair_beyond_the_recordings_channels_is_refused(mimii, tmp_path, capsys):
    line = [str(tmp_path / "data"), str(tmp_path / "results"), "--mimii", str(mimii), "--pairs", "0-9"]
    assert tool("two_mic_table").main(line) == 2
    assert "8 channels, microphones 0 and 9 wanted" in capsys.readouterr().err


def test_the_two_microphone_table_has_the_papers_layout_and_the_published_rows(mimii, tmp_path, monkeypatch, capsys):
    requests = []

    def figures(request, tell):
        requests.append(request)
        best = {getattr(system.detector, "alpha", None) for system in request.trained.values()} == {2}
        return {f"fan-mics-{pair}": (0.9, 0.8) if best else (0.6, 0.5) for pair in ("0-4", "2-6")}

    monkeypatch.setattr(two_microphones, "figures", figures)
    line = [str(tmp_path / "data"), str(tmp_path / "results"), "--mimii", str(mimii), "--alphas", "0.1", "2"]
    assert tool("two_mic_table").main(line) == 0
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    head, _, *body = ([cell.strip() for cell in row.strip("|").split("|")] for row in printed)
    labels = ("α=0.1", "α=0.5", "α=2", "α=10", "baseline")
    assert head == ["machine", "metric", *(f"{s} {p} {c}" for s in ("MSE", "MAHALA") for p in PAIRS for c in labels)]
    assert [row[:2] for row in body[::2]] == [["fan", "AUC"], ["fan, published", "AUC"], ["average, published", "AUC"]]
    own = dict(zip(head[2:], body[0][2:], strict=True))
    assert {h for h, cell in own.items() if cell.startswith("**")} == {h for h in own if "α=2" in h}
    assert {h for h, cell in own.items() if cell == "-"} == {h for h in own if "α=0.5" in h or "α=10" in h}
    published = dict(zip(head[2:], body[2][2:], strict=True))
    assert published["MSE 0-4 α=10"] == "**94.03**" and published["MAHALA 2-6 baseline"] == "87.19"
    trained = [system.detector for request in requests for system in request.trained.values()]
    assert len(requests) == 2 * 3 and {detector.training.epochs for detector in trained} == {50}
    assert {type(detector.scoring) for detector in trained} == {MeanSquaredError, PooledMahalanobis}
    assert {request.kind for request in requests} == {"eval"}
    assert (tmp_path / "results" / "auc_against_alpha.png").stat().st_size > 10_000


def test_averages_are_harmonic_means_as_in_35_of_the_papers_36_cells():
    table = two_microphones.published_table(tool("two_mic_table").PUBLISHED)
    machines = {key: cell for key, cell in table.items() if key[0] != "average"}
    means = two_microphones.with_average(machines)
    columns = {column for _, column in table}
    differing = {
        (c, i)
        for c in columns
        for i in (0, 1)
        if abs(means["average", c][i] - table["average", c][i]) > 0.000101  # rounded twice
    }
    assert differing == {(("MAHALA", "2-6", "0.5"), 0)}
    assert table["average", ("MSE", "0-4", "0.5")] == (0.7651, 0.6489) and len(columns) == 20


def test_the_two_microphone_table_holds_the_figures_of_its_runs(data_folder, tmp_path, monkeypatch, capsys):
    names = ("baseline_mse", "baseline_mahala", "two_mic_ae_mse", "two_mic_ae_mahala")
    monkeypatch.setattr(two_microphones, "develop", lambda request, tell: worked(Session(request)))  # in this process
    line = [str(data_folder), str(tmp_path), "--alphas", "2", "--epochs", "1"]
    assert tool("two_mic_table").main(line) == 0
    aucs = {}
    for machine, name in itertools.product(("fan", "pump"), names):
        f = read_rows(tmp_path / "dev" / name / f"anomaly_score_{machine}_section_00_test.csv")
        is_anomaly = np.array(["anomaly" in clip for clip in f])
        aucs.setdefault(machine, {})[name] = 100 * evaluation.auc(np.array([*f.values()]), is_anomaly)
    aucs["average"] = {name: 2 / (1 / aucs["fan"][name] + 1 / aucs["pump"][name]) for name in names}
    printed = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")][2::2]
    order = ("two_mic_ae_mse", "baseline_mse", "two_mic_ae_mahala", "baseline_mahala")
    for row, (machine, of) in zip(printed, aucs.items(), strict=True):
        cells = [cell.strip(" *") for cell in row.strip("|").split("|")]
        assert cells[0].startswith(machine) and cells[1:] == ["AUC", *(f"{of[name]:.2f}" for name in order)]


def test_a_run_on_mimiis_clips_needs_no_target_domain(mimii, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(two_microphones, "develop", lambda request, tell: worked(Session(request)))
    for path in mimii.rglob("*.wav"):
        rng = np.random.default_rng(int(path.stem))
        soundfile.write(path, rng.normal(0, 0.1, (16_000 * 2, 8)), 16_000, subtype="PCM_16")
    line = [str(tmp_path / "data"), str(tmp_path), "--mimii", str(mimii), "--alphas", "2", "--epochs", "1"]
    assert tool("two_mic_table").main([*line, "--pairs", "0-4"]) == 0, capsys.readouterr().err
    fan = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("| fan "))
    assert len([cell for cell in fan.split("|") if cell.strip(" *-")]) == 2 + 4


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
    assert rows[-1][1:] == [omega, omega]
    recipes = blocks.blocks_of(recorded_request(folder, None, None)).recipes.values()
    assert len({str(numbers(recipe)) for recipe in recipes}) == len(blocks.BLOCKS) - 1  # one is the run's own
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


def test_students_of_two_sizes_share_targets_and_give_a_row_each(data_folder, tmp_path, capsys):
    from systems.ssd import QUICK

    rng = np.random.default_rng(0)
    for kind in ("clean/normal", "clean/anomaly", "noise"):
        for i in range(6):
            write_clip(tmp_path / kind / f"{i}.wav", tone_in_noise(rng, 400, 2.0)[:1])
    line = [str(data_folder), str(tmp_path / "results"), "--machines", "fan", "--sizes", "6", "4,3-both"]
    line += ["--clean", str(tmp_path / "clean"), "--noise", str(tmp_path / "noise"), "--seconds", "0.5"]
    line += ["--train", "6", "--test", "4", "--workers", "1"]
    sets = [word for text in QUICK if "units" not in text for word in ("--set", text)]
    assert tool("student_sizes").main([*line, *sets]) == 0
    rows = [line.split("|")[1:-1] for line in capsys.readouterr().out.splitlines() if "|" in line][2:]
    assert [row[0].strip() for row in rows] == ["6", "4,3-both"]
    assert [row[1].strip() for row in rows] == ["302", "646"]  # 4 (4 + 6 + 2) 6 + 14; both ways 2 (160 + 156) + 14
    assert all(0 <= float(row[5]) <= 1 and "±" in row[4] for row in rows), rows
    assert len(list((tmp_path / "results" / "store" / "targets").glob("*/*.npy"))) == 3 * 18
    assert tool("student_sizes").main([*line[:4], "--sizes", "64x32"]) == 2
    assert "size '64x32': units of each layer" in capsys.readouterr().err


def test_cost_is_epochs_times_vectors_and_ends_with_the_uncut_training():
    full = Training(epochs=100)
    found = costs([0.5, 0.1], [10, 50, 200], most_epochs=100)
    assert found == [Cost(0.1, 10), Cost(0.1, 50), Cost(0.5, 50), Cost(1.0, 100)]  # 0.5 in 10 epochs: too few vectors
    assert [cost.vectors(full, 1000) for cost in found] == [1000, 200, 1000, 1000]
    assert found[1].assignments(full, 1000) == [
        "detector.training.epochs=50",
        "detector.training.windows_per_epoch=200",
    ]
    assert found[0].assignments(full, 1000)[1].endswith("=0")  # all of them


def test_what_cost_buys_is_told_seed_by_seed(data_folder, tmp_path, monkeypatch, capsys):
    short = replace(systems.load("baseline_mse").detector, training=Training(epochs=4))
    monkeypatch.setattr("systems.baseline_mse.SYSTEM", replace(systems.load("baseline_mse"), detector=short))
    monkeypatch.setattr("asd.programs.cost_study.develop", lambda request, tell: worked(Session(request)))
    line = [str(data_folder), "--results", str(tmp_path), "--systems", "baseline_mse", "--machines", "fan"]
    line += ["--seeds", "3,", "--shares", "0.25", "--epochs", "2", "--workers", "1"]
    assert tool("cost").main(line) == 0
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in capsys.readouterr().out.splitlines()]
    cut, uncut = (row for row in rows if "baseline_mse" in row)
    assert cut[2:4] == ["25%", "2"] and uncut[2:4] == ["100%", "4"]
    assert int(cut[4]) == pytest.approx(int(uncut[4]) / 2, abs=1)
    assert float(cut[7]) == pytest.approx(float(cut[6]) - float(uncut[6]), abs=2e-4)
    assert tool("cost").main([*line[:4], "s0", *line[5:]]) == 2
    assert "s0: trains no dense autoencoder" in capsys.readouterr().err
