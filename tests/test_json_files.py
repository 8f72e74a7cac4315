"""What the kit has written and people may have edited: checked by name and type before anything stands on it."""

import pytest

from asd.errors import BadInput
from asd.json_files import read_json
from asd.shapes import misfit

SHAPE = {"name": str, "clips": {...: int}, "members": [(str, int)], "quick?": bool, "mean?": float}
RIGHT = {"name": "s1", "clips": {"fan": 3}, "members": [["s1", 0]], "more": None}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({}, ""),
        ({"quick": True}, ""),
        ({"name": 3}, "name: a whole number, a text expected"),
        ({"clips": {"fan": True}}, "clips.fan: true or false, a whole number expected"),
        ({"clips": [1]}, "clips: a list, a mapping expected"),
        ({"members": [["s1", 0], ["s1"]]}, "members.1: 1 items, 2 expected"),
        ({"members": [["s1", "0"]]}, "members.0.1: a text, a whole number expected"),
        ({"mean": float("nan")}, "mean: not finite, a number expected"),
        ({"mean": -float("inf")}, "mean: not finite, a number expected"),
        ({"mean": 10**400}, "mean: not finite, a number expected"),
        ({"mean": 3}, ""),
        ({"quick": None}, "quick: nothing, true or false expected"),
    ],
)
def test_the_first_misfit_is_told_with_its_place(changed, told):
    assert misfit({**RIGHT, **changed}, SHAPE) == told


def test_what_lacks_is_told():
    assert misfit({}, SHAPE) == "no name" and misfit({"a": {}}, {"a": {"b": int}}) == "no a.b"
    assert misfit(3, float) == "" and misfit([], SHAPE) == "a list, a mapping expected"


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b"[" * 100_000, b"3"])
def test_what_is_no_json_is_told_with_its_path(raw, tmp_path):
    (tmp_path / "x.json").write_bytes(raw)
    with pytest.raises(BadInput, match=r"x\.json: ") as refused:
        read_json(tmp_path / "x.json", "run.py", SHAPE, "delete it")
    assert "\n" not in str(refused.value)
