"""Imports point down: programs open rooms, a room imports corridors, the floor and itself; no circle anywhere."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FLOOR = {"errors", "clips", "contracts"}
CORRIDORS = {"signal", "si_snr", "training", "fingerprint", "store", "settings", "jobs", "score_files", "truth_list"}
CORRIDORS |= {"tables", "pretrained", "folds", "sealed", "text_files", "wav_files", "yaml_files", "epochs", "macs"}
CORRIDORS |= {"process", "cluster", "locks", "checkpoint", "commands", "failures", "progress", "resampling"}
CORRIDORS |= {"sound_files", "array_files", "json_files", "shapes"}
PROGRAMS = "programs"
OUTSIDE = ("systems", "tools", "run", "pickle")
FILES = sorted((ROOT / "asd").rglob("*.py"))


def imported(tree):
    """Dotted names that a module imports when it runs; `from asd import x` and `from asd.x import y` alike."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield f"asd.{'.' * node.level}{node.module or ''}"  # relative: where it leads is not said
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def forbidden(source, room):
    """What a file of that room imports and must not."""
    allowed = FLOOR if room in FLOOR else FLOOR | CORRIDORS | {room}
    for name in imported(ast.parse(source)):
        top, _, rest = name.partition(".")
        if top in OUTSIDE and (top, room) != ("systems", PROGRAMS):
            yield name
        if top == "asd" and room != PROGRAMS and rest.split(".")[0] not in allowed:
            yield name


def room_of(path):
    return path.relative_to(ROOT / "asd").parts[0].removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_room_imports_another(path):
    assert list(forbidden(path.read_text(), room_of(path))) == []


def test_a_forbidden_import_would_be_seen():
    assert list(forbidden("from asd.data import read_wave\nfrom asd import evaluation, store", "features")) == [
        "asd.data.read_wave",
        "asd.evaluation",
    ]
    assert list(forbidden("import systems", "features")) == ["systems"]
    assert list(forbidden("from ..data import read_wave", "features")) == ["asd...data"]
    assert list(forbidden("from asd.programs import inspection", "data")) == ["asd.programs.inspection"]
    assert list(forbidden("from asd.store import Store", "clips")) == ["asd.store.Store"]
    assert list(forbidden("import systems\nfrom asd import data\nimport tools, pickle", PROGRAMS)) == [
        "tools",
        "pickle",
    ]


def test_no_module_imports_what_changes_how_a_process_ends():
    """Commands are imported by scripts alone: in a worker or a notebook Ctrl-C is not theirs."""
    texts = {path: path.read_text() for path in FILES}
    trees = {path: ast.parse(text) for path, text in texts.items() if "commands" in text}
    assert trees and not [path for path, tree in trees.items() if any("asd.commands" in n for n in imported(tree))]


def test_what_is_not_as_it_was_written_is_told_in_one_place():
    assert [path.name for path in FILES if re.search(r'f".*not what .* writes \(', path.read_text())] == ["errors.py"]


def modules():
    names = {}
    for path in [*FILES, *(ROOT / "systems").glob("*.py")]:
        parts = path.relative_to(ROOT).with_suffix("").parts
        names[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return names


def circle(graph):
    """Modules that import each other in a circle, or []."""
    done, under_way = set(), []

    def visit(name):
        if name in under_way:
            return under_way[under_way.index(name) :]
        if name in done:
            return []
        under_way.append(name)
        found = next((c for other in graph.get(name, ()) if (c := visit(other))), [])
        under_way.pop()
        done.add(name)
        return found

    return next((c for name in graph if (c := visit(name))), [])


def test_nothing_is_imported_in_a_circle():
    names, graph = modules(), {}
    for name, path in names.items():
        targets = {t if t in names else t.rpartition(".")[0] for t in imported(ast.parse(path.read_text()))}
        graph[name] = sorted(t for t in targets & names.keys() if t != name)
    assert circle(graph) == []


def test_a_circle_would_be_seen():
    assert circle({"a": ["b"], "b": ["c"], "c": ["b"]}) == ["b", "c"]
    assert circle({"a": ["b", "c"], "b": ["c"], "c": []}) == []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_has_its_charter_and_none_prints_or_exits(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert not calls & {"print", "sys.exit", "exit"}


# ---- one door for every kind of file that people bring ---------------------------------------------------------------

READS = {  # a call, and the only files that may make it
    "soundfile.": {"sound_files.py", "wav_files.py", "data/waves.py"},
    "np.load": {"array_files.py", "store.py", "programs/torture/damage.py"},
    "json.load": {
        "json_files.py",
        "store.py",
        "results/folder.py",
    }  # the last two: sealed, or locked
    | {"download/record.py", "programs/request.py", "programs/worker.py"},  # a server's answer, own command lines
    "yaml.load": {"yaml_files.py"},
    "yaml.safe_load": {"programs/torture/pipeline.py"},  # the kit's own example
    "yaml.compose": set(),
    "csv.reader": {"text_files.py"},
    "csv.DictReader": set(),
    "librosa.load": {"programs/bench/plain.py"},  # the way that is measured against
    "scipy.io.wavfile.read": set(),
}
HARMLESS = {"soundfile.available_formats"}


def undoored(source, place):
    """Calls that read a file by another way than its door."""
    for node in ast.walk(ast.parse(source)) if any(start in source for start in READS) else ():
        called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
        if called not in HARMLESS:
            yield from (called for start, doors in READS.items() if called.startswith(start) and place not in doors)


@pytest.mark.parametrize("folder", ["asd", "tools", "systems"])
def test_files_come_in_by_their_door(folder):
    paths = {str(path.relative_to(ROOT / folder)): path for path in (ROOT / folder).rglob("*.py")}
    found = {place: list(undoored(path.read_text(), place)) for place, path in paths.items()}
    assert {place: calls for place, calls in found.items() if calls} == {}


def test_another_way_in_would_be_seen():
    source = "soundfile.read(p)\nx = np.load(p)\njson.loads(t)\nsoundfile.available_formats()"
    assert list(undoored(source, "data/waves.py")) == ["np.load", "json.loads"]


def test_an_installed_kit_has_every_file_that_its_code_reads():
    """A wheel holds modules and what package-data lists; a tool must not read a file of the checkout beside it."""
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    packed = {p for package, names in listed.items() for n in names for p in (ROOT / package.replace(".", "/")).glob(n)}
    others = {p for p in (ROOT / "asd").rglob("*.*") if p.is_file() and p.suffix not in (".py", ".pyc", ".md")}
    assert others == packed
    for path in (ROOT / "tools").glob("*.py"):
        assert not re.search(r"__file__\)[^\n]*(with_name|/ \")", path.read_text()), path
