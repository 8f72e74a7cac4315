"""From results to a package its own validator accepts; and the report of the same results."""

import json
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
import yaml
from conftest import tool
from test_session import opened, worked

from asd import evaluation, submission
from asd.programs import validation
from asd.programs.packaging import encoder_names
from asd.programs.proving import prove
from asd.programs.reading import read_systems
from asd.programs.request import Request
from asd.score_files import read_rows
from asd.submission import Measured
from systems import load

EXAMPLE = Path(__file__).resolve().parent.parent / "submission" / "example"
SYSTEMS = ["s1", "s3"]


@pytest.fixture(scope="module")
def results(data_folder, tmp_path_factory):
    """Development and proven evaluation results of a system and an ensemble, two seeds each."""
    folder = tmp_path_factory.mktemp("package")
    worked(opened(SYSTEMS, "dev", data_folder, folder))
    prove(worked(opened(SYSTEMS, "eval", data_folder, folder)))
    return folder


@pytest.fixture
def team(tmp_path):
    """The example team with two systems, as (path, save)."""
    folder = shutil.copytree(EXAMPLE, tmp_path / "team")
    value = yaml.safe_load((folder / "team.yaml").read_text())
    value["systems"] = [item for item in value["systems"] if item["system"] in SYSTEMS]

    def save(**changes):
        (folder / "team.yaml").write_text(yaml.safe_dump({**value, **changes}))
        return folder / "team.yaml"

    save()
    return save, value


def packaged(path, data_folder, results, out, *more):
    words = ["--team", path, "--data", data_folder, "--results", results, "--out", out, *more]
    return tool("package").main([str(word) for word in words])


@pytest.fixture(scope="module")
def package(results, data_folder, tmp_path_factory):
    """The package of the two systems."""
    out = tmp_path_factory.mktemp("out")
    folder = shutil.copytree(EXAMPLE, out / "team")
    value = yaml.safe_load((folder / "team.yaml").read_text())
    value["systems"] = [item for item in value["systems"] if item["system"] in SYSTEMS]
    (folder / "team.yaml").write_text(yaml.safe_dump(value))
    assert packaged(folder / "team.yaml", data_folder, results, out, "--macs", "second") == 0
    return out / "Example_EXU_task2.zip"


def meta_of(package, label="Example_EXU_task2_1"):
    with zipfile.ZipFile(package) as archive:
        return yaml.safe_load(archive.read(f"task2/{label}/{label}.meta.yaml"))


def test_an_encoder_is_told_as_embeddings_and_not_as_features(team):
    systems = {name: load(name) for name in ("beats_knn", "baseline_mse")}
    assert encoder_names(Request("dev", Path(), Path(), systems, systems)) == ("Beats",)
    measured = Measured(("Near",), (), ("Beats",), ("NearestNeighbours",), 1, 5, None, {})
    described = submission.meta_of(team[1], 1, measured)["system"]["description"]
    assert described["embeddings"] == "Beats" and described["acoustic_features"] is None


def test_every_run_that_is_missing_is_told_at_once_with_its_command(team, data_folder, tmp_path, capsys):
    save, _ = team
    (tmp_path / "results" / "dev" / "s3").mkdir(parents=True)
    (tmp_path / "results" / "dev" / "s3" / "run.json").touch()
    assert packaged(save(), data_folder, tmp_path / "results", tmp_path / "out") == 2
    told = capsys.readouterr().err.splitlines()
    assert [line.partition(" --data")[0] for line in told[1:]] == ["python run.py -d s1", "python run.py -e s1 s3"]


