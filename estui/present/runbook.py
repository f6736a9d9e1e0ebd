"""The whole run-book before anything is done, for a change request: what changes, steps, outage, the way back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from estui.decide.diff import FileDiff, Mark, Review
from estui.model.inventory import Commands
from estui.model.plan import Plan, Restart
from estui.model.run import Step, StepKind
from estui.present.document import Block, Facts, Heading, Listing, Paragraph, Quoted, Table
from estui.present.lines import Kind, Line, count
from estui.present.reviews import outage_lines, plan_summary, same_line


@dataclass(frozen=True)
class RunSheet:
    """Everything that a change request wants to know of a plan."""

    plan: Plan
    review: Review
    back: tuple[Step, ...]
    """The steps of the undo, once everything was switched."""
    commands: Mapping[str, Commands]
    """Of the inventory, by target."""
    made_by: str
    made_at: str
    estui: str


def runbook_document(sheet: RunSheet) -> list[Block]:
    """The whole run-book."""
    plan = sheet.plan
    blocks: list[Block] = [
        Heading(f"Run-book: {plan.goal.label} on {plan.cluster}", 1),
        Facts(
            (
                ("cluster", plan.cluster),
                ("cluster UUID", plan.cluster_uuid),
                ("scenario", plan.goal.label),
                ("what", plan_summary(plan, sheet.review)),
                ("made by", sheet.made_by),
                ("made at", sheet.made_at),
                ("made with", f"estui {sheet.estui}"),
                ("workspace", plan.workspace),
            )
        ),
    ]
    if plan.is_empty:
        return blocks
    blocks += [Heading("Outage"), *(Paragraph(line.text, line.kind) for line in outage_lines(plan))]
    if plan.notes:
        blocks += [Heading("To be known"), Listing(plan.notes)]
    blocks += [Heading("What changes where"), _places(sheet), Heading("Steps")]
    blocks += [
        Paragraph("Nothing goes on before the gate of a step is closed by what estui sees for itself."),
        *_steps(plan.steps, sheet.commands),
    ]
    blocks += _way_back(sheet)
    blocks += [Heading("Every change"), Paragraph("Secrets are named, never shown.")]
    for file in sheet.review.files:
        blocks += _file(file)
    return blocks


@dataclass(frozen=True)
class UndoSheet:
    """Everything that a change request wants to know of the undo of a run."""

    run: str
    plan: Plan
    """Of the undo: what the run did, with the steps back."""
    files: tuple[tuple[str, str], ...]
    """Target and path of every name that the run switched."""
    commands: Mapping[str, Commands]
    made_by: str
    made_at: str
    estui: str


def undo_document(sheet: UndoSheet) -> list[Block]:
    """The whole run-book of an undo."""
    plan = sheet.plan
    facts = (
        ("cluster", plan.cluster),
        ("cluster UUID", plan.cluster_uuid),
        ("run", sheet.run),
        ("made by", sheet.made_by),
        ("made at", sheet.made_at),
        ("made with", f"estui {sheet.estui}"),
        ("workspace", plan.workspace),
    )
    where: dict[str, list[str]] = {}
    for target, path in sheet.files:
        where.setdefault(target, []).append(path)
    rows = tuple((target, str(len(paths)), ", ".join(paths)) for target, paths in where.items())
    return [
        Heading(f"Run-book: undo of {plan.goal.label} on {plan.cluster}", 1),
        Facts(facts),
        Heading("Outage"),
        *(Paragraph(line.text, line.kind) for line in outage_lines(plan)),
        Heading("What is brought back"),
        Table(("where", "files and sets", "which"), rows) if rows else Paragraph("no file was switched"),
        Heading("Steps"),
        *_steps(plan.steps, sheet.commands),
    ]


def _places(sheet: RunSheet) -> Table:
    plan, files = sheet.plan, sheet.review.files
    restarts = {stage.restart for stage in plan.stages}
    known = {place.target for place in plan.places}
    rows = []
    for place in plan.places:
        own = [file for file in files if place.target in file.targets]
        down = _down(place.target, restarts)
        rows.append((place.target, place.root, str(len(own)), _lines(own), down, ", ".join(file.path for file in own)))
    others = [file for file in files if not known.intersection(file.targets)]
    rows += [(file.target, "", "1", _lines([file]), "", file.path) for file in others]
    return Table(("where", "folder", "files and sets", "lines", "restart", "which"), tuple(rows))


def _lines(files: Sequence[FileDiff]) -> str:
    return f"+{sum(file.added for file in files)} -{sum(file.removed for file in files)}"


def _down(target: str, restarts: set[Restart]) -> str:
    kind = target.partition("/")[0] if "/" in target else ""
    if kind == "beat":
        return "restart" if Restart.BEAT in restarts or Restart.FULL in restarts else "none"
    if kind == "kibana":
        return "restart" if Restart.KIBANA in restarts or Restart.FULL in restarts else "none"
    words = {Restart.FULL: "with all nodes", Restart.ROLLING: "one by one", Restart.JOIN: "started"}
    return next((word for restart, word in words.items() if restart in restarts), "none")


_TYPED = {StepKind.STOP: "stop", StepKind.START: "start", StepKind.RESTART: "restart"}


def _steps(steps: tuple[Step, ...], commands: Mapping[str, Commands]) -> list[Block]:
    rows = [
        (str(number), step.title, ", ".join(step.targets), step.gate, _by(step, commands))
        for number, step in enumerate(steps, start=1)
    ]
    blocks: list[Block] = [Table(("", "step", "where", "goes on when", "by"), tuple(rows))]
    typed = [
        Line(Kind.TEXT, f"{number:2d}. {target}: {shlex.join(command)}")
        for number, step in enumerate(steps, start=1)
        for target, command in _typed(step, commands)
    ]
    if typed:
        blocks += [
            Paragraph("Commands of the inventory, run by estui with --restart, else by hand:"),
            Quoted(tuple(typed)),
        ]
    return blocks


def _typed(step: Step, commands: Mapping[str, Commands]) -> list[tuple[str, tuple[str, ...]]]:
    """What is run, or typed by a person, on each target that has a command for the step."""
    action = _TYPED.get(step.kind)
    if action is None:
        return []
    known = [(target, getattr(commands.get(target, Commands()), action)) for target in step.targets]
    return [(target, command) for target, command in known if command]


def _by(step: Step, commands: Mapping[str, Commands]) -> str:
    if step.kind not in _TYPED:
        return "estui"
    return "command" if len(_typed(step, commands)) == len(step.targets) else "hand"


def _way_back(sheet: RunSheet) -> list[Block]:
    points = (
        "before the files are switched, estui rollback takes away what was prepared and starts what was stopped",
        "afterwards estui rollback brings every replaced file back, with its owner and mode, by the steps below",
        "a run that was cut short is shown by estui runbook, and finished or undone by estui recover",
        "replaced files stay on their node until estui history prune",
    )
    return [Heading("Way back"), Listing(points), *_steps(sheet.back, sheet.commands)]


def _file(file: FileDiff) -> list[Block]:
    title = f"{file.target}: {file.path} ({file.action}, +{file.added} -{file.removed})"
    blocks: list[Block] = [Heading(title, 3)]
    if file.same:
        blocks.append(Paragraph(same_line(file), Kind.NOTE))
    if file.note:
        blocks.append(Paragraph(file.note, Kind.NOTE))
    lines = []
    for line in file.lines:
        if line.mark is Mark.FOLD:
            lines.append(Line(Kind.FOLD, f"  … {line.text}"))
            continue
        kind = {Mark.ADD: Kind.ADD, Mark.REMOVE: Kind.REMOVE}.get(line.mark, Kind.SAME)
        lines.append(Line(kind, f"{line.mark.value} {line.text}" + (f"    # {line.why}" if line.why else "")))
    return [*blocks, Quoted(tuple(lines), "diff")]


def runbook_title(sheet: RunSheet) -> str:
    """One line for whoever printed it."""
    return f"{count(len(sheet.plan.steps), 'step')}, {count(len(sheet.back), 'step')} back; nothing was changed"


def undo_title(sheets: Sequence[UndoSheet]) -> str:
    """The same of an undo."""
    runs = ", then ".join(f"{count(len(sheet.plan.steps), 'step')} to undo {sheet.run}" for sheet in sheets)
    return f"{runs}; nothing was changed"
