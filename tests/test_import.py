"""Importing: plain folders become machines that the kit reads, with every sample and name accounted for."""

import csv

import numpy as np
import pytest
import soundfile
from conftest import RATE, tone_in_noise, tool

from asd import data, importing
from asd.clips import ClipName
from asd.errors import BadInput
from asd.importing import cutting
from asd.truth_list import read_truth_list


def write(path, wave, rate=RATE, subtype="PCM_16"):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.asarray(wave).T, rate, subtype=subtype)


@pytest.fixture
def plain(tmp_path):
    """`pump`: two channels, both domains by name, flac; `fan`: one channel, 44.1 kHz, one long recording."""
    rng = np.random.default_rng(1)
    folder = tmp_path / "my recordings"
    for i in range(8):
        write(folder / "pump" / "normal" / f"run {i} {900 + 300 * (i % 2)}rpm.flac", tone_in_noise(rng, 400))
    for i in range(2):
        write(folder / "pump" / "abnormal" / f"bad {i} 900rpm.flac", tone_in_noise(rng, 800))
    write(folder / "fan" / "normal" / "long.wav", rng.normal(0, 0.1, 44_100 * 7), 44_100, "PCM_24")
    return folder


def brought(plain, out, *words):
    assert tool("import_data").main([str(plain), str(out), "--seconds", "1", *words]) == 0
    return {stage: data.raw_folder(out, stage) for stage in ("dev", "eval") if (out / f"{stage}_data").exists()}


def test_folders_become_machines_that_the_kit_reads(plain, tmp_path, capsys):
    raw = brought(plain, tmp_path / "out", "--pattern", "((?P<speed>[0-9]+)rpm|long)", "--target", "speed=900")
    assert "next: python run.py -d s0" in capsys.readouterr().out
    pump, fan = data.survey(raw["dev"] / "pump", ("train", "test")), data.survey(raw["eval"] / "fan", ("train", "test"))
    machine = pump.machine()
    assert (machine.channels, len(machine.train), int(machine.is_target.sum())) == (2, 6, 3)
    assert fan.machine().channels == 1 and len(fan.clips("train")) == 6 and len(fan.clips("test")) == 1
    names = [ClipName.parse(clip.path.name) for clip in machine.test]
    assert {(n.domain, n.condition) for n in names} == {
        ("source", "normal"),
        ("target", "normal"),
        ("target", "anomaly"),
    }
    assert {n.attributes for n in names} == {(("speed", "900"),), (("speed", "1200"),)}
    (truth,) = read_truth_list(tmp_path / "out" / "eval_data" / "eval_data_list.csv")["fan"].values()
    assert ClipName.parse(truth).condition == "normal"


def test_samples_of_16_bits_at_16_khz_are_kept_and_the_table_says_whose_they_are(plain, tmp_path):
    raw = brought(plain, tmp_path / "out", "--machine", "pump")
    folder = raw["eval"] / "pump"  # without domains no development set
    rows = list(csv.DictReader((folder / "imported.csv").read_text().splitlines()))
    assert len(rows) == 10 == len({row["old"] for row in rows})
    for row in rows:
        old, new = (soundfile.read(path, dtype="int16")[0] for path in (plain / row["old"], folder / row["new"]))
        assert np.array_equal(old, new)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_cut_and_resampled_clips_are_the_pieces_of_the_whole_resampled(rate, tmp_path):
    t = np.arange(rate * 3) / rate
    write(tmp_path / "tone.wav", 0.5 * np.sin(2 * np.pi * 440 * t), rate, "FLOAT")
    head = cutting.header([tmp_path / "tone.wav"], None)
    clips = [cutting.clip([tmp_path / "tone.wav"], head, None, *ends) for ends in head.cuts(1.0)]
    assert [clip.shape for clip in clips] == [(1, RATE)] * 3
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE * 3) / RATE)
    assert np.abs(np.concatenate(clips, axis=1)[0] - expected)[200:-200].max() < 2e-3  # no edges between clips