def test_what_is_measured_is_filled_in(package, results):
    meta, combo = meta_of(package), meta_of(package, "Example_EXU_task2_2")
    run = json.loads((results / "eval" / "s1" / "run.json").read_text())["machines"]["drone"]
    assert meta["system"]["complexity"]["total_parameters"] == run["parameters"]
    assert meta["system"]["complexity"]["MACS"] == round(run["macs_per_clip"] / run["clip_seconds"])
    described, of_combo = meta["system"]["description"], combo["system"]["description"]
    assert (described["front_end"], of_combo["front_end"]) == ("AdaSub", "AdaSub + CohGate")
    assert (described["ensemble_method_subsystem_count"], of_combo["ensemble_method_subsystem_count"]) == (2, 4)
    assert described["acoustic_features"] == "log-mel energies" and described["input_sampling_rate"] == "16kHz"
    scores = read_rows(results / "dev" / "s1" / "anomaly_score_pump_section_00_test.csv")
    terms = evaluation.terms_of("pump", scores, evaluation.truth_of_names(scores))
    told = meta["results"]["development_dataset"]["pump"]
    assert told == {m: round(100 * v, 2) for m, v in zip(("auc_source", "auc_target", "pauc"), terms, strict=True)}
    assert [*meta] == ["submission", "system", "results"]


def test_the_packages_files_are_those_of_the_results(package, results):
    with zipfile.ZipFile(package) as archive:
        for path in (results / "eval" / "s3").glob("*.csv"):
            assert archive.read(f"task2/Example_EXU_task2_2/{path.name}") == path.read_bytes()
        assert "task2/Example_EXU_task2_1.technical_report.pdf" in archive.namelist()


def test_the_reports_tables_lie_beside_the_package(package):
    assert "over all" in (package.parent / "report_tables.md").read_text()
    latex = (package.parent / "report_tables.tex").read_text()
    assert r"AUC\_source" in latex and r"$\Omega$" in latex and latex.count(r"\toprule") == 2


def test_without_macs_the_key_is_left_out(team, data_folder, results, tmp_path):
    save, _ = team
    assert packaged(save(), data_folder, results, tmp_path / "out") == 0
    assert list(meta_of(tmp_path / "out" / "Example_EXU_task2.zip")["system"]["complexity"]) == ["total_parameters"]


def test_a_package_is_evaluated_against_the_truth_as_its_results_are(package, results, data_folder, tmp_path):
    drone = data_folder / "eval_data" / "raw" / "drone"
    truth = evaluation.truth_of_renamed(sorted((drone / "test").iterdir()), drone / "test_rename")
    names = {p.read_bytes(): p.name for p in (drone / "test_rename").iterdir()}
    rows = [f"{p.name},{names[p.read_bytes()]}" for p in sorted((drone / "test").iterdir())]
    (tmp_path / "eval_data_list.csv").write_text("\n".join(["drone", *rows]) + "\n")
    assert evaluation.read_truth(tmp_path)["drone"] == truth
    evaluate = tool("evaluate").main
    assert evaluate([str(package), "--ground-truth", str(tmp_path)]) == 0
    folders, out = [str(results / kind / "s1") for kind in ("dev", "eval")], tmp_path / "both.html"
    assert tool("report").main([*folders, "--ground-truth", str(tmp_path), "--draws", "5", "--out", str(out)]) == 0
    text = out.read_text()
    assert "development set: Ω" in text and "evaluation set: Ω" in text
    assert {"s1, fan (development set)", "s1, drone (evaluation set)"} <= shown(text)
    from_zip, from_folder = read_systems([package])[1], read_systems([results / "eval" / "s3"])[0]
    assert from_zip.scores == from_folder.scores and from_zip.decisions == from_folder.decisions


def test_a_mistake_in_team_yaml_is_told_and_nothing_is_written(team, data_folder, results, tmp_path, capsys):
    save, value = team
    s1 = value["systems"][0]
    for changes, message in (
        ({"surname": "Ex_ample"}, "'Ex_ample_EXU_task2_1' would be the label"),
        ({"surname": None}, "surname: None, expected text"),
        ({"report": "absent.pdf"}, "absent.pdf is not there"),
        ({"systems": []}, "0 systems, one to 4 expected"),
        ({"systems": [s1, s1]}, "duplicate system s1"),
        ({"systems": [{**s1, "system": "s11"}]}, "unknown system 's11', did you mean 's1'?"),
        ({"systems": [{**s1, "abbreviation": "x" * 11}]}, "11 characters, at most 10"),
        ({"systems": [{**s1, "description": {"front_end": "mine"}}]}, "is measured and filled in"),
        ({"systems": [{**s1, "description": {"embedings": "x"}}]}, "did you mean 'embeddings'"),
        ({"author": []}, "unknown key, did you mean 'authors'"),
        (
            {"systems": [{**s1, "system": "s2"}]},
            "missing; run first:\npython run.py -d s2 ",
        ),
    ):
        assert packaged(save(**changes), data_folder, results, tmp_path / "out") == 2
        assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*"))
    assert packaged(tmp_path / "team.yaml", data_folder, results, tmp_path / "out") == 2
    assert "copy submission/template.yaml" in capsys.readouterr().err


