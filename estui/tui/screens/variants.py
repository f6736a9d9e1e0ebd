"""A step of the ladder with something besides, and the checklist of who connects: what is asked before a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from estui.errors import EstuiError
from estui.model.goal import Goal, KibanaWish, Scenario
from estui.model.variants import HOSTS_WORDS, variants_of
from estui.present.clients import connected_lines
from estui.tui.rows import line_rows, text_row
from estui.tui.screens.dialogs import AskText, Choice, Choose
from estui.tui.text import glyphs

if TYPE_CHECKING:
    from estui.model.rollover import Client
    from estui.tui.screens.flow import FlowScreen

_BACK = Choice("b", "back: plan nothing", "")
_CONNECTED, _HOSTS = "connected", "hosts"
_LISTED = 9
"""Clients with a key of their own: one digit."""


async def ask_variant(screen: FlowScreen, scenario: Scenario) -> None:
    """Asks what a step is wanted with, and plans that."""
    found = {each.option: each for each in variants_of(scenario)}
    choices = [_BACK, *(Choice(each.key, each.words, each.option) for each in found.values())]
    if scenario is Scenario.MUTUAL:
        choices.append(Choice("w", "who connects: look, and tick whoever has a certificate", _CONNECTED))
    elif scenario is Scenario.HTTPS:
        choices.append(Choice("h", HOSTS_WORDS, _HOSTS))
    rows = [text_row("Each shows its plan, or why there is none; nothing changes yet.", "note")]
    title = f"{scenario.label}, with …"
    chosen = await screen.app.push_screen_wait(Choose(title, rows, choices, ascii_only=screen.ascii_only))
    if not chosen or not await screen.unlocked(needed=False):
        return
    if chosen == _CONNECTED:
        await tick_clients(screen)
    elif chosen == _HOSTS:
        await _ask_hosts(screen)
    else:
        screen.plan_variant(found[chosen].goal)


async def _ask_hosts(screen: FlowScreen) -> None:
    rows = [text_row("Names of nodes, with blanks between them; never a master-only one.", "note")]
    ask = AskText("Which nodes?", rows, placeholder="es-2 es-3", check=lambda _: None, ascii_only=screen.ascii_only)
    names = await screen.app.push_screen_wait(ask)
    if names:
        screen.plan_variant(Goal(Scenario.HTTPS, kibana=KibanaWish(hosts=tuple(dict.fromkeys(names.split())))))


async def tick_clients(screen: FlowScreen) -> None:
    """The checklist, until somebody leaves it: a client's key ticks it, or takes the tick back."""
    found: tuple[Client, ...] | EstuiError = await screen.jobs.checklist("").wait()
    while not isinstance(found, EstuiError):
        shown = found[:_LISTED]
        rows = line_rows(connected_lines(found, glyphs(screen.ascii_only)))
        choices = [replace(_BACK, words="back: that is all")]
        for number, each in enumerate(shown, 1):
            verb = "take the tick back from" if each.ticked else "it has a certificate: tick"
            choices.append(Choice(str(number), f"{verb} {each.id}", each.id))
        dialog = Choose("Who connects", rows, choices, ascii_only=screen.ascii_only)
        chosen = await screen.app.push_screen_wait(dialog)
        if not chosen:
            return
        found = await screen.jobs.checklist(chosen).wait()
    screen.tell(str(found), severe=True)
