"""Fingerprints: a part's numbers, and the code that gives them meaning, as short hashes that keys are made of.

    numbers(part)             the part as plain JSON
    code(*objects)            hash of the definitions that functions and classes reach, in turn, in this kit
    digest(*pieces)           hash of text or bytes

`code` follows names, not whole modules: a definition counts if something counted names it. What cannot change a result
does not count: comments, docstrings, type hints, formatting, where a definition stands, error and progress messages,
and checks that only raise. The hash is the same under every supported version of Python.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import importlib.util
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from asd.errors import BadInput

ROOT = Path(__file__).resolve().parent.parent
OURS = ("asd", "systems")
NEUTRAL = ("asd.contracts", "asd.errors", "asd.fingerprint", "asd.store", "asd.tables")  # give no number its value
LOG_LEVELS = ("debug", "info", "warning", "error", "exception", "critical", "log")
SKIPPED = ("annotation", "returns", "type_comment", "type_params", "kind", "ctx")  # fields of syntax nodes

Symbol = tuple[str, str]  # module, name defined in it


def digest(*pieces: str | bytes) -> str:
    """Hash of the pieces and their boundaries, 32 hex digits."""
    h = hashlib.sha256()
    for piece in pieces:
        raw = piece.encode() if isinstance(piece, str) else piece
        h.update(len(raw).to_bytes(8, "little") + raw)
    return h.hexdigest()[:32]


def numbers(part: object) -> object:
    """A part as plain JSON: nested dataclasses become {"part": class name, field: ...}.

    A whole number in a field of floats is a float, as it would be once read from yaml. Raises BadInput for a field that
    holds neither a part nor numbers or text.
    """
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        fields = {f.name: _field(part, f) for f in dataclasses.fields(part)}
        return {"part": type(part).__name__, **fields}
    return [numbers(p) for p in part] if isinstance(part, (tuple, list)) else part


def _field(part: object, f: dataclasses.Field) -> object:
    value = numbers(getattr(part, f.name))
    if "float" in str(f.type) and "int" not in str(f.type):
        value = [_floating(v) for v in value] if isinstance(value, list) else _floating(value)
    flat = value if isinstance(value, list) else [value]
    if not all(isinstance(v, (str, int, float, bool, dict, list, type(None))) for v in flat):
        raise BadInput(
            f"{type(part).__name__}.{f.name} holds a {type(getattr(part, f.name)).__name__}; "
            "a field of a part is a number, a text, a part, or several of these"
        )
    return value


def _floating(value: object) -> object:
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def canonical(record: object) -> str:
    """JSON with sorted keys, the text that a record is hashed as."""
    return json.dumps(record, sort_keys=True, ensure_ascii=False)


def code(*objects: object) -> str:
    """Hash of the code that parts (by their classes, nested parts too), classes and functions depend on."""
    found: set[Symbol] = set()
    for obj in objects:
        found |= {_symbol(definition) for definition in _definitions_of(obj)}
    return _code(frozenset(found))


def _definitions_of(obj: object) -> Iterator[object]:
    """The class of a part and of every part in its fields; a class or function itself."""
    if dataclasses.is_dataclass(obj) and not isinstance(obj, type):
        yield type(obj)
        for f in dataclasses.fields(obj):
            yield from _definitions_of(getattr(obj, f.name))
    elif isinstance(obj, (tuple, list)):
        for item in obj:
            yield from _definitions_of(item)
    elif callable(obj):
        yield obj


def _symbol(definition: object) -> Symbol:
    name = getattr(definition, "__qualname__", type(definition).__qualname__)
    return getattr(definition, "__module__", ""), name.split(".")[0]


@cache
def _code(start: frozenset[Symbol]) -> str:
    """The defaults of the parts we start from are among their numbers; those of what code makes by name are not."""
    todo, seen, texts = [(symbol, False) for symbol in start], set[tuple[Symbol, bool]](), set[str]()
    while todo:
        symbol, defaults = reached = todo.pop()
        if reached not in seen and symbol[0] not in NEUTRAL:
            seen.add(reached)
            text, further = _reached(*symbol, defaults)
            texts.add(text)
            todo += [(other, True) for other in further]
    return digest(*sorted(texts))


@cache
def _reached(module: str, name: str, defaults: bool = True) -> tuple[str, tuple[Symbol, ...]]:
    """The text of one definition, where its outside names come from included, and the definitions of ours it names."""
    source = _source(module)
    if name not in source.definitions:
        origin = source.imports.get(name)
        return ("", (origin,)) if origin else ("", ())
    nodes = [node if defaults else _without_fields(node) for node in source.definitions[name]]
    pieces, ours = [_text(node) for node in nodes], set[Symbol]()
    for node in nodes:
        for kind, where, what in _references(node, source):
            if kind == "ours":
                ours.add((where, what))
            else:
                pieces.append(f"{what} is {where}")
    return "\n".join(sorted(set(pieces))), tuple(sorted(ours))


# ---- one module ------------------------------------------------------------------------------------------------------


@dataclass
class _Source:
    """A module's top-level definitions and imports, by name."""

    name: str
    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imports: dict[str, Symbol] = field(default_factory=dict)  # name -> module and symbol of ours ("" for a module)
    outside: dict[str, str] = field(default_factory=dict)  # name -> dotted name in another library


