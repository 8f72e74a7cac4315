"""Packages: each defect alone is refused with its own message, each valid variation is not."""

import io
import re
import stat
import zipfile

import numpy as np
import pytest
import yaml
from conftest import tool
from scipy.stats import rankdata

from asd import submission
from asd.errors import BadInput
from asd.programs.validation import defects
from asd.score_files import DECISION, SCORE, file_name
from asd.submission import DEV_MACHINES, EVAL_MACHINES

VALIDATE = tool("validate")
L1 = "Example_EXU_task2_1"
META, CSV, DECIDED = (
    f"task2/{L1}/{L1}.meta.yaml",
    f"task2/{L1}/{file_name(SCORE, 'Sander')}",
    f"task2/{L1}/{file_name(DECISION, 'Sander')}",
)
PDF = f"task2/{L1}.technical_report.pdf"
AUTHOR = {
    "firstname": "Ada",
    "lastname": "Example",
    "email": "ada@example.org",
    "corresponding": True,
    "affiliation": {"institution": "Example University", "department": None, "location": "Exville, Nowhere"},
}
DESCRIPTION = dict.fromkeys(
    [
        "input_sampling_rate",
        "data_augmentation",
        "front_end",
        "acoustic_features",
        "embeddings",
        "machine_learning_method",
        "aggregation_method",
        "domain_adaptation_method",
        "domain_generalization_method",
        "ensemble_method_subsystem_count",
        "decision_making",
        "attribute_usage",
        "external_data_usage",
        "development_data_usage",
    ]
)


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 8)}]\n" for i in range(1, 9)
)


def meta(label):
    return {
        "submission": {
            "label": label,
            "name": "Some system",
            "abbreviation": "Some",
            "authors": [dict(AUTHOR)],
        },
        "system": {
            "description": {**DESCRIPTION, "machine_learning_method": "AE"},
            "complexity": {"total_parameters": 267928},
            "external_datasets": [],
            "source_code": None,
        },
        "results": {
            "development_dataset": {m: {"auc_source": 66.46, "auc_target": 54.24, "pauc": 53.91} for m in DEV_MACHINES}
        },
    }


def package(n=1):
    """A valid package's files by name; n systems."""
    files = {PDF: b"%PDF-1.4 report"}
    rng = np.random.default_rng(3)
    for label in (f"Example_EXU_task2_{i}" for i in range(1, n + 1)):
        files[f"task2/{label}/{label}.meta.yaml"] = yaml.safe_dump(meta(label), sort_keys=False).encode()
        for machine in EVAL_MACHINES:
            scores = rng.gamma(2.0, 3.0, 200)
            rows = [(f"section_00_{i:04d}.wav", s) for i, s in enumerate(scores)]
            files[f"task2/{label}/{file_name(SCORE, machine)}"] = lines(rows)
            files[f"task2/{label}/{file_name(DECISION, machine)}"] = lines([(n, int(s > 9.1)) for n, s in rows])
    return files


def lines(rows, end="\n"):
    return "".join(f"{name},{value}{end}" for name, value in rows).encode()


def rows_of(raw):
    return [(name, float(value)) for name, value in (line.split(",") for line in raw.decode().splitlines())]


def zipped(path, files, extra=()):
    """Deflated, and `extra` (ZipInfo or name, bytes) entries as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in [*files.items(), *extra]:
            archive.writestr(name, raw)
    return path


def edited(change):
    """Files whose first system's meta.yaml `change` has altered in place."""

    def make(files):
        value = yaml.safe_load(files[META])
        change(value)
        return {**files, META: yaml.safe_dump(value, sort_keys=False).encode()}

    return make


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(meta):
        for key in path:
            meta = meta[key]
        meta[last] = value

    return edited(change)


def drop(*path):
    def change(meta):
        for key in path[:-1]:
            meta = meta[key]
        del meta[path[-1]]

    return edited(change)


def raw(name, text):
    return lambda files: {**files, name: text if isinstance(text, bytes) else text.encode()}


def without(*names):
    return lambda files: {n: r for n, r in files.items() if n not in names}


def renamed(old, new):
    return lambda files: {n.replace(old, new): r for n, r in files.items()}