def test_the_blank_template_names_everything_that_is_to_be_filled_in(data_folder, results, tmp_path, capsys):
    assert packaged(EXAMPLE.parent / "template.yaml", data_folder, results, tmp_path / "out") == 2
    told = capsys.readouterr().err
    for key in ("surname", "institute", "report", "authors.0.email", "systems.0.name", "systems.0.abbreviation"):
        assert f"{key}: None, expected text" in told


def test_files_changed_after_their_proof_are_not_packaged(team, data_folder, results, tmp_path, capsys):
    save, _ = team
    for name, old, new in (("anomaly_score", ",", ",1"), ("decision_result", ",1\n", ",0\n")):
        copy = shutil.copytree(results, tmp_path / name)
        path = copy / "eval" / "s1" / f"{name}_drone_section_00_test.csv"
        path.write_text(path.read_text().replace(old, new))
        assert packaged(save(), data_folder, copy, tmp_path / "out") == 2
        assert "drone without a passed verification of these very files" in capsys.readouterr().err


def test_a_machine_without_its_record_is_unproven_and_a_broken_run_json_is_told(
    team, data_folder, results, tmp_path, capsys
):
    save, _ = team
    path = shutil.copytree(results, tmp_path / "results") / "eval" / "s1" / "run.json"
    run = json.loads(path.read_text())
    for broken, message in (
        ({**run, "machines": {"other": run["machines"]["drone"]}}, "drone without a passed verification"),
        ({**run, "machines": {}}, "not what run.py writes (no machine)"),
        ([], "not what run.py writes"),
        ({"machines": {"drone": {"members": []}}}, "not what run.py writes"),
    ):
        path.write_text(json.dumps(broken))
        assert packaged(save(), data_folder, tmp_path / "results", tmp_path / "out") == 2
        assert message in capsys.readouterr().err


def test_development_figures_are_of_all_clips_and_evaluation_scores_of_these_recordings(
    package, results, data_folder, tmp_path
):
    copy = shutil.copytree(results, tmp_path / "results")
    for path in (copy / "dev" / "s1").glob("*_fan_section_00_test.csv"):
        path.write_text("".join(path.read_text().splitlines(keepends=True)[1:]))
    found = validation.defects(package, data_folder, copy)
    assert any("1 missing: section_00_source_test_anomaly_0000" in defect for defect in found)
    data = shutil.copytree(data_folder, tmp_path / "data")
    test = data / "eval_data" / "raw" / "drone" / "test"
    (test / "section_00_0000.wav").write_bytes((test / "section_00_0001.wav").read_bytes())
    assert any("drone was scored on other recordings" in d for d in validation.defects(package, data, results))


def test_a_run_under_way_beside_the_packaged_one_does_not_matter(package, results, data_folder, tmp_path):
    copy = shutil.copytree(results, tmp_path / "results")
    (copy / "eval" / "x9").mkdir()
    (copy / "eval" / "x9" / "run.json").write_text("{")
    assert validation.defects(package, data_folder, copy) == []


def test_unproven_results_are_not_packaged(team, data_folder, results, tmp_path, capsys):
    save, _ = team
    copy = shutil.copytree(results, tmp_path / "results")
    path = copy / "eval" / "s1" / "run.json"
    path.write_text(re.sub('"verified": "[0-9a-f]+"', '"verified": false', path.read_text()))
    assert packaged(save(), data_folder, copy, tmp_path / "out") == 2
    told = capsys.readouterr().err
    assert "drone without a passed verification" in told and "-e s1 --verify" in told
    assert not list((tmp_path / "out").glob("*"))
    earlier = tmp_path / "out" / "Example_EXU_task2.zip"
    earlier.write_bytes(b"earlier")
    assert packaged(save(), data_folder, copy, tmp_path / "out") == 2
    assert f"{earlier} is an earlier one, left as it was" in capsys.readouterr().err
    assert list(earlier.parent.iterdir()) == [earlier] and earlier.read_bytes() == b"earlier"


