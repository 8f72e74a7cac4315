"""Imports point down, never sideways: a room imports corridors, outside libraries and itself; programs open rooms."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CORRIDORS = {"clips", "contracts", "errors", "signal", "si_snr", "training", "store", "tables", "truth_list"}
PROGRAMS = "programs"  # the folder that may import any room, and that no room may import
FILES = sorted((ROOT / "asd").rglob("*.py"))


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "asd":
            yield from (f"asd.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def sideways(source, room):
    for name in imported(ast.parse(source)):
        top, _, rest = name.partition(".")
        if top in ("systems", "tools", "run", "pickle"):
            yield name
        if top == "asd" and room != PROGRAMS and rest.split(".")[0] not in CORRIDORS | {room}:
            yield name


OPENER = ROOT / "asd" / "session.py"  # for run.py; no room may import it in turn


@pytest.mark.parametrize("path", [p for p in FILES if p != OPENER], ids=lambda p: str(p.relative_to(ROOT)))
def test_no_room_imports_another(path):
    room = path.relative_to(ROOT / "asd").parts[0].removesuffix(".py")
    assert list(sideways(path.read_text(), room)) == []


def test_a_sideways_import_would_be_seen():
    assert list(sideways("from asd.data import read_wave\nfrom asd import evaluation, store", "features")) == [
        "asd.data",
        "asd.evaluation",
    ]
    assert list(sideways("import systems", "features")) == ["systems"]
    assert list(sideways("from asd.programs import inspection", "data")) == ["asd.programs"]


def test_programs_open_rooms_but_not_tools():
    assert list(sideways("from asd import data, evaluation", PROGRAMS)) == []
    assert list(sideways("import tools, pickle", PROGRAMS)) == ["tools", "pickle"]


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_module_has_its_charter_and_none_prints_or_exits(path):
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree)
    calls = {ast.unparse(n.func) for n in ast.walk(tree) if isinstance(n, ast.Call)}
    assert not calls & {"print", "sys.exit", "exit"}
