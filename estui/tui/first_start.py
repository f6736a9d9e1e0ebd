"""The first start: from the folders that somebody names to an inventory, before there is anything to show.

Owns what is asked, and its words. Each answer can be left with esc: nothing is written, and the next start asks again.
"""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, Any

from estui import present
from estui.engine import first_start as engine_first
from estui.errors import EstuiError, UsageError
from estui.tui.rows import Row, line_rows, text_row
from estui.tui.screens.dialogs import AskText, Confirm

if TYPE_CHECKING:
    from textual.app import App

    from estui.engine import Engine

SEARCHED = "/etc"
"""Where packages of Elasticsearch and Kibana put their configuration."""


async def first_start(app: App[Any], engine: Engine, *, ascii_only: bool) -> bool:
    """Asks until an inventory is written; False where somebody leaves before."""
    text = SEARCHED
    complaint: list[Row] = []
    while True:
        found: list[engine_first.FirstLook] = []

        def look(typed: str, into: list[engine_first.FirstLook] = found) -> None:
            into[:] = [engine_first.first_look(_folders(typed))]

        asked = AskText(
            "First start: where are the configuration folders?",
            [*complaint, *_question_rows(engine.path)],
            placeholder="/etc/elasticsearch /etc/kibana",
            check=look,
            text=text,
            ascii_only=ascii_only,
        )
        answer = await app.push_screen_wait(asked)
        if answer is None:
            return False
        text = answer
        if not await _wanted(app, found[0], engine.path, ascii_only=ascii_only):
            complaint = []
            continue
        try:
            await asyncio.to_thread(engine_first.create_workspace, engine, found[0].inventory)
        except EstuiError as error:
            complaint = line_rows(present.error_lines(error))
        else:
            return True


def _folders(typed: str) -> list[str]:
    try:
        return shlex.split(typed)
    except ValueError as error:
        raise UsageError("a quote is not closed", hint="quotes are for names with blanks in them") from error


def _question_rows(path: str) -> list[Row]:
    return [
        text_row(f"There is no estui.yaml in {path} yet: it says which nodes belong to the cluster."),
        text_row(
            "Name folders with blanks between them. Each is searched, a few folders deep, for elasticsearch.yml,"
            " kibana.yml and those of Beats."
        ),
        text_row("Nothing is changed.", "note"),
    ]


async def _wanted(app: App[Any], look: engine_first.FirstLook, path: str, *, ascii_only: bool) -> bool:
    if look.seen.problems:
        rows = [text_row("These folders cannot be used:", "bad")]
        rows += [text_row(f"  - {problem}", "bad", indent=4) for problem in look.seen.problems]
        rows += [text_row("Mend them, or name the others one by one.", "note")]
        await app.push_screen_wait(Confirm("Found", rows, verb="search again", ascii_only=ascii_only))
        return False
    dialog = Confirm("Is this the cluster?", found_rows(look, path), verb="write it", ascii_only=ascii_only)
    answer: bool | None = await app.push_screen_wait(dialog)
    return bool(answer)


def found_rows(look: engine_first.FirstLook, path: str) -> list[Row]:
    """What was found, what its files leave open, and what will be written."""
    inventory = look.inventory
    rows = [text_row(f"cluster {inventory.cluster}", "title")]
    for word, entries in (("node", inventory.nodes), ("Kibana", inventory.kibana), ("Beat", inventory.beats)):
        rows += [text_row(f"  {word:8}{entry.config}", indent=10) for entry in entries]
    for index, key in look.seen.missing:
        config = inventory.nodes[index].config
        rows.append(text_row(f"{config} leaves `{key}` to a default: write `{key}:` into estui.yaml", "warn", indent=2))
    return [*rows, text_row(""), text_row(f"This is written to {path}/estui.yaml. No node is touched.", "note")]