def test_development_and_evaluation_must_be_of_the_same_numbers(team, data_folder, results, tmp_path, capsys):
    save, _ = team
    copy = shutil.copytree(results, tmp_path / "results")
    path = copy / "eval" / "s1" / "system.yaml"
    path.write_text(path.read_text().replace("epochs: 1", "epochs: 2"))
    assert packaged(save(), data_folder, copy, tmp_path / "out") == 2
    assert "not the numbers, seeds or members of" in capsys.readouterr().err


def altered(package, folder, name, change):
    """A copy of the package with one file changed."""
    path = folder / package.name
    with zipfile.ZipFile(package) as old, zipfile.ZipFile(path, "w") as new:
        for entry in old.namelist():
            raw = old.read(entry)
            new.writestr(entry, change(raw) if entry.endswith(name) else raw)
    return path


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "_1.meta.yaml",
            lambda r: re.sub(rb"auc_target: [\d.]+", b"auc_target: 99.5", r, count=1),
            "auc_target 99.5, but",
        ),
        (
            "_1.meta.yaml",
            lambda r: re.sub(rb"(total_parameters: )\d+", rb"\g<1>12", r),
            "total_parameters 12, but s1's run",
        ),
        ("_1/anomaly_score_drone_section_00_test.csv", lambda r: r.replace(b",", b",1", 1), "are of no system in"),
        (
            "_2/decision_result_drone_section_00_test.csv",
            lambda r: re.sub(rb",[01]\n", b",1\n", r).replace(b",1\n", b",0\n", 3),
            "its decisions are not",
        ),
    ],
)
def test_a_package_unlike_its_results_is_refused(package, results, data_folder, tmp_path, name, change, message):
    found = validation.defects(altered(package, tmp_path, name, change), data_folder, results)
    assert any(message in defect for defect in found), found


def test_the_untouched_package_has_no_defect_and_foreign_results_are_named(package, results, data_folder, tmp_path):
    assert validation.defects(package, data_folder, results) == []
    assert tool("validate").main([str(package), "--data", str(data_folder), "--results", str(tmp_path)]) == 2


# ------------------------------------------------------------------------------------------------------------- report
SHOWN = {"ROC", "Anomaly scores", "Training and validation loss"}  # first words of figures of a system on a machine


def shown(text, words="ROC"):
    """The system and machine of each figure whose caption begins with the words."""
    return {
        alt.partition(": ")[0] for alt in re.findall(r'alt="([^"]+)"', text) if alt.partition(": ")[2].startswith(words)
    }


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    out = tmp_path_factory.mktemp("report") / "report.html"
    folders = [str(results / "dev" / name) for name in SYSTEMS]
    assert tool("report").main([*folders, "--out", str(out), "--draws", "50"]) == 0  # the data folder is recorded
    return out


def test_the_report_stands_alone_and_shows_every_kind_of_figure(page):
    text = page.read_text()
    assert page.stat().st_size < 5e6 and [p.name for p in page.parent.iterdir()] == ["report.html"]
    assert all(place.startswith("data:") for place in re.findall(r'src="([^"]*)"', text))
    assert all(place.startswith(("#", "file:")) for place in re.findall(r'href="([^"]*)"', text))
    everywhere = {f"{s}, {m}" for s in SYSTEMS for m in ("fan", "pump")}
    assert all(shown(text, words) == everywhere for words in SHOWN)
    sounds = {"s1": 3, "s3": 4}  # near, far, and what each front-end makes of them
    assert text.count("<audio") == 2 * 2 * sum(sounds.values())
    for words in (
        "95 % bootstrap intervals",
        "Differences of Ω",
        "false alarms",
        "parameters",
        "4 normal test clips",
    ):
        assert words in text


