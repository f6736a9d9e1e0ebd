"""Plans and reviews as lines."""

from __future__ import annotations

from estui.decide.diff import FileDiff, Mark, Review
from estui.decide.join_steps import is_leaving
from estui.model.plan import FirstLogin, Plan, Restart, SetPasswords
from estui.present.lines import Kind, Line, count

OUTAGE = {
    Restart.FULL: "FULL RESTART needed: the whole cluster is down from the stop to the start",
    Restart.ROLLING: "ROLLING RESTART needed: one node after the other, the cluster stays up",
    Restart.KIBANA: "KIBANA RESTART needed: the cluster stays up",
    Restart.BEAT: "BEAT RESTART needed: the cluster stays up",
    Restart.JOIN: "NO RESTART of the nodes that run: the new one is started with its files",
    Restart.NONE: "no restart needed: Elasticsearch loads the new files by itself",
}


def outage_lines(plan: Plan) -> list[Line]:
    """Whether an outage is needed, for whom, and why Elasticsearch insists."""
    kind = Kind.WARN if plan.restart in (Restart.FULL, Restart.ROLLING) else Kind.TEXT
    if is_leaving(plan):
        names = ", ".join(plan.goal.joins)
        return [Line(Kind.TEXT, f"NO RESTART of the nodes that stay: {names} is stopped and leaves the cluster")]
    words = OUTAGE[plan.restart]
    if plan.restart is Restart.NONE and (plan.goal.passwords or plan.goal.secure or plan.goal.fix):
        words = "no restart needed"
    lines = [Line(kind, words)]
    lines += [
        Line(Kind.NOTE, stage.why[:1].upper() + stage.why[1:])
        for stage in plan.stages
        if stage.restart in (plan.restart, Restart.KIBANA, Restart.BEAT)
    ]
    return lines


def plan_summary(plan: Plan, review: Review) -> str:
    """One counted line: `3 nodes, 1 Kibana · 14 files · full restart · temporary superuser`."""
    if plan.is_empty:
        return f"{plan.goal.label}: reached, nothing to do"
    targets = {place.target for place in plan.places}
    kibana = sum(target.startswith("kibana/") for target in targets)
    beats = sum(target.startswith("beat/") for target in targets)
    clients = (f", {kibana} Kibana" if kibana else "") + (f", {count(beats, 'Beat')}" if beats else "")
    parts = [count(len(targets) - kibana - beats, "node") + clients]
    files = {(target, file.path) for file in review.files for target in file.targets}
    parts.append(count(len(files), "file") + " and sets")
    named = {Restart.NONE: "no restart", Restart.JOIN: "no restart of the others"}
    parts.append(named.get(plan.restart, f"{plan.restart.value} restart"))
    if any(isinstance(change, FirstLogin | SetPasswords) for change in plan.changes):
        parts.append("new passwords")
    return " · ".join(parts)


def file_title(file: FileDiff) -> str:
    """`es-1  elasticsearch.yml  changed +9 -1  0660 0:1000`."""
    counts = f" +{file.added}" + (f" -{file.removed}" if file.removed else "")
    note = f"  {file.note}" if file.note else ""
    return f"{file.target}  {file.path}  {file.action}{counts}{note}"


def same_line(file: FileDiff) -> str:
    return f"same change on {', '.join(file.same)}" if file.same else ""


_MARK_KINDS = {
    Mark.SAME: Kind.SAME,
    Mark.ADD: Kind.ADD,
    Mark.REMOVE: Kind.REMOVE,
    Mark.FOLD: Kind.FOLD,
    Mark.NOTE: Kind.NOTE,
}


def file_lines(file: FileDiff) -> list[Line]:
    """The lines of one file's change, with line numbers and reasons."""
    lines = []
    for line in file.lines:
        if line.mark is Mark.FOLD:
            lines.append(Line(Kind.FOLD, f"      … {line.text}"))
            continue
        number = line.new if line.new is not None else line.old
        shown = f"{number:5d}" if number is not None else "     "
        why = f"    # {line.why}" if line.why else ""
        lines.append(Line(_MARK_KINDS[line.mark], f"{shown} {line.mark.value} {line.text}{why}"))
    return lines


def review_lines(plan: Plan, review: Review) -> list[Line]:
    """The whole review as text."""
    lines = [
        Line(Kind.TITLE, f"{plan.cluster}: {plan.goal.label}"),
        Line(Kind.TEXT, plan_summary(plan, review)),
    ]
    if plan.is_empty:
        return lines
    lines += outage_lines(plan)
    lines += [Line(Kind.NOTE, note) for note in plan.notes]
    for file in review.files:
        lines += [Line(Kind.TEXT, ""), Line(Kind.FILE, file_title(file))]
        if file.same:
            lines.append(Line(Kind.NOTE, "  " + same_line(file)))
        lines += file_lines(file)
    return [*lines, Line(Kind.TEXT, ""), Line(Kind.TITLE, "steps"), *plan_steps(plan)]


def plan_steps(plan: Plan) -> list[Line]:
    """The run-book before anything was done."""
    return [
        Line(
            Kind.TEXT,
            f"{number:3d}. {step.title}"
            + (f"  [{', '.join(step.targets)}]" if step.targets else "")
            + (f"  until {step.gate}" if step.gate else ""),
        )
        for number, step in enumerate(plan.steps, start=1)
    ]