def scores(rule):
    """Sander's scores replaced by `rule` of them."""

    def make(files):
        names, values = zip(*rows_of(files[CSV]), strict=True)
        return {**files, CSV: lines(zip(names, rule(np.array(values)).tolist(), strict=True))}

    return make


def replaced(name, old, new):
    return lambda files: {**files, name: files[name].replace(old.encode(), new.encode(), 1)}


def every_machine_cut_at(percentile):
    def make(files):
        files = dict(files)
        for machine in EVAL_MACHINES:
            rows = rows_of(files[f"task2/{L1}/{file_name(SCORE, machine)}"])
            cut = np.percentile([s for _, s in rows], percentile)
            files[f"task2/{L1}/{file_name(DECISION, machine)}"] = lines([(n, int(s > cut)) for n, s in rows])
        return files

    return make


def every_machine_scaled(files):
    """Min-max scaled over its test clips."""
    files = dict(files)
    for machine in EVAL_MACHINES:
        name = f"task2/{L1}/{file_name(SCORE, machine)}"
        names, values = zip(*rows_of(files[name]), strict=True)
        files[name] = lines(zip(names, ((values - np.min(values)) / np.ptp(values)).tolist(), strict=True))
    return files


SUB, SYS, DEV = "submission", "system", ("results", "development_dataset")
FAN = (*DEV, "fan")
DEFECTS = {
    # meta.yaml
    "yaml that does not parse": (raw(META, "submission: {label: x\nsystem: y"), r"meta.yaml:\d+: not yaml"),
    "no mapping": (raw(META, "- a\n- b\n"), "meta.yaml:1: no `key: value` lines"),
    "meta not utf-8": (raw(META, b"submission: \xff\xfe"), "meta.yaml: not UTF-8 text"),
    "duplicate key": (
        replaced(META, "  name:", "  label: x\n  name:"),
        r"meta.yaml:3: submission.label: duplicate key",
    ),
    "recursion": (raw(META, "a: &x [*x]\n"), "not yaml|nested without end|more than 5000 keys"),
    "a bomb": (raw(META, BOMB), "more than 5000 keys"),
    "abbreviation of 11": (put(SUB, "abbreviation", "Elevenchars"), r"meta.yaml:4: submission.abbreviation: 11 char"),
    "abbreviation null": (put(SUB, "abbreviation", None), "abbreviation: None, expected text"),
    "abbreviation on": (put(SUB, "abbreviation", True), "abbreviation: True, expected text .write it in quotes"),
    "label unlike folder": (put(SUB, "label", "Other_EXU_task2_1"), "'Other_EXU_task2_1', but the folder and file are"),
    "name missing": (drop(SUB, "name"), "submission: missing name"),
    "no authors": (put(SUB, "authors", []), "no author in the list"),
    "no corresponding author": (put(SUB, "authors", 0, "corresponding", False), "0 corresponding authors, exactly one"),
    "two corresponding": (put(SUB, "authors", [AUTHOR, {**AUTHOR, "firstname": "B"}]), "2 corresponding authors"),
    "no e-mail": (put(SUB, "authors", 0, "email", "ada at example"), "'ada at example' is not an e-mail address"),
    "author without institution": (
        put(SUB, "authors", 0, "affiliation", "institution", None),
        "institution: None",
    ),
    "a description missing": (drop(SYS, "description", "front_end"), "system.description: missing front_end"),
    "a description misspelt": (put(SYS, "description", "frontend", "x"), "unknown key, did you mean 'front_end'"),
    "total_parameters null": (put(SYS, "complexity", "total_parameters", None), "None, expected an integer"),
    "total_parameters text": (put(SYS, "complexity", "total_parameters", "2.7 M"), "'2.7 M', expected an integer"),
    "MACS empty": (put(SYS, "complexity", "MACS", ""), "'', expected a number"),
    "ensemble of words": (
        put(SYS, "description", "ensemble_method_subsystem_count", "ten"),
        "'ten', expected",
    ),
    "template text": (put(SUB, "name", "<full name of the system>"), "looks like text of the template"),
    "TODO": (put(SYS, "description", "embeddings", "TODO"), "'TODO' looks like text of the template"),
    "baseline's name": (put(SUB, "name", "DCASE2026 baseline system"), "is the baseline's"),
    "null data set": (put(SYS, "external_datasets", [{"name": None, "url": None}]), "name and url are null; write ..."),
    "development set as external": (
        put(SYS, "external_datasets", [{"name": "DCASE 2026 Challenge Task 2", "url": "https://zenodo.org/records/1"}]),
        "the challenge's own data set",
    ),
    "external by record": (
        put(SYS, "external_datasets", [{"name": "machines", "url": "https://zenodo.org/records/19336329"}]),
        "the challenge's own data set",
    ),
    "external, usage null": (
        put(SYS, "external_datasets", [{"name": "AudioSet", "url": "https://research.google.com/audioset"}]),
        "null, but external_datasets lists 1",
    ),
    "external, but none listed": (
        put(SYS, "description", "external_data_usage", "AudioSet"),
        "external_datasets is",
    ),
    "external_datasets a number": (put(SYS, "external_datasets", 5), "5, expected a list"),
    "no affiliation": (put(SUB, "authors", 0, "affiliation", []), r"affiliation: \[\], expected institution"),
    "corresponding 1": (put(SUB, "authors", 0, "corresponding", 1), "corresponding: 1, expected true or false"),
    "null in words": (put(SYS, "description", "embeddings", "N/A"), "'N/A' is text; write !!null"),
    "no for null": (
        put(SYS, "description", "embeddings", False),
        "embeddings: False, expected text .write",
    ),
    "MACS NaN": (put(SYS, "complexity", "MACS", float("nan")), "nan, expected a number"),
    "MACS unknown": (put(SYS, "complexity", "MACS", "unknown"), "'unknown', expected a number"),
    "one fraction": (put(*FAN, "auc_source", 0.6646), "0.6646: a fraction, percent expected"),
    "unstandardised percent": (put(*FAN, "pauc", 0.80), "0.8 beside AUCs in percent: below the floor of 47.37"),
    "a name that yaml reads as null": (
        raw(META, yaml.safe_dump(meta("Example_EXU_task2_1")).replace("name: Some system", "name: Null")),
        "name: None, expected text .write it in quotes: yaml reads a bare Null as something else",
    ),
    "authors in a text": (put(SUB, "authors", "A; B"), "a text, expected a list of authors; each item in a line"),
    "data sets in a text": (put(SYS, "external_datasets", "AudioSet; ESC-50"), "a text, expected a list, .. where"),
    "data sets in one name": (
        put(SYS, "external_datasets", [{"name": "AudioSet; ESC-50", "url": "https://a.org"}]),
        "'AudioSet; ESC-50' holds several; give each an item",
    ),
    "wrong tag": (raw(META, "submission: !!bool x\n"), "meta.yaml.*not yaml"),
    "results a list": (put("results", "development_dataset", [1]), "expected one line per machine"),
    "source code no address": (put(SYS, "source_code", "on request"), "'on request' is not an http"),
    "pAUC below its floor": (put(*FAN, "pauc", 46.9), r"fan.pauc: 46.9 is below the floor of 47.37"),
    "fractions": (
        put(*FAN, {"auc_source": 0.66, "auc_target": 0.54, "pauc": 0.53}),
        "0.66: a fraction",
    ),
    "above 100": (put(*FAN, "auc_source", 664.6), "664.6, expected percent"),
    "result null": (put(*FAN, "auc_target", None), "None, expected percent"),
    "result NaN": (put(*FAN, "auc_target", float("nan")), "nan, expected percent"),
    "development machine missing": (drop(*FAN), "development_dataset: missing fan"),
    "development machine misspelt": (
        put(*DEV, "Fan", {}),
        "Fan: not a machine of the development set, did you mean",
    ),
    "evaluation machine in results": (put(*DEV, "Sander", {}), "Sander: not a machine of the development set"),
    "results missing": (drop("results"), "missing results"),
    # layout
    "flat zip": (renamed("task2/", ""), "everything must lie below task2/"),
    "one folder too many": (renamed("task2/", "submission/task2/"), "everything must lie below task2/"),
    "outside task2": (raw("notes.txt", "x"), "notes.txt: outside task2/"),
    "no PDF": (without(PDF), "0 technical reports, one expected: task2/Example_EXU_task2_1.technical_report.pdf"),
    "two PDFs": (raw("task2/Example_EXU_task2_2.technical_report.pdf", "%PDF-1.4"), "2 technical reports"),
    "PDF of another name": (renamed(PDF, "task2/report.pdf"), "task2/report.pdf: unexpected file"),
    "PDF that is none": (raw(PDF, "<html>"), "not a PDF"),
    "label of three parts": (renamed("Example_EXU_task2_1", "Example_EXU_1"), "not a label, expected .Surname._"),
    "label of five parts": (renamed("Example_EXU", "Ex_ample_EXU"), "not a label, expected .Surname._"),
    "number 5": (renamed("task2_1", "task2_5"), "not a label, expected .Surname._"),
    "numbered from 2": (renamed("task2_1", "task2_2"), "systems numbered 2; expected 1 to 1"),
    "two teams": (
        lambda files: files | {n.replace("Example", "Other").replace("_1", "_2"): r for n, r in files.items()},
        "labels of 2 teams",
    ),
    "five systems": (
        lambda files: package(4) | renamed("task2_1", "task2_5")(without(PDF)(files)),
        "task2_5: not a label",
    ),
    "meta of another name": (renamed(META, f"task2/{L1}/meta.yaml"), rf"no {L1}.meta.yaml"),
    "unexpected file": (raw(f"task2/{L1}/weights.pt", "x"), "weights.pt: unexpected file"),
    "unknown machine": (renamed("score_Sander", "score_sander"), "no machine 'sander', did you mean 'Sander'"),
    "machine of the development set": (raw(f"task2/{L1}/{file_name(SCORE, 'fan')}", "a.wav,1"), "no machine 'fan'"),
    "missing machine": (without(CSV, DECIDED), "no anomaly_score_Sander_section_00_test.csv"),
    "missing decisions": (without(DECIDED), "no decision_result_Sander_section_00_test.csv"),
    # values
    "missing clip": (
        replaced(CSV, "section_00_0007.wav", "section_00_0200.wav"),
        "1 missing clips: section_00_0007",
    ),
    "invented names": (replaced(CSV, "section_00_0003.wav", "clip_3.wav"), "unknown clips: clip_3"),
    "without .wav": (replaced(CSV, "section_00_0003.wav", "section_00_0003"), "unknown clips: section_00_0003"),
    "a folder before the name": (replaced(CSV, "section_00_0003", "test/section_00_0003"), "unknown clips: test/"),
    "duplicate row": (
        replaced(CSV, "section_00_0003.wav", "section_00_0002.wav"),
        r"csv:4: duplicate of section_00_0002.wav",
    ),
    "header": (lambda f: {**f, CSV: b"file,score\n" + f[CSV]}, "csv:1: 'file,score', expected"),
    "NaN": (scores(lambda s: np.where(np.arange(200) == 4, np.nan, s)), r"csv:5: 'section_00_0004.wav,nan', expected"),
    "infinite": (scores(lambda s: np.where(np.arange(200) == 4, np.inf, s)), r"csv:5: .*inf', expected"),
    "underscore in a number": (replaced(CSV, "section_00_0000.wav,", "section_00_0000.wav,1_"), "csv:1: .*expected"),
    "semicolons": (lambda f: {**f, CSV: f[CSV].replace(b",", b";")}, "csv:1: .*expected `<clip>.wav,<finite number>`"),
    "three columns": (lambda f: {**f, CSV: f[CSV].replace(b"\n", b",0\n")}, "csv:1: .*expected"),
    "empty line": (lambda f: {**f, CSV: f[CSV] + b"\n"}, "csv:201: '', expected"),
    "empty file": (raw(CSV, ""), "csv: empty"),
    "byte order mark": (lambda f: {**f, CSV: b"\xef\xbb\xbf" + f[CSV]}, "byte order mark"),
    "UTF-16": (lambda f: {**f, CSV: f[CSV].decode().encode("utf-16")}, "csv: not UTF-8 text"),
    "decision 2": (
        replaced(DECIDED, "section_00_0004.wav,", "section_00_0004.wav,2"),
        "csv:5: .*,<0 or 1>",
    ),
    "decision true": (lambda f: {**f, DECIDED: f[DECIDED].replace(b",1\n", b",True\n")}, "True', expected"),
    "decisions are scores": (lambda f: {**f, DECIDED: f[CSV]}, r"csv:1: .*expected `<clip>.wav,<0 or 1>`"),
    "constant": (scores(lambda s: 0 * s + 0.5), "all 200 scores are 0.5"),
    "open quote": (replaced(CSV, "section_00_0003.wav,", 'section_00_0003.wav,"'), "csv:4: .*expected `<clip>.wav"),
    "carriage returns alone": (
        lambda f: {**f, CSV: f[CSV].replace(b"\n", b"\r")},
        r"csv:1: .{75,130}\.\.\.'",
    ),
    "foreign digits": (replaced(CSV, "section_00_0003.wav,", "section_00_0003.wav,\u0663"), "csv:4: .*expected"),
    "decisions inverted": (
        lambda f: {**f, DECIDED: lines([(n, int(1 - d)) for n, d in rows_of(f[DECIDED])])},
        "Sander: a clip decided 0 scores .* no single threshold does that",
    ),
    # statistics over test clips
    "ranks": (scores(rankdata), "scores are ranks"),
    "ranks scaled": (scores(lambda s: rankdata(s) / len(s)), "scores are ranks"),
    "z-scores": (scores(lambda s: (s - s.mean()) / s.std()), "scores are z-scores"),
    "min-max": (every_machine_scaled, "all 5 machines: the scores are min-max scaled"),
    "percentile decisions": (every_machine_cut_at(90), "threshold at the 90th percentile of the test scores"),
}