def test_the_report_has_the_tables_of_omega(page, results, capsys):
    assert tool("omega").main([*(str(results / "dev" / name) for name in SYSTEMS), "--format", "csv"]) == 0
    overall = [line for line in capsys.readouterr().out.splitlines() if "harmonic mean" in line]
    assert len(overall) == 2 and all(f"<td>{line.split(',')[5]}</td>" in page.read_text() for line in overall)


def test_the_worst_clips_are_those_of_highest_normal_and_lowest_anomalous_score(page, results):
    scores = read_rows(results / "dev" / "s1" / "anomaly_score_fan_section_00_test.csv")
    normal = max((c for c in scores if "normal" in c), key=scores.get)
    anomaly = min((c for c in scores if "anomaly" in c), key=scores.get)
    captions = re.findall(r'alt="([^"]+)"', page.read_text())
    assert any(normal in c and c.startswith(("Worst false alarm", "Highest-scoring normal")) for c in captions)
    assert any(anomaly in c and c.startswith(("Worst miss", "Lowest-scoring anomaly")) for c in captions)


def test_without_a_truth_scores_training_and_the_most_anomalous_alone_are_shown(results, data_folder, tmp_path):
    folder, out = results / "eval" / "s1", tmp_path / "report.html"
    assert tool("report").main([str(folder), "--data", str(data_folder), "--out", str(out)]) == 0
    text = out.read_text()
    assert shown(text, "Anomaly scores") == shown(text, "Training") == {"s1, drone"} and not shown(text)
    assert "<audio" not in text and "the truth of the clips is not known" in text
    scores = read_rows(folder / "anomaly_score_drone_section_00_test.csv")
    assert text.index(f"<td>{max(scores, key=scores.get)}</td>") > 0


def test_where_the_clips_have_moved_the_page_says_so_until_their_place_is_given(results, data_folder, tmp_path, capsys):
    copy = shutil.copytree(results, tmp_path / "results") / "dev" / "s1"
    moved = re.sub('"folder": "[^"]+"', '"folder": "/absent"', (copy / "run.json").read_text())
    (copy / "run.json").write_text(moved)
    report, words, out = tool("report").main, [str(copy), "--draws", "5"], copy / "report.html"
    assert report(words) == 0 and f"{out}: " in capsys.readouterr().out
    assert "no spectrograms and sounds (/absent: not there;" in out.read_text() and "<audio" not in out.read_text()
    assert report([*words, "--data", str(tmp_path)]) == 2
    assert "no such folder" in capsys.readouterr().err
    assert report([*words, "--data", str(data_folder)]) == 0
    assert "<audio" in out.read_text()


def test_the_report_refuses_what_is_no_results_folder(results, tmp_path, capsys):
    report = tool("report").main
    assert report([str(tmp_path)]) == 2
    assert "run.json: no such file" in capsys.readouterr().err
    assert report([str(results / "dev" / "s1"), "--out", str(tmp_path)]) == 2
    assert "ending in .html expected" in capsys.readouterr().err
    assert report([str(results / "dev" / "s1")] * 2) == 2
    assert "given twice" in capsys.readouterr().err


def test_the_report_opens_in_a_browser_without_overflow_or_missing_figures_and_sorts(page, tmp_path):
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        pytest.skip("NO CHROMIUM: the report was not opened in a browser")
    probe = """<script>window.onload = () => { const d = document.documentElement;
        const broken = [...document.images].filter(i => !i.naturalWidth).length;
        const header = document.querySelector("table.listed th");
        header.click();
        const first = header.closest("table").tBodies[0].rows[0].cells[0].textContent;
        document.title = `probe ${d.scrollWidth <= window.innerWidth} ${broken} ${first}`; }</script>"""
    copy = tmp_path / "report.html"
    copy.write_text(page.read_text().replace("</body>", f"{probe}</body>"))
    line = [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    line += ["--window-size=500,900", "--virtual-time-budget=5000", "--dump-dom", copy.as_uri()]
    dumped = subprocess.run(line, capture_output=True, text=True, timeout=120, check=True).stdout
    assert "<title>probe true 0 10</title>" in dumped
