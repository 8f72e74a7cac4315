"""The page: runs in, one HTML file with its figures, sounds, style and script out, under a size, put in place whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jinja2
import matplotlib

from asd import evaluation
from asd.errors import BadInput
from asd.programs import comparing
from asd.programs.opening import open_run
from asd.programs.report import answer, clips, figures
from asd.programs.report.embedding import STYLE, Picture
from asd.programs.report.runs import Group, Run
from asd.programs.report.tables import Rows, decision_rows, run_rows
from asd.programs.report.terms import explained, terms_in
from asd.programs.session import Session
from asd.programs.there import check_html
from asd.store import write_text
from asd.tables import counted

LIMIT = 5_000_000  # bytes of the page: it is to be mailed
RESERVE = 300_000  # of it, for words and tables
LEFT_OUT = "{} are left out, or the page would be larger than 5 MB: tools/report.py {} shows them."

Tell = Callable[[str], None]


@dataclass
class Part:
    """What the page shows of one system on one machine."""

    run: Run
    machine: str
    id: str
    rank: int  # of the system in its set, the best first
    was: Mapping[str, str] = field(default_factory=dict)  # clip -> recording, where clips were imported
    figures: list[Picture] = field(default_factory=list)
    clips: list[clips.ShownClip] = field(default_factory=list)
    listed: Rows = field(default_factory=list)
    left_out: str = ""


def write_report(
    groups: Sequence[Group], out: Path, data_folder: Path | None, draws: int, published: Mapping, tell: Tell
) -> None:
    """`data_folder` is for clips that have moved since, `draws` of the bootstrap, `published` published.yaml."""
    check_html(out)
    with matplotlib.rc_context(STYLE):
        write_text(out, page(groups, data_folder, draws, published, tell))


def page(groups: Sequence[Group], data_folder: Path | None, draws: int, published: Mapping, tell: Tell) -> str:
    names = dict.fromkeys(run.scores.name for group in groups for run in group.runs)
    colours = answer.colours_of([*names])
    tell("intervals ...")
    found = {group.title: answer.standings(group, draws) for group in groups}
    theirs = {group.title: evaluation.published(published, group.whole) for group in groups}
    top = [picture for g in groups for picture in answer.charts(g, found[g.title], theirs[g.title], colours)]
    top += [picture for g in groups for picture in answer.seeds(g)]
    sections, notes = sections_of(groups, found, data_folder, RESERVE + size_of(top), tell)
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True)
    return templates.get_template("report.html").render(
        title=title(names, groups),
        sentences=[sentence for group in groups for sentence in answer.sentences(group, found[group.title])],
        notes=notes,
        top=top,
        both=answer.both_sets(found, theirs) if any(found.values()) else [],
        apart=[evaluation.one_domain_table(group.entries, group.partial) for group in groups if group.partial],
        sections=sections,
        tables=[table for group in groups for table in tables(group, draws, published, len(groups) > 1)],
        explained=explained,
        terms_in=terms_in,
    )


def title(names: Iterable[str], groups: Sequence[Group]) -> str:
    n = sum(len(group.machines) for group in groups)
    return f"Anomalous sound detection: {', '.join(names)} on {counted(n, 'machine')}"


def tables(group: Group, draws: int, published: Mapping, several: bool) -> list[tuple[str, Rows]]:
    """All tables of a set, as tools/omega.py has them, and the report's own; the one of one domain stands on top."""
    metric: Sequence = comparing.metric_tables(group.entries, group.truths, published, draws)
    own = [("Decisions in clips", decision_rows(group.runs)), ("Runs", run_rows(group.runs))]
    return [(f"{title} ({group.title})" if several else title, rows) for title, rows in (*metric, *own)]


# ---- machines --------------------------------------------------------------------------------------------------------


def sections_of(
    groups: Sequence[Group],
    found: Mapping[str, Sequence[answer.Standing]],
    data_folder: Path | None,
    size: int,
    tell: Tell,
) -> tuple[list[dict[str, Any]], list[str]]:
    """The machines' sections, and notes on what is not in them; `size` is that of what the page has already."""
    notes, parts, sessions = [], list[Part](), dict[Path, Session | None]()
    for g, group in enumerate(groups):
        ranked = [s.run for s in found[group.title]] or list(group.runs)
        notes.append(f"{group.title.capitalize()}: results of {group.runs[0].folder.parent}")
        for rank, run in enumerate(ranked):
            sessions[run.folder], missing = opened(run, data_folder)
            notes += [f"{run.scores.name}, {group.title}: no spectrograms and sounds ({missing})"] * bool(missing)
            for m, machine in enumerate(group.machines):
                was = clips.recordings(run, machine, data_folder)
                parts.append(Part(run, machine, f"s{g}_{rank}_{m}", rank, was))
    parts.sort(key=lambda part: part.rank)  # the best systems come first into the page
    add_clips(parts, sessions, add_figures(parts, size, tell), tell)
    return [section(group, machine, parts, len(groups) > 1) for group in groups for machine in group.machines], notes


def section(group: Group, machine: str, parts: Sequence[Part], several: bool) -> dict[str, Any]:
    mine = [part for part in parts if part.machine == machine and part.run in group.runs]
    name = f"{machine} ({group.title})" if several else machine
    return {"name": name, "id": f"m{mine[0].id}", "few": mine[0].run.few(machine), "parts": mine}


def size_of(pictures: Iterable[Picture]) -> int:
    return sum(len(picture.src) for picture in pictures)


def add_figures(parts: Sequence[Part], size: int, tell: Tell) -> int:
    """Part by part until the page is full; the page's size then."""
    tell(f"figures of {counted(len(parts), 'pair')} of system and machine ...")
    for part in parts:
        made = figures.of_machine(part.run, part.machine) if size < LIMIT else []
        if made and size + size_of(made) < LIMIT:
            part.figures = made
        else:
            part.left_out = LEFT_OUT.format("Figures and clips", part.run.folder)
        size += size_of(made)
    return size


def add_clips(parts: Sequence[Part], sessions: Mapping[Path, Session | None], size: int, tell: Tell) -> None:
    """The worst clips, part by part until the page is full, and the lists of the most anomalous."""
    for i, part in enumerate(parts, start=1):
        session = sessions[part.run.folder]
        if session and size < LIMIT:
            tell(f"clips {i} of {len(parts)}: {part.run.scores.name} on {part.machine}")
            made = clips.worst_clips(part.run, session, part.machine, part.was)
            size += sum(clip.size for clip in made)
            part.clips = made if size < LIMIT else []
        if session and not part.clips:
            part.left_out = part.left_out or LEFT_OUT.format("Clips", part.run.folder)
        shown = {clip.name: f"#{part.id}_{n}" for n, clip in enumerate(part.clips)}
        part.listed = clips.listed(part.run, session, part.machine, shown, part.was)


def opened(run: Run, data_folder: Path | None) -> tuple[Session | None, str]:
    """A session for the clips, or None and the reason.

    Only a folder that was asked for has to be there: the recorded one may be on another computer, the store deleted.
    """
    if not run.truths:
        return None, "the truth of these clips is not known"
    try:
        return session_of(run, data_folder), ""
    except BadInput as error:
        if data_folder is not None:
            raise
        return None, str(error)


def session_of(run: Run, data_folder: Path | None) -> Session:
    """Raises BadInput where the clips or a front-end are missing."""
    session = open_run(run.folder, data_folder, run.machines, splits=("train", "test"))
    for chain in session.chains.values():
        _ = chain.frontend
    return session
