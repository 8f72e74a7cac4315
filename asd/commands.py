"""Commands: what run.py and every tool make of an error that is no fault of the code: one sentence and an exit code.

@command
def main(argv): ...        main(argv) -> exit code; an error that asd.failures has words for is told, others pass

run.py and the tools import this module first, and nothing else does: until `main` begins, Ctrl-C is told as well.
"""

from __future__ import annotations

import codecs
import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from asd.failures import sentence

if sys.platform == "win32":  # here, before a module of the kit fails to import
    raise SystemExit("Windows: locks and processes of the kit are those of Linux and macOS; run it in WSL")

SPELT = {"Ω": "Omega", "λ": "lambda", "α": "alpha", "±": "+-", "×": "x", "·": "*", "–": "-", "“": '"', "”": '"'}  # noqa: RUF001
Main = Callable[[Sequence[str]], int | None]


def command(main: Main) -> Callable[..., int]:
    """`main(argv)`, sys.argv's by default, with such errors told on stderr under the name of its file."""

    @functools.wraps(main)
    def told(argv: Sequence[str] | None = None) -> int:
        if sys.excepthook is told_at_once:
            sys.excepthook = BEFORE
        spell_out(sys.stdout, sys.stderr)
        try:
            code = main(sys.argv[1:] if argv is None else argv) or 0
            sys.stdout.flush()
            return code
        except (Exception, KeyboardInterrupt) as error:
            known = sentence(error)
            if known is None:
                raise
            code, text = known
            say(f"{Path(main.__code__.co_filename).name}: {text}" if text else "")
            return code

    return told


def told_at_once(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C while modules are still imported; whatever else nobody has caught keeps its traceback."""
    if issubclass(kind, KeyboardInterrupt):
        say(f"{Path(sys.argv[0]).name}: interrupted before it began")
    else:
        BEFORE(kind, error, trace)


BEFORE = sys.excepthook
sys.excepthook = told_at_once  # Python then ends by SIGINT, which shells show as 130


def say(text: str) -> None:
    """On stderr; where an output has no reader any more, nothing is left to be flushed into it at exit."""
    try:
        sys.stderr.write(f"{text}\n" if text else "")
        sys.stderr.flush()
        sys.stdout.flush()
    except BrokenPipeError:
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def spell_out(*streams: object) -> None:
    """A terminal or log that lacks Ω gets `Omega`, and a question mark for what has no spelling."""
    for stream in streams:
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="spelt")


def _spelt(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELT.get(c, "?") for c in error.object[error.start : error.end]), error.end


codecs.register_error("spelt", _spelt)