def test_near_and_far_files_are_two_channels(tmp_path):
    rng = np.random.default_rng(2)
    for i in range(5):
        for side, n in (("near", RATE + 20), ("far", RATE)):
            write(tmp_path / "in" / "normal" / f"{i}_{side}.wav", rng.normal(0, 0.1, n))
    guide = importing.Guide(near_far=("_near", "_far"))
    (one,) = importing.planned(importing.found(tmp_path / "in", guide, ["saw"]), guide, 10.0, 0.2)
    assert (one.machine, one.stage, one.count("train"), one.count("test")) == ("saw", "eval_data", 4, 1)
    importing.write(tmp_path / "out", one, guide)
    first = (
        tmp_path / "out" / "eval_data" / "raw" / "saw" / "train" / "section_00_source_train_normal_0000_noAttribute.wav"
    )
    near, far = (
        soundfile.read(tmp_path / "in" / "normal" / f"0_{side}.wav", dtype="int16")[0] for side in ("near", "far")
    )
    assert np.array_equal(soundfile.read(first, dtype="int16")[0], np.stack([near[:RATE], far], axis=1))


@pytest.mark.parametrize(
    ("near", "far", "pair"),
    [("1_near", "1_far", "_near _far"), ("Near-1", "Far-1", "Near- Far-"), ("a-near2", "a-far2", "-near -far")],
)
def test_near_and_far_files_do_not_become_clips_of_their_own(near, far, pair, tmp_path):
    for name in (near, far, "linear_1", "lifar_1"):
        write(tmp_path / "normal" / f"{name}.wav", np.zeros(RATE))
    with pytest.raises(BadInput, match=f"normal/{near}.wav: its far file {far}.wav .* --pair {pair} makes"):
        importing.found(tmp_path, importing.Guide())
    (tmp_path / "normal" / f"{near}.wav").unlink()
    assert len(importing.found(tmp_path, importing.Guide())) == 3


def test_a_pair_is_asked_of_the_chosen_machines_alone(tmp_path):
    for name in ("lathe/normal/1_near", "lathe/normal/1_far", "fan/normal/1"):
        write(tmp_path / f"{name}.wav", np.zeros(RATE))
    guide = importing.Guide(near_far=("_near", "_far"))
    assert [len(r.paths) for r in importing.found(tmp_path, guide, ["lathe"])] == [2]
    with pytest.raises(BadInput, match=r"fan/normal/1.wav: no _near in its name; --pair _near _far wants"):
        importing.found(tmp_path, guide)


def test_a_table_tells_what_folders_do_not(tmp_path):
    rows = ["file,condition,domain,load,split"]
    for i in range(8):
        write(tmp_path / "in" / f"{i}.wav", np.full(RATE, 0.01 * i))
        condition, domain = "anomaly" if i == 7 else "normal", "target" if i % 2 else "source"
        rows.append(f"{i}.wav,{condition},{domain},l{i},{'test' if i > 4 else ''}")
    (tmp_path / "t.csv").write_text("\n".join(rows))
    guide = importing.Guide(table=importing.read_table(tmp_path / "t.csv"))
    (one,) = importing.planned(importing.found(tmp_path / "in", guide), guide, 10.0, 0.2)
    assert one.stage == "dev_data" and one.machine == "in"
    assert "test/section_00_target_test_anomaly_0000_load_l7.wav" in one.clips


@pytest.mark.parametrize(
    ("preset", "places", "machine"),
    [
        ("mimii", ["6_dB_fan/fan/id_00/{}normal/0000000{}.wav", "", "ab"], "fan-id-00"),
        (
            "toyadmos",
            ["ToyCar/case1/{}Sound_IND/110{}_ToyCar_case1_x_IND_ch1_0001.wav", "Normal", "Anomalous"],
            "ToyCar-case1",
        ),
    ],
)
def test_presets_read_the_folders_of_known_data_sets(preset, places, machine, tmp_path):
    place, *conditions = places
    for condition in conditions:
        for i in range(3):
            path = tmp_path / place.format(condition, i)
            write(path, np.zeros((8, RATE) if preset == "mimii" else RATE))
            write(path.with_name(path.name.replace("ch1", "ch2")), np.zeros((8, RATE) if preset == "mimii" else RATE))
    guide = importing.PRESETS[preset]
    (one,) = importing.planned(importing.found(tmp_path, guide), guide, 10.0, 0.2)
    assert (one.machine, one.count("train"), one.count("test")) == (machine, 2, 4)
    assert {piece.head.channels for piece in one.clips.values()} == {1}


