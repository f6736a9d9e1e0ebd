"""Credentials that a run makes through the API before anything is switched: announced, made, and taken back.

Owns what service tokens (`tokens.py`) and API keys (`api_keys.py`) have in common. The journal announces each before
the call that makes it; its value is in the file that is made ready for its owner, and nowhere else.
Source: security APIs "Delete service account token", "Invalidate API key".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

from estui.act.context import Context
from estui.act.journal import Journal, Record
from estui.act.peers import Peers
from estui.errors import ApplyError, EstuiError
from estui.formats.wire import Json
from estui.observe import es_api
from estui.observe.http import Basic, Client

ClientOf = Callable[[str], Client]
SETTLE_S = 20.0
"""A new credential can be refused for a second or so (real-elasticsearch.md §0.7)."""
API_KEY_PATH = "/_security/api_key"
MANAGER = "give the login of somebody who may manage security: --user NAME --password-file FILE"


@dataclass(frozen=True)
class Made:
    """A credential that a run made, or may have made."""

    name: str
    node: str
    """The node that is asked."""
    title: str
    """In words, such as `API key NAME`."""
    path: str
    """Where a DELETE takes it away."""
    body: dict[str, Json] | None = None


@dataclass(frozen=True)
class Kind:
    """One kind of credential: the acts of its journal records, and how one is read back from the first of them."""

    announced: str
    gone: str
    word: str
    """What the kind is called."""
    ended: str
    """What becomes of one that is taken back, such as `deleted`."""
    read: Callable[[Record], Made]


def token_path(account: str) -> str:
    """Where tokens of a service account, such as `elastic/kibana`, are made and deleted."""
    return f"/_security/service/{account}/credential/token"


def _token(record: Record) -> Made:
    name, account = record.text("name"), record.text("account")
    return Made(name, record.text("node"), f"token {name} of {account}", f"{token_path(account)}/{name}")


def _api_key(record: Record) -> Made:
    name = record.text("name")
    return Made(name, record.text("node"), f"API key {name}", API_KEY_PATH, {"name": name})


TOKENS = Kind("token", "token-gone", "token", "deleted", _token)
API_KEYS = Kind("api-key", "api-key-gone", "API key", "invalidated", _api_key)
KINDS = (TOKENS, API_KEYS)


def announced(journal: Journal, kind: Kind) -> tuple[Made, ...]:
    """What a run made, or may have made, without what is taken back again."""
    gone = {record.text("name") for record in journal.find(kind.gone)}
    found = map(kind.read, journal.find(kind.announced))
    return tuple(each for each in found if each.name not in gone)


def take_back(context: Context, journal: Journal, client_of: ClientOf, kind: Kind) -> list[str]:
    """Takes back what a run made; in words, what became of each. Idempotent.

    Raises ApplyError: it is refused; ProbeError: no answer.
    """
    said = []
    gone = {record.text("name") for record in context.journal.find(kind.gone)}
    for each in announced(journal, kind):
        if each.name in gone:
            continue
        with client_of(each.node) as client:
            answer = client.request("DELETE", each.path, each.body, timeout_s=30.0)
        if answer.status not in (200, 404):
            raise ApplyError(f"{each.title} was not {kind.ended}: {es_api.reason(answer)}", hint=MANAGER)
        context.journal.write(kind.gone, name=each.name)
        context.workspace.audit(f"{kind.word} {kind.ended}", name=each.name, run=context.run)
        said.append(f"{each.title} is {kind.ended}")
    return said


def drop_unused(context: Context, kind: Kind) -> None:
    """After a run of which nothing was switched: what it made is in nobody's hands, and goes. Where that cannot be
    done, it is said, with the request that does it."""
    if not announced(context.journal, kind):
        return
    peers = Peers(context)
    try:
        take_back(context, context.journal, lambda node: peers.client(node, superuser(context, peers)), kind)
    except EstuiError as error:
        for each in announced(context.journal, kind):
            request = f"DELETE {each.path}" + (f" {json.dumps(each.body)}" if each.body else "")
            context.say(f"{each.title} is of no use to anybody, and stays ({error.summary}); {request} takes it away")


def superuser(context: Context, peers: Peers) -> Basic:
    """The login of whoever may manage security. Raises ApplyError: nobody is at hand."""
    basic = Basic(*context.credentials) if context.credentials else peers.basic("elastic")
    if basic is None:
        raise ApplyError("nobody is at hand who may manage security", hint=MANAGER)
    return basic