@pytest.mark.parametrize("name", DEFECTS)
def test_each_defect_is_refused_with_its_message(tmp_path, name, capsys):
    make, message = DEFECTS[name]
    path = zipped(tmp_path / "x.zip", make(package()))
    assert VALIDATE.main([str(path)]) == 2
    printed = capsys.readouterr()
    assert re.search(message, printed.out), printed.out
    assert "not ready to be submitted" in printed.out and not printed.err


def entry(name, mode=0o100644):
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


ENTRIES = {
    "zip-slip": (("../../etc/cron.d/x", b"x"), "leaves the folder"),
    "absolute": (("/etc/passwd", b"x"), "leaves the folder"),
    "backslashes": (("task2\\..\\x.csv", b"x"), "leaves the folder"),
    "symlink": ((entry("task2/link.csv", stat.S_IFLNK | 0o777), b"/etc/passwd"), "a symbolic link"),
    "absurd size": ((f"task2/{L1}/big.csv", b"0" * (5 * 2**20)), "5.0 MiB unpacked, at most 4 expected"),
    "duplicate name": ((META, b"submission: {}"), "duplicate name, 2 entries in the zip"),
    "duplicate but for case": ((META.replace("meta", "META"), b"x"), "duplicate name, 2 entries in the zip"),
    "a folder with content": (("task2/evil/", b"payload"), "a folder's entry with 7 bytes"),
    "a folder by its mode": ((entry("task2/x.csv", stat.S_IFDIR | 0o755), b"x"), "neither a plain file nor a folder"),
    "a pipe": ((entry("task2/x.csv", stat.S_IFIFO | 0o644), b""), "neither a plain file nor a folder"),
    "macOS": (("__MACOSX/task2/._x.csv", b"x"), "a file of the operating system"),
    ".DS_Store": (("task2/.DS_Store", b"x"), "a file of the operating system"),
}


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("name", ENTRIES)
def test_each_bad_entry_is_refused(tmp_path, name):
    extra, message = ENTRIES[name]
    found = defects(zipped(tmp_path / "x.zip", package(), [extra]))
    assert any(message in defect for defect in found), found


