import csv
import re
import shutil

import numpy as np
import pytest
from conftest import tone_in_noise, write_clip
from hypothesis import given
from hypothesis import strategies as st

from asd import data
from asd.clips import Clip, ClipName
from asd.errors import BadInput

SPLITS = ("train", "test")


@pytest.fixture
def fan(data_folder, tmp_path):
    """A copy of one machine's folder, to be spoilt."""
    return shutil.copytree(data_folder / "dev_data" / "raw" / "fan", tmp_path / "raw" / "fan")


def first(folder, split="train"):
    return sorted((folder / split).iterdir())[0]


def wave():
    return tone_in_noise(np.random.default_rng(0), 400)


def test_a_sound_folder_becomes_a_machine_with_sorted_clips_and_domains(fan):
    machine = data.survey(fan, SPLITS).machine()
    assert len(machine.train) == 18 and machine.is_target.sum() == 8 and len(machine.test) == 16
    assert list(machine.train) == sorted(machine.train)
    assert not hasattr(machine.test[0], "condition") and not hasattr(machine.test[0], "domain")


def test_every_real_development_name_is_accepted(shared):
    with open(shared / "fixtures" / "dcase2026_dev_manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8400
    for row in rows:
        _, split, name = row["relative_path"].split("/")
        parsed = ClipName.parse(name)
        assert parsed.split == split and parsed.section == "00" and parsed.file_name == name


def test_doubled_attribute_keys_and_case_are_kept():
    pairs = ClipName.parse("section_00_source_train_normal_0003_pro_y_pro_Y_mic_2_mic_1.wav").attributes
    assert pairs == (("pro", "y"), ("pro", "Y"), ("mic", "2"), ("mic", "1"))
    assert ClipName.parse("section_00_target_test_anomaly_0000_noAttribute.wav").attributes == ()


@given(st.text(max_size=60))
def test_a_name_is_parsed_or_refused_never_anything_else(text):
    try:
        assert ClipName.parse(text).domain in ("source", "target")
    except BadInput as error:
        assert re.search("not a name of the challenge|in a name, which|end in .wav", str(error))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda fan: shutil.rmtree(fan / "test"), "test: no such folder.*needs train/ and test/"),
        (lambda fan: [p.unlink() for p in (fan / "test").iterdir()], "test: empty, no .wav file"),
        (
            lambda fan: write_clip(first(fan), wave()[:1]),
            "fan/train/section_00_source_train_normal_0000.*: 1 channel, 2 channels in 33 other clips of this machine",
        ),
        (lambda fan: write_clip(first(fan), np.tile(wave(), (2, 1))), r"4 channels, 1 \(near\) or 2 \(near, far\)"),
        (lambda fan: write_clip(first(fan), wave(), rate=44_100), "44100 Hz, 16000 expected"),
        (lambda fan: first(fan).write_bytes(first(fan).read_bytes()[:5000]), "truncated, 5000 of 64044 bytes"),
        (lambda fan: first(fan).write_bytes(b"not a wav"), "not a readable wav file.*9 bytes"),
        (lambda fan: write_clip(first(fan), wave()[:, :0]), "no samples"),
        (lambda fan: first(fan).rename(fan / "train" / "fan_0001.wav"), "fan_0001.wav: not a name of the challenge"),
        (
            lambda fan: shutil.copy(first(fan), fan / "train" / "section_00_source_train_normal_0000_speed_9.wav"),
            "two clips of one name",
        ),
        (
            lambda fan: first(fan, "test").rename(fan / "train" / first(fan, "test").name),
            "a test clip in the train folder",
        ),
        (
            lambda fan: first(fan).rename(fan / "train" / "section_00_source_train_anomaly_0000_x.wav"),
            "an anomaly among the training clips",
        ),
        (
            lambda fan: shutil.copy(first(fan), fan / "train" / "section_01_source_train_normal_0000_x.wav"),
            "sections 00, 01; one expected .*DCASE 2022.*; the kit reads those of 2023 to 2026",
        ),
        (
            lambda fan: first(fan).rename(fan / "train" / "section_00_source_normal_0000_x_1.wav"),
            "a test clip in the train folder",
        ),
    ],
)
def test_bad_folders_are_refused(fan, spoil, message):
    spoil(fan)
    with pytest.raises(BadInput, match=message):
        data.survey(fan, SPLITS).machine()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "train/normal_id_01_00000000.wav",
            "fan: normal_id_01_00000000.wav: a data set of DCASE 2020; .* 2023 to 2026",
        ),
        ("test/anomaly_id_06_00000012.wav", "a data set of DCASE 2020"),
        ("source_test/section_00_source_test_normal_0000.wav", "fan: source_test/: a data set of DCASE 2021; .* 2023"),
        ("train/section_03_source_train_normal_0000_x_1.wav", r"sections 00, 03; one expected .*DCASE 2021 or 2022\?"),
    ],
)
def test_earlier_years_are_refused_in_one_sentence_by_their_names(fan, path, message):
    if path.startswith(("train/section", "source_test")):
        shutil.rmtree(fan / "test")
    write_clip(fan / path, wave()[:1].repeat(2, axis=0))
    with pytest.raises(BadInput, match=message) as refused:
        data.survey(fan, ("train",) if "section_03" in path else SPLITS).machine()
    assert "\n" not in str(refused.value)


