"""The page: runs in, report.html and its figures out, put in place together."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from asd import evaluation
from asd.errors import BadInput
from asd.programs.opening import open_run
from asd.programs.report.figures import Picture, histogram, roc, spectrograms, training
from asd.programs.report.runs import Run
from asd.programs.report.tables import decision_rows, run_rows
from asd.programs.session import Session

TEMPLATE = "report.html"


def write_report(runs: Sequence[Run], out: Path, data_folder: Path | None, draws: int) -> Path:
    """The path of the page. `data_folder` is for clips that have moved since, `draws` of the bootstrap."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".report_", dir=out.parent) as draft:
        text = page(runs, Path(draft), data_folder, draws)
        Path(draft, TEMPLATE).write_text(text, encoding="utf-8")
        out.mkdir(exist_ok=True)
        for file in sorted(Path(draft).iterdir(), key=lambda p: p.suffix == ".html"):  # the page last
            shutil.move(str(file), out / file.name)
    return out / TEMPLATE


def page(runs: Sequence[Run], folder: Path, data_folder: Path | None, draws: int) -> str:
    """The page's text; its figures are written to `folder`."""
    entries, truths = [run.scores for run in runs], runs[0].truths
    sessions, missing = opened(runs, data_folder)
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
    return templates.get_template(TEMPLATE).render(
        title=f"Anomalous sound detection: {', '.join(entry.name for entry in entries)}",
        note=f"{runs[0].kind} results of {runs[0].folder.parent}{missing}. "
        "Intervals are over test clips alone; other seeds and training clips move the figures further.",
        tables=evaluation.tables(entries, truths, evaluation.Published(), evaluation.Bootstrap(truths, draws))
        if truths
        else [],
        systems=[of_system(run, session, folder) for run, session in zip(runs, sessions, strict=True)],
    )


def opened(runs: Sequence[Run], data_folder: Path | None) -> tuple[list[Session | None], str]:
    """A session for the spectrograms of each run, or None, and what the note then says.

    Only a folder that was asked for has to be there: the recorded one may be on another computer, the store deleted.
    """
    if not runs[0].truths:
        return [None] * len(runs), "; the truth of these clips is not known; no spectrograms without it"
    try:
        return [session_of(run, data_folder) for run in runs], ""
    except BadInput as error:
        if data_folder is not None:
            raise
        return [None] * len(runs), f"; no spectrograms ({error})"


def session_of(run: Run, data_folder: Path | None) -> Session:
    """Raises BadInput where the clips or a front-end are missing."""
    session = open_run(run.folder, data_folder, run.machines, splits=("train", "test"))
    for chain in session.chains.values():
        _ = chain.frontend
    return session


def of_system(run: Run, session: Session | None, folder: Path) -> dict[str, Any]:
    """What the template shows of one system."""
    machines = [(machine, pictures(run, session, machine, folder)) for machine in run.machines]
    return {"name": run.scores.name, "run": run_rows(run), "decisions": decision_rows(run), "machines": machines}


def pictures(run: Run, session: Session | None, machine: str, folder: Path) -> list[Picture]:
    return [
        histogram(run, machine, folder),
        *([roc(run, machine, folder)] if run.truths else []),
        *training(run, machine, folder),
        *(spectrograms(run, session, machine, folder) if session else []),
    ]