def test_what_cannot_be_brought_is_told(plain, tmp_path, capsys):
    brought(plain, tmp_path / "out", "--machine", "fan")
    write(tmp_path / "odd" / "x.wav", np.zeros((4, RATE)))
    write(tmp_path / "four" / "normal" / "x.wav", np.zeros((4, RATE)))
    for name, channels in {
        "mixed/normal/1": 1,
        "mixed/normal/2": 2,
        "two/normal/1_near": 2,
        "two/normal/1_far": 2,
    }.items():
        write(tmp_path / f"{name}.wav", np.zeros((channels, RATE)))
    for words, told in {
        (plain, tmp_path / "out", "--machine", "fan"): "fan: is there already and is not overwritten",
        (plain, tmp_path / "o", "--machine", "fun"): "none of the machines fun (there: fan, pump)",
        (plain, tmp_path / "o", "--pattern", "(?P<domain>rpm)"): "long.wav: not like the pattern",
        (plain, tmp_path / "o", "--pattern", "("): "unterminated",
        (tmp_path / "odd", tmp_path / "o"): "x.wav: neither normal nor anomalous by its folders",
        (tmp_path / "four", tmp_path / "o"): "x.wav: 4 channels, one or two expected; --channels 0 takes the first",
        (tmp_path / "four", tmp_path / "o", "--channels", "0,4"): "--channels 0,4 counts from 0: 0 to 3 are there",
        (plain, tmp_path / "o", "--machine", "fan", "--channels", "1"): "counts from 0: 0 alone is there",
        (tmp_path / "mixed", tmp_path / "o"): "mixed: normal/1.wav has 1 channel, normal/2.wav has 2; all alike",
        (
            tmp_path / "two",
            tmp_path / "o",
            "--pair",
            "_near",
            "_far",
        ): "one of each file of a pair expected; --channels 0",
        (tmp_path / "four", tmp_path / "o", "--channels", "0"): "four: 0 training and 1 test clips",
        (tmp_path / "four", tmp_path / "o", "--pair", "x", "y"): "its far file normal/y.wav is not there",
        (tmp_path / "out" / "none", tmp_path / "o"): "not there; a folder of recordings expected",
    }.items():
        assert tool("import_data").main([*map(str, words), "--seconds", "1"]) == 2
        assert told in capsys.readouterr().err


def test_a_condition_of_another_word_is_refused(plain):
    with pytest.raises(BadInput, match="condition 'run', normal or anomaly expected"):
        importing.found(plain, importing.Guide(pattern="(?P<condition>run|bad|long)"))


@pytest.mark.parametrize(
    ("target", "domains"), [("load=50%", {"source", "target"}), (" load =50 %", {"source", "target"}), ("load=25", "")]
)
def test_a_target_is_compared_as_names_hold_it_and_one_of_no_recording_is_refused(target, domains, tmp_path):
    for load in ("50%", "75%"):
        write(tmp_path / "fan" / "normal" / f"load {load}.wav", np.zeros(160))
    guide = importing.Guide(pattern="load (?P<load>[0-9]+%)", target=(target,))
    if domains:
        assert {recording.domain for recording in importing.found(tmp_path, guide)} == domains
        return
    with pytest.raises(BadInput, match=r"--target load=25: no recording .* \(there: load=50, load=75\)"):
        importing.found(tmp_path, guide)


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("file,load\na.wav,1\n\na.wav,2\n", "t.csv:4: duplicate of a.wav"),
        ("file,load\na.wav,1,2\n", "t.csv:2: 'a.wav,1,2', a file and 2 cells at most"),
        ("file,load\n,1\n", "t.csv:2: ',1', a file"),
        ("file,load\n,\n", "t.csv: a header with a column `file`, and a row"),
        ("name,load\na.wav,1\n", "t.csv: a header with a column `file`"),
        ("", "t.csv: a header with a column `file`"),
    ],
)
def test_a_table_of_more_than_a_row_for_each_file_is_refused(rows, told, tmp_path):
    (tmp_path / "t.csv").write_text(rows)
    with pytest.raises(BadInput, match=told):
        importing.read_table(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbffile,load,\na.wav,1\nb.wav\n,,\n")
    assert importing.read_table(tmp_path / "t.csv") == {"a.wav": {"load": "1"}, "b.wav": {}}


def test_two_machines_are_not_made_one(tmp_path):
    for machine in ("fan 1", "fan-1", "pump"):
        write(tmp_path / machine / "normal" / "x.wav", np.zeros(160))
    with pytest.raises(BadInput, match="'fan-1' and 'fan 1' of fan 1/normal/x.wav would both be called fan-1; rename"):
        importing.found(tmp_path, importing.Guide())
    assert [r.machine for r in importing.found(tmp_path, importing.Guide(), ["pump"])] == ["pump"]