def test_a_machine_has_as_many_channels_as_its_clips(fan):
    assert data.survey(fan, SPLITS).machine().channels == 2
    for path in fan.glob("*/*.wav"):
        write_clip(path, wave()[:1])
    machine = data.survey(fan, SPLITS).machine()
    assert machine.channels == 1 and data.read_wave(machine.train[0]).shape == (1, 16_000)
    write_clip(first(fan, "test"), wave())
    with pytest.raises(BadInput, match="fan/test/section_.*: 2 channels, 1 channel in 33 other clips"):
        data.survey(fan, SPLITS).machine()


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("form", ["{}", "fan/train/{}.wav", "fan\\train\\{}.wav"])
def test_the_attribute_table_names_clips_by_path_or_bare_stem_and_a_lost_one_is_a_warning(fan, mark, form):
    stems = [path.name.removesuffix(".wav") for path in sorted((fan / "train").iterdir())]
    lost = "section_00_source_train_normal_0999_v_0.5"
    for names, told in ((stems, 0), ([*stems, lost], 1)):
        table = "\n".join([f"{mark}file_name,d1p", *map(form.format, names)])
        (fan / "attributes_00.csv").write_text(table, encoding="utf-8")
        found = data.survey(fan, SPLITS)
        assert found.problems == () and len(found.warnings) == told
    assert f"attributes_00.csv:20: names {form.format(lost)}, which is not there (1 such of 19;" in found.warnings[0]


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        ("file_name\nファン\n".encode("cp932"), "not UTF-8 text"),
        (b"name,d1p\nx,y\n", "no column file_name"),
        (b"", "no column file_name"),
        (
            b"file_name\n" + b"a" * 5000 + b"\nfan/train/" + b"b" * 5000 + b"\n",
            "attributes_00.csv:3: names fan/train/bbb",
        ),
    ],
)
def test_an_attribute_table_never_locks_a_machine_out(fan, raw, told):
    (fan / "attributes_00.csv").write_bytes(raw)
    found = data.survey(fan, SPLITS)
    assert found.problems == () and len(found.warnings) == 1 and told in found.warnings[0]


# ---- what an operating system, a server or a copy leaves behind ------------------------------------------------------


