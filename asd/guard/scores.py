"""The guard's array: one value a test clip, with element-wise arithmetic and nothing that looks across clips.

    TestScores({clip name: value}) -> arithmetic, comparisons, functions -> TestScores -> released(...) -> {name: value}

The values are sealed: no operation hands one out, counts them or compares two clips, so that a statistic over test
clips (a rank, a z-score, a percentile) cannot be written by habit. Even their number is such a statistic: there is
no `len`. Clips are kept sorted by name, so their order says nothing either.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from asd.errors import BadInput

RULE = "the challenge's rule: no statistic over evaluation clips may enter a score or a decision"
ALLOWED = (
    "allowed are element-wise arithmetic, comparisons and functions (np.where, np.clip, np.round, np.exp, ...) with "
    "constants and with TestScores of the same clips, and mean_of(members)"
)
FUNCTIONS = frozenset({np.where, np.clip, np.round, np.around, np.nan_to_num, np.isclose})  # element-wise, no ufuncs
OPTIONS = frozenset(
    {"a", "x", "a_min", "a_max", "min", "max", "decimals", "nan", "posinf", "neginf", "rtol", "atol", "equal_nan"}
)
SHOWN = 3  # clip names in an error
CONSTANTS = (bool, int, float, np.bool_, np.integer, np.floating)


class CrossClipReduction(BadInput):
    """An operation on test scores that looks across clips, or could."""


def refusal(operation: str) -> CrossClipReduction:
    return CrossClipReduction(
        f"{operation}: refused on test scores ({RULE}); {ALLOWED}. "
        "Is this number meant to come from the training clips? Then fit it there"
    )


def _refused(operation: str) -> Callable[..., NoReturn]:
    """A method that only raises."""

    def refuse(self: object, *args: object, **options: object) -> NoReturn:
        raise refusal(operation)

    return refuse


class _Sealed(NamedTuple):
    names: tuple[str, ...]
    values: np.ndarray  # (N,) float64, int64 or bool, read-only, in the order of the names


class TestScores(NDArrayOperatorsMixin):
    """One value a test clip: float64 scores, or int or bool decisions, of one machine; immutable.

    Raises CrossClipReduction for whatever is not element-wise, BadInput where the clips differ.
    """

    __slots__ = ("_sealed",)
    __test__ = False  # no test case, whatever pytest takes the name for

    def __init__(self, values: Mapping[str, float]) -> None:
        if not isinstance(values, Mapping) or not values:
            raise BadInput(f"TestScores: {values!r}; a mapping of clip name to value expected, one clip at least")
        for name, value in values.items():
            if not isinstance(name, str) or not _is_constant(value):
                raise BadInput(f"TestScores: {name!r} has the value {value!r}; a clip name and one number expected")
        names = tuple(sorted(values))
        self._sealed = _Sealed(names, _canonical(np.array([values[name] for name in names])))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        name = f"np.{ufunc.__name__}"
        if method != "__call__":
            raise refusal(f"{name}.{method}")
        if ufunc.signature is not None:
            raise refusal(f"{name} (works on whole vectors)")
        if all("O" in loop for loop in ufunc.types):
            raise refusal(f"{name} (a Python function that would see the values one after another)")
        if options:
            raise refusal(f"{name} with {'=, '.join(options)}=")
        names, operands = _opened(name, inputs)
        results = ufunc(*operands)
        return tuple(_closed(name, names, r) for r in results) if ufunc.nout > 1 else _closed(name, names, results)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> TestScores:
        name = f"{function.__module__}.{function.__name__}".replace("numpy.", "np.", 1)
        if function not in FUNCTIONS:
            raise refusal(name)
        if unknown := options.keys() - OPTIONS:
            raise refusal(f"{name} with {'=, '.join(sorted(unknown))}=")
        names, operands = _opened(name, (*inputs, *options.values()))
        positional, named = operands[: len(inputs)], dict(zip(options, operands[len(inputs) :], strict=True))
        return _closed(name, names, function(*positional, **named))

    def astype(self, kind: type) -> TestScores:
        """`kind` is int (towards zero) or float."""
        if kind not in (int, float):
            raise refusal(f".astype({kind!r}), int or float expected,")
        names, values = self._sealed
        return _closed(".astype", names, values.astype(kind))

    def __repr__(self) -> str:
        return "<TestScores: sealed, one value a test clip>"

    def __format__(self, specification: str) -> str:
        if specification:
            raise refusal(f"format {specification!r}")
        return repr(self)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(name)  # a protocol that Python or a library asks for: not there
        raise refusal(f".{name}")

    def _in_place(self, other: object) -> Any:
        return NotImplemented  # so that `a += b` means `a = a + b`: the values of `a` may be shared

    __iadd__ = __isub__ = __imul__ = __itruediv__ = __ifloordiv__ = __imod__ = __ipow__ = _in_place
    __ilshift__ = __irshift__ = __iand__ = __ior__ = __ixor__ = __imatmul__ = _in_place

    __array__ = _refused("conversion to an array (of one machine, or a list of members)")
    __getitem__ = __setitem__ = __delitem__ = _refused("indexing")
    __iter__ = __reversed__ = __next__ = _refused("iteration")
    __contains__ = _refused("`in`")
    __len__ = __length_hint__ = _refused("len()")
    __bool__ = _refused("bool() (`if`, `and`, `or`, max, sorted; np.where and & | ~ choose clip by clip)")
    __float__ = __complex__ = _refused("float()")
    __int__ = __index__ = __trunc__ = __floor__ = __ceil__ = _refused("int()")
    __round__ = _refused("round() (np.round is element-wise)")
    __bytes__ = __buffer__ = __dlpack__ = __dlpack_device__ = _refused("access to the memory")
    __reduce__ = __reduce_ex__ = __getstate__ = _refused("copy or pickle")


def released(scores: TestScores) -> dict[str, float]:
    """The values by clip name, sorted: the one way out, for the code that writes the score and decision files.

    Nothing may be computed from them any more; whoever calls it elsewhere has left the guard.
    """
    names, values = scores._sealed
    return dict(zip(names, values.tolist(), strict=True))


def mean_of(members: Sequence[TestScores], weights: Sequence[float] = ()) -> TestScores:
    """The mean over members (systems or seeds) of each clip's value: summed from 0.0 in the order given, then divided.

    Without weights, members count alike.

    Raises BadInput for members of other clips.
    """
    if not members or not all(isinstance(member, TestScores) for member in members):
        raise BadInput(f"mean_of: {members!r}; a sequence of TestScores expected, one member at least")
    total: Any = 0.0
    of_weights = 0.0
    for member, weight in zip(members, weights or (1.0,) * len(members), strict=True):
        total = total + weight * member
        of_weights += weight
    return total / of_weights


def _is_constant(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim == 0 and value.dtype.kind in "biuf"
    return isinstance(value, CONSTANTS)


def _opened(operation: str, operands: Iterable[object]) -> tuple[tuple[str, ...], list[Any]]:
    """The clips' names and the plain operands, after the check that nothing but constants and the same clips meet."""
    names: tuple[str, ...] = ()
    plain: list[Any] = []
    for operand in operands:
        if isinstance(operand, TestScores):
            _check_same(operation, names or operand._sealed.names, operand._sealed.names)
            names = operand._sealed.names
            plain.append(operand._sealed.values)
        elif operand is None or _is_constant(operand):
            plain.append(operand)
        else:
            raise refusal(f"{operation} with a {type(operand).__name__} (it may carry ranks made elsewhere)")
    return names, plain


def _check_same(operation: str, first: tuple[str, ...], second: tuple[str, ...]) -> None:
    if first != second:
        lost, new = sorted(set(first) - set(second)), sorted(set(second) - set(first))
        raise BadInput(
            f"{operation}: test scores of other clips; {_some(lost)} only left, {_some(new)} only right "
            "(two machines, or a member whose run stopped early?)"
        )


def _some(names: list[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return (", ".join(names[:SHOWN]) or "none") + more


def _closed(operation: str, names: tuple[str, ...], result: object) -> TestScores:
    if not isinstance(result, np.ndarray) or result.shape != (len(names),):
        raise refusal(f"{operation} (its result is not one value a clip)")
    new = object.__new__(TestScores)
    new._sealed = _Sealed(names, _canonical(result))
    return new


def _canonical(values: np.ndarray) -> np.ndarray:
    kinds = {"b": np.bool_, "i": np.int64, "u": np.int64, "f": np.float64}
    if values.dtype.kind not in kinds:
        raise BadInput(f"TestScores: values of type {values.dtype}; floats, ints or bools expected")
    values = values.astype(kinds[values.dtype.kind])  # (N,) a copy: nobody else holds it
    values.flags.writeable = False
    return values