def test_damaged_encrypted_and_foreign_files_are_told(tmp_path, capsys):
    whole = zipped(tmp_path / "x.zip", package()).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.zip").write_text("hello")
    for name in ("cut.zip", "text.zip", "absent.zip"):
        assert VALIDATE.main([str(tmp_path / name)]) == 2
    assert capsys.readouterr().err.count("not a readable zip") == 2
    at = whole.index(b"Sander_section_00_test.csv") + 100  # inside that entry's compressed bytes
    (tmp_path / "flipped.zip").write_bytes(whole[:at] + bytes([whole[at] ^ 255]) + whole[at + 1 :])
    assert any("damaged" in defect for defect in defects(tmp_path / "flipped.zip"))
    locked = bytearray(whole)
    central = whole.rindex(b"PK\x01\x02")
    locked[central + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(locked)
    assert any("encrypted" in defect for defect in defects(tmp_path / "locked.zip"))


def test_too_many_entries_are_not_even_read(tmp_path):
    found = defects(zipped(tmp_path / "x.zip", {f"task2/{i}.csv": b"" for i in range(600)}))
    assert "600 entries, at most 500 expected" in found[0]


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_one_to_four_systems_are_accepted_with_the_checklist(tmp_path, n, capsys):
    assert VALIDATE.main([str(zipped(tmp_path / "x.zip", package(n)))]) == 0
    printed = capsys.readouterr().out
    assert "no defect found" in printed and "declared in meta.yaml" in printed and "not checked" in printed


VARIATIONS = {
    "CRLF": lambda f: {n: r.replace(b"\n", b"\r\n") if n.endswith("csv") else r for n, r in f.items()},
    "CRLF in meta.yaml": lambda f: {**f, META: f[META].replace(b"\n", b"\r\n")},
    "no newline at the end": lambda f: {**f, CSV: f[CSV].rstrip()},
    "extra decimals": lambda f: {**f, CSV: lines([(n, f"{s:.25f}") for n, s in rows_of(f[CSV])])},
    "scientific": lambda f: {**f, CSV: lines([(n, f"{s:.12E}") for n, s in rows_of(f[CSV])])},
    "negative and integer": scores(lambda s: np.round(1000 * s) - 9000),
    "another order": lambda f: {**f, CSV: lines(rows_of(f[CSV])[::-1])},
    "MACS a number": put(SYS, "complexity", "MACS", 264192000),
    "MACS in words": put(SYS, "complexity", "MACS", "264.2 M"),
    "MACS null": put(SYS, "complexity", "MACS", None),
    "an ensemble": put(SYS, "description", "ensemble_method_subsystem_count", 10),
    "two authors, the second by reference": put(SUB, "authors", [AUTHOR, {**AUTHOR, "corresponding": False}]),
    "two affiliations": put(SUB, "authors", 0, "affiliation", [AUTHOR["affiliation"], AUTHOR["affiliation"]]),
    "abbreviation of 10": put(SUB, "abbreviation", "TenLetters"),
    "external data declared": lambda f: put(SYS, "external_datasets", [{"name": "AudioSet", "url": "https://x.org/a"}])(
        put(SYS, "description", "external_data_usage", "pretraining")(f)
    ),
    "external data of an earlier year": lambda f: put(
        SYS,
        "external_datasets",
        [{"name": "DCASE 2022 Task 2 development dataset", "url": "https://zenodo.org/records/6355122"}],
    )(put(SYS, "description", "external_data_usage", "pretraining")(f)),
    "brackets in prose": put(SYS, "description", "embeddings", "BEATs [Chen et al. 2023], <50 Hz and >7 kHz cut"),
    "like the baseline": put(SYS, "description", "acoustic_features", "log-mel as in the baseline system"),
    "pAUC at its floor": put(*FAN, "pauc", 47.37),
    "accents": put(SUB, "authors", 0, "lastname", "Müller-Łukasz"),
    "entries for folders": lambda f: {"task2/": b"", f"task2/{L1}/": b"", **f},
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_no_valid_variation_is_refused(tmp_path, name):
    assert defects(zipped(tmp_path / "x.zip", VARIATIONS[name](package()))) == []


def test_more_than_is_reasonable_is_not_even_read(tmp_path):
    big = {f"task2/{i}.pdf": b"\0" * (26 * 2**20) for i in range(4)}
    assert "104 MiB unpacked, at most 100 expected" in defects(zipped(tmp_path / "x.zip", big))[0]


def test_the_data_folder_says_which_machines_and_clips_are_expected(tmp_path, data_folder):
    found = defects(zipped(tmp_path / "x.zip", package()), data_folder)
    assert any("no anomaly_score_drone_section_00_test.csv" in defect for defect in found)
    assert any("not a machine of the development set" in d and "expected: fan, pump" in d for d in found)
    with pytest.raises(BadInput, match="no such folder"):
        defects(tmp_path / "x.zip", tmp_path)


def test_a_package_is_written_whole_and_the_same_each_time(tmp_path):
    for name in ("a.zip", "b.zip"):
        submission.write_zip(tmp_path / name, {"x/y.csv": b"1"})
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    assert zipfile.ZipFile(io.BytesIO((tmp_path / "a.zip").read_bytes())).namelist() == ["task2/x/y.csv"]
