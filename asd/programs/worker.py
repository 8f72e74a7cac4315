"""One worker process: `python -m asd.programs.worker extract|work|prove VERSIONS REQUEST`, the latter two as JSON.

Exit code 2: bad input or a full disk, told in one sentence. It ends when the process that started it is gone.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Sequence

from asd.failures import sentence
from asd.process import end_with_parent
from asd.programs.versions import refuse_others, versions_here


def main(argv: Sequence[str]) -> int:
    task, versions, text = argv
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # losses an epoch, into the job's log
    end_with_parent()
    try:
        expected = json.loads(versions)
        refuse_others(expected["packages"], versions_here())
        from asd.programs.fitting import extract, work
        from asd.programs.proving import prove_here
        from asd.programs.request import Request
        from asd.programs.session import Session

        session = Session(Request.parsed(text))
        refuse_others(expected["codes"], session.codes())
        {"extract": extract, "work": work, "prove": prove_here}[task](session)
    except Exception as error:
        if (known := sentence(error)) is None:
            raise
        code, told = known
        sys.stderr.write(f"{told}\n")
        return code
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