@cache
def _source(module: str) -> _Source:
    source = _Source(module)
    tree = _Stripped().visit(ast.parse(_file(module).read_text(encoding="utf-8")))
    for statement in tree.body:
        _note_imports(statement, source)
        for name in _names_defined(statement):
            source.definitions.setdefault(name, []).append(statement)
    return source


def _file(module: str) -> Path:
    path = _path_of(module)
    if path is None:
        raise BadInput(
            f"module {module}: no source file found, so results could not be named; put the part in a file "
            "(is it in a notebook?)"
        )
    return path


def _path_of(module: str) -> Path | None:
    """Found by its place, so that no package is imported for it; a part may also live in a file of the user's."""
    place = ROOT.joinpath(*module.split("."))
    for path in (place.with_suffix(".py"), place / "__init__.py"):
        if path.is_file() and module.split(".")[0] in OURS:
            return path
    if module.split(".")[0] in OURS:
        return None
    try:
        spec = None if module == "__main__" else importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    origin = getattr(sys.modules.get(module), "__file__", None) or (spec.origin if spec else None)
    return Path(origin) if origin and Path(origin).is_file() else None


def _note_imports(node: ast.AST, source: _Source) -> None:
    """Names that import statements at or below `node` bring in. Raises BadInput for a form that cannot be followed."""
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                if not _is_ours(alias.name, source.name):
                    source.outside[alias.asname or alias.name.split(".")[0]] = alias.name
                elif alias.asname or "." not in alias.name:
                    source.imports[alias.asname or alias.name] = (alias.name, "")
                else:
                    raise BadInput(
                        f"module {source.name}: `import {alias.name}` cannot be followed; import names from it"
                    )
        elif isinstance(inner, ast.ImportFrom):
            _note_names(inner, source)


def _note_names(node: ast.ImportFrom, source: _Source) -> None:
    """`from module import a, b`, relative ones too."""
    parents = source.name.split(".")[: -node.level] if node.level else []
    module = ".".join([*parents, *([node.module] if node.module else [])])
    for alias in node.names:
        local, whole = alias.asname or alias.name, f"{module}.{alias.name}"
        if not _is_ours(module, source.name):
            source.outside[local] = whole
        else:
            source.imports[local] = (whole, "") if _path_of(whole) else (module, alias.name)


def _is_ours(module: str, importer: str) -> bool:
    """Of this kit, or of the same package as the importer: a part of the user's, say."""
    return module.split(".")[0] in (*OURS, importer.split(".")[0])


def _names_defined(statement: ast.stmt) -> set[str]:
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {statement.name}
    stored = (n for n in ast.walk(statement) if isinstance(n, (ast.Name, ast.Subscript)))
    return {n.id for n in stored if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}


def _references(node: ast.AST, source: _Source) -> Iterator[tuple[str, str, str]]:
    """("ours", module, symbol) or ("outside", dotted name, local name) of each name that a definition uses."""
    local = _Source(source.name, source.definitions, dict(source.imports), dict(source.outside))
    _note_imports(node, local)  # imports inside functions
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            module, symbol = local.imports.get(inner.value.id, ("", "-"))
            if symbol == "":
                yield "ours", module, inner.attr
        if isinstance(inner, ast.Name):
            if inner.id in source.definitions:
                yield "ours", source.name, inner.id
            elif local.imports.get(inner.id, ("", ""))[1]:
                yield "ours", *local.imports[inner.id]
            elif inner.id in local.outside:
                yield "outside", local.outside[inner.id], inner.id


# ---- what counts of the syntax ---------------------------------------------------------------------------------------


