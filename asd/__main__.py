"""The command `asd`: `asd run ...` is run.py, `asd monitor ...` tools/monitor.py, and so each tool by its name."""

from __future__ import annotations

import argparse
import runpy
import sys
from pathlib import Path

from asd.errors import did_you_mean

ROOT = Path(__file__).resolve().parent.parent  # a checkout, or where packages are installed


def scripts() -> dict[str, Path]:
    """By the name of their command."""
    return {"run": ROOT / "run.py", **{path.stem: path for path in sorted((ROOT / "tools").glob("*.py"))}}


def known(command: str) -> str:
    """Raises argparse's error for what is none of them."""
    if command in scripts():
        return command
    near = did_you_mean(command, scripts(), 0.5)
    raise argparse.ArgumentTypeError(f"no command '{command}'{near} (there: {', '.join(scripts())})")


def main() -> None:
    form = argparse.RawDescriptionHelpFormatter
    told = f"commands: {', '.join(scripts())}\n`asd COMMAND --help` tells each one's options"
    parser = argparse.ArgumentParser(prog="asd", description=told, formatter_class=form, allow_abbrev=False)
    parser.add_argument("command", type=known, metavar="COMMAND")
    parser.add_argument("words", nargs=argparse.REMAINDER, metavar="...", help="as for the script of that name")
    args = parser.parse_args()
    sys.argv = [f"asd {args.command}", *args.words]
    runpy.run_path(str(scripts()[args.command]), run_name="__main__")


if __name__ == "__main__":
    main()
