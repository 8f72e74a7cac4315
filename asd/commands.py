"""Commands: what run.py and every tool make of an error that is no fault of the code: one sentence and an exit code.

@command
def main(argv): ...        main(argv) -> exit code; an error of the kinds below is told on stderr, others pass

0 done   1 a job or the memory failed   2 bad input, or a machine that refuses: a full disk, no permission, ...
130 Ctrl-C   141 who read the output has gone (`| head`)

run.py and the tools import this module first, so that Ctrl-C while the others are imported is told as well.
"""

from __future__ import annotations

import codecs
import errno
import functools
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from asd.errors import BadInput

if sys.platform == "win32":  # here, before a module of the kit fails to import
    raise SystemExit("Windows: locks and processes of the kit are those of Linux and macOS; run it in WSL")

SPELT = {"Ω": "Omega", "λ": "lambda", "α": "alpha", "±": "+-", "×": "x", "·": "*", "–": "-", "“": '"', "”": '"'}  # noqa: RUF001
CAUSES = {
    errno.ENOSPC: "the disk is full; make room, then run the same command again",
    errno.EDQUOT: "your share of the disk is full; make room, then run the same command again",
    errno.EFBIG: "larger than `ulimit -f` or the file system allows",
    errno.EROFS: "the file system cannot be written; give a folder elsewhere",
    errno.EACCES: "no permission; is it another user's?",
    errno.EPERM: "not permitted; is it another user's, or on a file system without this operation?",
    errno.ENOENT: "not there; was a file or folder moved or deleted while this ran?",
    errno.ENOTDIR: "a file stands where a folder is expected",
    errno.EISDIR: "a folder stands where a file is expected",
    errno.ENOLCK: "the file system has no locks; give --results on a local disk",
    errno.ENOTSUP: "the file system cannot do this, locks say; give a folder on a local disk",
    errno.EMFILE: "too many open files; raise `ulimit -n`",
    errno.ENAMETOOLONG: "the path is too long; give a shorter folder",
    errno.EIO: "the disk or the network drive failed",
}
MEMORY = ("can't allocate memory", "not enough memory", "CUDA out of memory")  # of torch's RuntimeErrors
Main = Callable[[Sequence[str]], int | None]


def command(main: Main) -> Callable[..., int]:
    """`main(argv)`, sys.argv's by default, with such errors told under the name of its file."""

    @functools.wraps(main)
    def told(argv: Sequence[str] | None = None) -> int:
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


def sentence(error: BaseException) -> tuple[int, str] | None:
    """Exit code and what to say; None for an error that the code is at fault for, which keeps its traceback."""
    from asd.jobs import JobFailed  # here, since it does not import on Windows

    if isinstance(error, BrokenPipeError):
        return 141, ""
    if isinstance(error, KeyboardInterrupt):
        return 130, "interrupted; what is finished stays, the same command goes on from there"
    if isinstance(error, BadInput):
        return 2, str(error)
    if isinstance(error, OSError):
        return 2, of_the_machine(error)
    if isinstance(error, JobFailed):
        return 1, str(error)
    if is_of_memory(error):
        return 1, f"memory ran out ({(str(error) or 'MemoryError').splitlines()[0]}); give fewer --workers"
    return None


def is_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or any(words in str(error) for words in MEMORY)


def of_the_machine(error: OSError) -> str:
    """
    >>> of_the_machine(OSError(errno.ENOSPC, "No space left on device", "results/run.json"))
    'results/run.json: No space left on device (the disk is full; make room, then run the same command again)'
    """
    if error.errno is None:
        return str(error)
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, (str, bytes))]
    cause = CAUSES.get(error.errno, "")
    return f"{' -> '.join(names)}{': ' * bool(names)}{error.strerror}{f' ({cause})' if cause else ''}"


def told_at_once(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Ctrl-C while modules are still imported; whatever else nobody has caught keeps its traceback."""
    if issubclass(kind, KeyboardInterrupt):
        say(f"{Path(sys.argv[0]).name}: interrupted before it began")
    else:
        sys.__excepthook__(kind, error, trace)


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