def test_what_is_no_machine_and_no_clip_is_left_out(fan):
    raw = fan.parent
    for name in (
        "__MACOSX",
        "@eaDir",
        "lost+found",
        "#recycle",
        "$RECYCLE.BIN",
        ".Trash-1000",
        "System Volume Information",
    ):
        (raw / name / "train").mkdir(parents=True)
        (fan / "train" / name).mkdir()
    (fan / "train" / f"._{first(fan).name}").write_bytes(b"\0\5\26\7")
    assert data.machine_names(raw) == ["fan"] and data.survey(fan, SPLITS).problems == ()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("section_00_source_train_normal_0000_a,b.wav", "',' in a name"),
        ('section_00_source_train_normal_0000_a"b.wav', "'\"' in a name"),
        ("section_00_source_train_normal_0000_a\nb.wav", "in a name"),
        ("section_00_source_train_normal_0000_\udc83\udc81.wav", "a byte that is not UTF-8 in a name"),
        ("section_00_source_train_normal_0000_a.WAV", "end in .wav; rename it"),
    ],
)
def test_names_that_a_score_file_cannot_hold_are_refused_before_work(fan, name, told):
    first(fan).rename(fan / "train" / name)
    (problem,) = data.survey(fan, SPLITS).problems
    assert told in problem and "rename it" in problem and problem.isprintable() and problem.encode()


@pytest.mark.parametrize(("name", "told"), [("f,n", "',' in a name"), ("f" * 101, "101 characters, at most 100")])
def test_machines_names_that_a_score_file_cannot_have_are_refused(fan, name, told):
    (problem,) = data.survey(fan.rename(fan.with_name(name)), SPLITS).problems
    assert told in problem


def test_links_to_nothing_folders_and_unreadable_folders_are_told(fan, monkeypatch):
    (fan / "train" / "section_00_source_train_normal_0900_x.wav").symlink_to("gone.wav")
    (fan / "train" / "section_00_source_train_normal_0901_x.wav").mkdir()
    found = data.survey(fan, SPLITS).problems
    assert (
        "cannot be read (No such file or directory)" in found[0] and "(Is a directory)" in found[1] and len(found) == 2
    )

    def refused(path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(fan), "iterdir", refused)
    assert data.survey(fan, SPLITS).problems == (f"{fan / 'train'}: cannot be listed (Permission denied)",)
    with pytest.raises(BadInput, match="raw: cannot be listed"):
        data.machine_names(fan.parent)


def test_a_clip_unlike_its_siblings_in_length_and_gaps_in_the_numbers_are_named(fan):
    assert data.survey(fan, SPLITS).warnings == ()  # as many of one length as of another
    for path in fan.glob("*/*.wav"):
        write_clip(path, wave())
    write_clip(first(fan), wave()[:, :8000])
    (warning,) = data.survey(fan, SPLITS).warnings
    assert f"fan: 1 clips of another length than the 1 s of 33 others: train/{first(fan).name} 0.5 s" in warning
    for path in (fan / "train").glob("*source*_000[25]_*"):
        path.unlink()
    _, gaps = data.survey(fan, SPLITS).warnings
    assert "fan/train source normal: 2 of the numbers 0000 to 0009 are not there, first 0002" in gaps


def test_numbers_may_run_over_domains_and_conditions(fan):
    for i, path in enumerate(sorted((fan / "test").iterdir())):
        path.rename(path.with_name(re.sub(r"_\d{4}_", f"_{100 + i:04d}_", path.name)))
    assert data.survey(fan, SPLITS).warnings == ()


def test_supplemental_clips_are_of_noise_or_of_the_machine(fan):
    noise, machine = "section_00_noise_supplemental_normal_0000.wav", "section_00_machine_0001_noise_3.wav"
    clean = "section_00_source_supplemental_machine_0000.wav"
    for name in (noise, machine, clean):
        write_clip(fan / "supplemental" / name, wave()[:1])
    found = data.survey(fan, SPLITS).machine()
    assert [clip.path.name for clip in found.noise] == [noise]
    assert [clip.path.name for clip in found.clean] == [machine, clean]


