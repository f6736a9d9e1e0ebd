"""The checklist of a rollover, `rollover.json` in the workspace: clients that were seen, and who ticked them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace

from estui.act.workspace import Workspace
from estui.errors import Location, StoreError
from estui.formats.wire import decode, dumps, loads, to_json
from estui.model.rollover import Client

ROLLOVER = "rollover.json"
CHECKLIST_FORMAT = 1


def read_checklist(workspace: Workspace, rollover: str) -> tuple[Client, ...]:
    """Clients of this rollover; empty where none were listed yet, or those of another one.

    Raises StoreError: damaged, or written by a newer estui.
    """
    state = workspace.fs.read(workspace.path, ROLLOVER)
    if not state.exists:
        return ()
    path = f"{workspace.path}/{ROLLOVER}"
    body = loads(state.content, path)
    number = body.get("format") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(number, int):
        raise StoreError("is no checklist", location=Location(path), hint="restore it, or remove it to begin it anew")
    if number > CHECKLIST_FORMAT:
        raise StoreError("was written by a newer estui", location=Location(path), hint="use the newer estui")
    clients = body.get("clients")
    if body.get("id") != rollover or not isinstance(clients, list):
        return ()
    return tuple(decode(Client, each, path) for each in clients)


def write_checklist(workspace: Workspace, rollover: str, clients: Iterable[Client]) -> None:
    """The whole checklist, replacing what was there. The workspace's lock must be held."""
    listed = [to_json(client) for client in clients]
    workspace.replace(ROLLOVER, dumps({"format": CHECKLIST_FORMAT, "id": rollover, "clients": listed}))


def merged(known: Iterable[Client], seen: Iterable[Client]) -> tuple[Client, ...]:
    """Those known, with what is new of them, then those that were not known; a tick stays, and one taken back too."""
    found = {client.id: client for client in known}
    for client in seen:
        before = found.get(client.id)
        if before is not None:
            found[client.id] = replace(client, ticked=before.ticked, taken_back=before.taken_back)
        else:
            found[client.id] = client
    return tuple(found.values())


def with_ticks(clients: Iterable[Client], ids: Collection[str], by: str) -> tuple[Client, ...]:
    """The clients, those of `ids` ticked; who ticked one first stays."""
    return tuple(
        replace(client, ticked=client.ticked or by, taken_back="") if client.id in ids else client for client in clients
    )


def without_ticks(clients: Iterable[Client], ids: Collection[str], by: str) -> tuple[Client, ...]:
    """The clients, the ticks of `ids` taken back; one that had none stays as it is."""
    return tuple(
        replace(client, ticked="", taken_back=by) if client.id in ids and client.ticked else client
        for client in clients
    )
