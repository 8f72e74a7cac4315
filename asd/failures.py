"""Failures: what is said of an error that is no fault of the code, and the exit code of the process that it ends.

0 done   1 a job or the memory failed   2 bad input, or a machine that refuses: a full disk, no permission, ...
130 Ctrl-C   141 who read the output has gone (`| head`)
"""

from __future__ import annotations

import errno
import os

from asd.errors import BadInput

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
