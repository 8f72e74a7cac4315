"""One worker process: `python -m asd.programs.worker work|prove PARENT REQUEST`, a share of a request as JSON.

Exit code 2: bad input, told in one sentence. It ends when the process that started it, id PARENT, is gone.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence

from asd.errors import BadInput
from asd.jobs import end_with_parent


def main(argv: Sequence[str]) -> int:
    task, parent, text = argv
    logging.basicConfig(level=logging.INFO, format="%(message)s")  # losses an epoch, into the job's log
    end_with_parent(int(parent))
    from asd.programs.fitting import work
    from asd.programs.proving import prove_here
    from asd.programs.request import Request
    from asd.programs.session import Session

    try:
        session = Session(Request.parsed(text))
        {"work": work, "prove": prove_here}[task](session)
    except BadInput as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
