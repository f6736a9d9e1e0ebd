"""A rollover as lines: its phases, what the next one waits for, and the checklist."""

from __future__ import annotations

from collections.abc import Sequence

from estui.decide.client_way import guide_for
from estui.model.goal import Phase
from estui.model.rollover import Client, RolloverState, RunToUndo
from estui.present.lines import UNICODE, Glyphs, Kind, Line, count

PHASE_WORDS = {
    Phase.TRUST: "everyone trusts the old CA and its successor",
    Phase.SWITCH: "leaves come from the successor",
    Phase.DROP: "the old CA is trusted no longer",
    Phase.PROOF: "every node is started anew, so that no open connection keeps the old trust",
}


def rollover_title(state: RolloverState) -> str:
    """`http → http-2: phase 2 of 3 next, switch leaves`."""
    pairs = ", ".join(f"{old} → {new}" for old, new in state.goal.successors)
    phases = state.goal.phases
    if state.next_phase is None:
        return f"{pairs}: done, the old CA is trusted no longer"
    return f"{pairs}: next is phase {phases.index(state.next_phase) + 1} of {len(phases)}, {state.next_phase.label}"


LEAKED = "a key is in foreign hands: all phases in one sitting, clients are not waited for, every node restarts"
"""What is different after a leak."""
ABORTED = "Bring the cluster back to where it was?"
CHECKLIST = "clients that estui cannot look into"


def rollover_lines(state: RolloverState, waits_for: Sequence[str] = (), glyphs: Glyphs = UNICODE) -> list[Line]:
    """Phases with their runs, what keeps the next one waiting, and who has been looked after."""
    return [*phase_lines(state, waits_for, glyphs), *checklist_lines(state, glyphs)]


def phase_lines(
    state: RolloverState,
    waits_for: Sequence[str] = (),
    glyphs: Glyphs = UNICODE,
    *,
    way_on: str = "estui ca rollover next",
) -> list[Line]:
    """Phases with their runs and what keeps the next one waiting; `way_on` is what to type where nothing does."""
    lines = [Line(Kind.TITLE, rollover_title(state))]
    runs = {each.phase: each.run for each in state.done}
    for number, phase in enumerate(state.goal.phases, 1):
        done = phase in runs
        sign = glyphs.done if done else glyphs.waiting
        text = f"{sign} {number}. {phase.label}: {PHASE_WORDS[phase]}" + (f" (run {runs[phase]})" if done else "")
        lines.append(Line(Kind.GOOD if done else Kind.TEXT, text))
    if state.open:
        lines += _waiting_lines(waits_for, way_on)
    return lines


def _waiting_lines(waits_for: Sequence[str], way_on: str) -> list[Line]:
    if not waits_for:
        return [Line(Kind.GOOD, f"the next phase may be entered: {way_on}")]
    title = Line(Kind.WARN, f"the next phase waits for {count(len(waits_for), 'thing')}")
    return [title, *(Line(Kind.TEXT, f"  {reason}") for reason in waits_for)]


def checklist_lines(state: RolloverState, glyphs: Glyphs = UNICODE) -> list[Line]:
    """Clients that estui cannot look into, ticked or not, with the words that tick one or take a tick back."""
    if not state.clients:
        return []
    lines = [Line(Kind.TITLE, CHECKLIST)]
    for client in state.clients:
        lines.append(client_line(client, glyphs))
        if state.open:
            undo = " --undo" if client.ticked else ""
            lines.append(Line(Kind.NOTE, f"    estui ca rollover tick '{client.id}'{undo}"))
    return lines


def client_line(client: Client, glyphs: Glyphs = UNICODE) -> Line:
    """One client, and who said that it is looked after."""
    sign = glyphs.done if client.ticked else glyphs.waiting
    seen = f", last request {client.last_seen}" if client.last_seen else ""
    guide = guide_for(client)
    ticked = f", looked after by {client.ticked}" if client.ticked else ""
    ticked += f", tick taken back by {client.taken_back}" if client.taken_back else ""
    way = f": estui client guide {guide}" if guide and not client.ticked else ""
    return Line(Kind.GOOD if client.ticked else Kind.WARN, f"{sign} {client.text}{seen}{ticked}{way}")


def undo_lines(state: RolloverState, runs: Sequence[RunToUndo]) -> list[Line]:
    """What aborting means: the runs to undo, in order, and what each of them brings back."""
    order = ", in this order" if len(runs) > 1 else ""
    lines = [Line(Kind.TEXT, f"{rollover_title(state)}; to undo: {count(len(runs), 'run')}{order}")]
    for each in runs:
        where = f"{count(each.files, 'file')} on {', '.join(each.targets)}" if each.files else "nothing was switched"
        lines.append(Line(Kind.TEXT, f"  {each.run}, {each.label}: {where}"))
    return lines