def test_all_problems_are_reported_at_once(fan):
    paths = sorted((fan / "train").iterdir())
    write_clip(paths[0], wave()[:1])
    write_clip(paths[1], wave(), rate=8000)
    shutil.rmtree(fan / "test")
    assert len(data.survey(fan, SPLITS).problems) == 3


def test_supplemental_clips_are_found_and_may_be_mono(fan):
    write_clip(fan / "supplemental" / "clean_machine_01.wav", wave()[:1])
    assert [c.path.name for c in data.survey(fan, SPLITS).machine().supplemental] == ["clean_machine_01.wav"]


def test_samples_that_are_not_finite_are_refused(fan):
    broken = wave()
    broken[1, 77] = np.nan
    write_clip(first(fan), broken, subtype="FLOAT")
    with pytest.raises(BadInput, match="fan/section_00_source_train_normal_0000.*sample 77 is not a finite number"):
        data.read_wave(Clip(first(fan), "fan", "00"))


def test_waves_are_two_channel_float32_and_read_only(fan):
    read = data.read_wave(Clip(first(fan), "fan", "00"))
    assert read.shape == (2, 16_000) and read.dtype == np.float32 and not read.flags.writeable


def test_folder_mistakes_name_the_likely_cause(data_folder, tmp_path):
    raw = data.raw_folder(data_folder, "dev")
    with pytest.raises(BadInput, match="no machine 'fam', did you mean 'fan'.*there: fan, pump"):
        data.chosen_machines(raw, ["fam"])
    with pytest.raises(BadInput, match="tools/download.py dev.*tools/simulate.py"):
        data.raw_folder(tmp_path, "dev")
    with pytest.raises(BadInput, match=f"--data {data_folder}"):
        data.raw_folder(raw, "dev")
    with pytest.raises(BadInput, match=f"--data {data_folder}$"):
        data.raw_folder(raw / "fan", "dev")
    (tmp_path / "dev_data" / "raw").mkdir(parents=True)
    with pytest.raises(BadInput, match="empty folder"):
        data.machine_names(tmp_path / "dev_data" / "raw")


def test_a_folder_of_evaluation_data_alone_or_of_another_layout_says_what_to_do(tmp_path):
    (tmp_path / "of_eval" / "eval_data" / "raw").mkdir(parents=True)
    with pytest.raises(BadInput, match="eval_data is there: -e in place of -d"):
        data.raw_folder(tmp_path / "of_eval", "dev")
    with pytest.raises(BadInput, match="tools/download.py train"):
        data.raw_folder(tmp_path, "eval")
    (tmp_path / "plain" / "pump").mkdir(parents=True)
    (tmp_path / "plain" / "pump" / "a.flac").touch()
    with pytest.raises(BadInput, match="another layout; `python tools/import_data.py"):
        data.raw_folder(tmp_path / "plain", "dev")
    (tmp_path / "plain").rename(tmp_path / "raw")
    with pytest.raises(BadInput, match=r"raw: recordings in another layout; `python tools/import_data.py"):
        data.raw_folder(tmp_path / "raw", "dev")


def test_of_a_folder_of_one_set_the_other_is_not_said_to_be_beside_it(data_folder, tmp_path):
    (tmp_path / "dev_data" / "raw").mkdir(parents=True)
    with pytest.raises(BadInput, match=f"To get data: `python tools/download.py train --out {tmp_path}`"):
        data.raw_folder(tmp_path / "dev_data", "eval")
    (tmp_path / "dev_data").rename(tmp_path / "eval_data")
    with pytest.raises(BadInput, match="eval_data is there: -e in place of -d"):
        data.raw_folder(tmp_path / "eval_data", "dev")
    with pytest.raises(BadInput, match=f"holds eval_data/: --data {data_folder}$"):
        data.raw_folder(data_folder / "dev_data", "eval")
