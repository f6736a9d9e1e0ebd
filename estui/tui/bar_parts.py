"""The words of the single lines: header, tabs, footer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from estui import present
from estui.tui.keymap import BY_ID, FOOTER, Keymap, Scope
from estui.tui.session import Session, Stage, has_commands, why_not
from estui.tui.text import shortened
from estui.tui.widgets.bars import Part

NARROW = 80
"""Cells below which the footer keeps to three keys."""
_NO_WORDS: Mapping[str, str] = {}
_ALWAYS = ("app.help", "app.palette", "app.quit")


def header_parts(session: Session, now: datetime, width: int) -> tuple[list[Part], list[Part]]:
    """What this is, at the left; in which mode, at the right."""
    left, words = [Part(" estui ", "title")], ""
    if session.observed is not None:
        words = present.headline(session.observed, now)
        if session.observed.inventory.production:
            left.append(Part(" PRODUCTION ", "alarm"))
            words = words.removeprefix("PRODUCTION · ")
    right = [Part(" reading … ", "note")] if session.reading else []
    right += [Part(" read-only ", "alarm")] if session.read_only else []
    right += [Part(" sandbox ", "note")] if session.sandbox else []
    if words:
        room = width - sum(part.width for part in (*left, *right)) - 2
        left.append(Part(f" {shortened(words, room)}"))
    return left, right


def run_parts(session: Session, keymap: Keymap) -> list[Part]:
    """In a view: that a run is at work beneath it, or needs somebody."""
    if session.run is None or session.run.ended is not None:
        return []
    key = keymap.first("pane.4")
    if session.run.asks is not None:
        return [Part(f" a run waits for you: {key} ", "alarm", "pane.4")]
    words = "a run is at work" if session.working else "a run is unfinished"
    return [Part(f" {words}: {key} ", "key", "pane.4")]


def tab_parts(titles: Mapping[str, str], here: str) -> list[Part]:
    """The panes' titles where only one of them is in sight."""
    return [
        Part(f"{'▸' if name == here else ' '}{number} {title} ", "here" if name == here else "word", f"pane.{number}")
        for number, (name, title) in enumerate(titles.items(), start=1)
    ]


def footer_parts(
    session: Session,
    scope: Scope,
    keymap: Keymap,
    width: int,
    *,
    show_log: bool = False,
    reason: Callable[[str], str] | None = None,
    words: Mapping[str, str] = _NO_WORDS,
) -> tuple[list[Part], list[Part]]:
    """The keys of the focused pane, then those that always work; dim where there is a reason against one now.

    `words` are other ones than the table has; an empty one leaves the key out.
    """
    against = reason or (lambda action: why_not(action, session))
    actions = [action for action in FOOTER[scope] if _is_offered(action, session) and words.get(action) != ""]
    always: tuple[str, ...] = _ALWAYS
    if width < NARROW:
        actions, always = actions[:2], _ALWAYS[:1]

    def part(action: str) -> Part:
        key = keymap.last(action) if action == "app.palette" else keymap.first(action)
        dim = "dim" if against(action) else ""
        word = f" {words.get(action) or action_word(action, session, show_log=show_log)} "
        return Part(word, dim or "word", action, lead=f" {key}", lead_style=dim or "key")

    return [part(action) for action in actions], [part(action) for action in always]


def _is_offered(action: str, session: Session) -> bool:
    if action == "run.log":
        return session.stage is Stage.VERDICT
    if action in ("run.pause", "run.go-on"):
        return session.stage is not Stage.VERDICT or session.left_over
    return not (session.read_only and "read-only" in why_not(action, session))


def action_word(action: str, session: Session, *, show_log: bool = False) -> str:
    """What an action is called at this moment."""
    run = session.run
    if action == "run.go-on" and run is not None and run.asks is not None and has_commands(session):
        return "run the commands"
    if action == "run.pause" and run is not None and (run.pausing or not run.working):
        return "go on"
    if action == "run.log" and show_log:
        return "verdict"
    if action == "plan.apply" and session.undoes:
        return "undo it"
    return BY_ID[action].word