class _Stripped(ast.NodeTransformer):
    """Takes out what cannot change a result."""

    _caught = False  # inside a `try` with handlers a refusal is no end: what follows it may be another result

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text or _tells(node.value) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return ast.Raise()

    def visit_Assert(self, node: ast.Assert) -> ast.AST | None:
        return self.generic_visit(node) if self._caught else None

    def visit_Try(self, node: ast.Try) -> ast.AST:
        before, self._caught = self._caught, self._caught or bool(node.handlers)
        self.generic_visit(node)
        self._caught = before
        return node

    def visit_If(self, node: ast.If) -> ast.AST | None:
        typing_only = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if typing_only or (_refuses(node) and not self._caught) else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if _root(node.func) == "tqdm":  # a progress bar around what it counts
            return self.visit(node.args[0]) if node.args else ast.Constant(None)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        is_constant = "ClassVar" in ast.dump(node.annotation)
        kind = ast.Assign if is_constant else _Field
        return None if node.value is None else self.generic_visit(kind([node.target], node.value))

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if _is_dataclass(node):
            node.body = [s for s in node.body if not _only_checks(s)]
        return self.generic_visit(node)


def _tells(call: ast.expr) -> bool:
    """print(...), warnings.warn(...), logger.info(...)"""
    if not isinstance(call, ast.Call):
        return False
    root, last = _root(call.func), getattr(call.func, "attr", "")
    return root in ("print", "warnings") or (root in ("logging", "log", "logger") and last in LOG_LEVELS)


def _refuses(node: ast.If) -> bool:
    """A check that only raises: it gives no result another value."""
    leaves = (ast.Return, ast.Yield, ast.YieldFrom, ast.Break, ast.Continue, ast.NamedExpr)
    inside = [node.test, *node.body]
    return (
        isinstance(node.body[-1], ast.Raise)
        and not node.orelse
        and not any(isinstance(inner, leaves) for part in inside for inner in ast.walk(part))
    )


def _only_checks(statement: ast.stmt) -> bool:
    """A dataclass's __post_init__ that sets nothing."""
    if getattr(statement, "name", "") != "__post_init__":
        return False
    attributes = [n for n in ast.walk(statement) if isinstance(n, ast.Attribute)]
    return not any(a.attr in ("__setattr__", "__dict__") or isinstance(a.ctx, ast.Store) for a in attributes)


class _Field(ast.Assign):
    """An annotated assignment without its annotation: in a dataclass, a field with its default."""


def _is_dataclass(node: ast.AST) -> bool:
    return isinstance(node, ast.ClassDef) and any(_root(decorator) == "dataclass" for decorator in node.decorator_list)


def _without_fields(node: ast.stmt) -> ast.stmt:
    """A dataclass without its fields' defaults, which are among a part's numbers."""
    if not _is_dataclass(node):
        return node
    assert isinstance(node, ast.ClassDef)
    body = [s for s in node.body if not isinstance(s, _Field)]
    return ast.ClassDef(node.name, node.bases, node.keywords, body, node.decorator_list)


def _root(node: ast.AST) -> str:
    """The first name of `a`, `a.b` or `a.b(...)`."""
    while isinstance(node, (ast.Attribute, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _text(node: object) -> str:
    """A syntax node as text that does not depend on the Python version, as `ast.dump` does."""
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr({', '.join(map(_text, _merged(node.values)))})"
    if isinstance(node, ast.Constant):
        return repr(node.value)
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return ""  # what is imported counts where it is named
    if isinstance(node, ast.AST):
        fields = ((name, getattr(node, name, None)) for name in node._fields if name not in SKIPPED)
        told = (f"{name}={_text(value)}" for name, value in fields if value is not None and value != [])
        kind = "Assign" if isinstance(node, _Field) else type(node).__name__
        return f"{kind}({', '.join(told)})"
    return f"[{', '.join(map(_text, node))}]" if isinstance(node, list) else repr(node)


def _merged(values: list[ast.expr]) -> list[ast.expr]:
    """The pieces of an f-string with neighbouring texts joined: versions of Python cut them differently."""
    merged: list[ast.expr] = []
    for value in values:
        last = merged[-1] if merged else None
        if isinstance(value, ast.Constant) and isinstance(last, ast.Constant):
            merged[-1] = ast.Constant(last.value + value.value)  # type: ignore[operator]
        elif not (isinstance(value, ast.Constant) and value.value == ""):
            merged.append(value)
    return merged
