"""Tables: rows of text cells in, text out: aligned, Markdown, LaTeX (booktabs) or CSV. The first row is the header."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from asd.errors import printable

Rows = Sequence[Sequence[str]]
LATEX = {c: f"\\{c}" for c in "&%$#_{}"} | {
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "\\": r"\textbackslash{}",
}
LATEX |= {"Ω": r"$\Omega$", "±": r"$\pm$", "α": r"$\alpha$", "λ": r"$\lambda$"}


def counted(n: int, what: str) -> str:
    """
    >>> counted(1, "clip"), counted(2, "clip")
    ('1 clip', '2 clips')
    """
    return f"{n} {what}{'s' * (n != 1)}"


def rendered(title: str, rows: Rows, form: str) -> str:
    """`form` is one of FORMATS; ends with a newline."""
    return FORMATS[form](printable(title), [[printable(cell) for cell in row] for row in rows])


def _padded(rows: Rows) -> list[list[str]]:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [[f"{cell:{w}}" for cell, w in zip(row, widths, strict=True)] for row in rows]


def _text(title: str, rows: Rows) -> str:
    return "\n".join(["", title, *("  ".join(row).rstrip() for row in _padded(rows))]) + "\n"


def _markdown(title: str, rows: Rows) -> str:
    escaped = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in _padded(escaped)]
    rule = "|" + "|".join("-" * (len(cell) + 2) for cell in _padded(escaped)[0]) + "|"
    return "\n".join(["", title, "", lines[0], rule, *lines[1:]]) + "\n"


def csv_text(rows: Rows) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue()


def latex_text(text: str) -> str:
    return "".join(LATEX.get(character, character) for character in text)


def _latex(title: str, rows: Rows) -> str:
    lines = [" & ".join(map(latex_text, row)) + r" \\" for row in rows]
    head, body = lines[0], lines[1:]
    columns = "l" + "r" * (len(rows[0]) - 1)
    return "\n".join(
        [
            r"\begin{table}[t]",
            r"\centering",
            rf"\caption{{{latex_text(title)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _csv(title: str, rows: Rows) -> str:
    """The title is the first cell of every row, so that several tables make one file."""
    return csv_text([[title, *row] for row in rows])


FORMATS = {"text": _text, "markdown": _markdown, "latex": _latex, "csv": _csv}
