"""Tokens of service accounts in a run: made through the API, proven by a login, and taken back.

The journal announces each before the call that makes it; its value is in the file that is made ready for its owner, and
nowhere else. Source: security APIs "Create service account token", "Delete service account token".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from estui.act import kibana_entries
from estui.act.context import Context
from estui.act.journal import Journal
from estui.act.peers import Peers, wait_until
from estui.decide.kibana import TOKEN
from estui.decide.kibana_wishes import ACCOUNT
from estui.decide.rung import is_secured
from estui.errors import ApplyError, EstuiError, ProbeError
from estui.model.observed import ObservedKibana
from estui.model.plan import IssueToken
from estui.observe import es_api
from estui.observe.http import Basic, Bearer, Client
from estui.secret import Secret

ANNOUNCED, GONE = "token", "token-gone"
"""Acts of journal records: a token is about to be made; it was deleted again."""
ClientOf = Callable[[str], Client]
SETTLE_S = 20.0
"""A new credential can be refused for a second or so (real-elasticsearch.md §0.7)."""


def announced(journal: Journal) -> tuple[IssueToken, ...]:
    """Tokens that a run made, or may have made, by the names they have, without those that are deleted again."""
    gone = {record.text("name") for record in journal.find(GONE)}
    found = [
        IssueToken(record.text("target"), record.text("node"), record.text("account"), record.text("name"), "")
        for record in journal.find(ANNOUNCED)
    ]
    return tuple(each for each in found if each.name not in gone)


def issue(context: Context, change: IssueToken) -> Secret:
    """A new token, which the node lets in.

    Raises ApplyError: nobody is at hand who may make one, it is refused, or it does not get in; ProbeError: no answer.
    """
    peers = Peers(context)
    name = f"{change.name}-{context.run}"
    with peers.client(change.node, superuser(context, peers)) as client:
        context.journal.write(ANNOUNCED, target=change.target, node=change.node, account=change.account, name=name)
        answer = client.request("POST", f"{_path(change.account)}/{name}", timeout_s=30.0)
        if answer.status != 200:
            raise ApplyError(
                f"no token of {change.account} was made: {es_api.reason(answer)}",
                hint="give the login of somebody who may manage security: --user NAME --password-file FILE",
            )
        value = Secret(es_api.text_in(es_api.mapping_in(es_api.as_mapping(answer.json()), "token"), "value"))
    if not wait_until(lambda: _gets_in(peers, change.node, value) == change.account, SETTLE_S):
        raise ApplyError(f"the new token of {change.account} does not get in", hint="look at the node's log")
    context.evidence("prepare", change.node, f"token {name} of {change.account} was made, and logs in")
    context.workspace.audit("token made", account=change.account, name=name, run=context.run)
    return value


def take_back(context: Context, journal: Journal, client_of: ClientOf) -> list[str]:
    """Deletes the tokens that a run made; their names. Idempotent.

    Raises ApplyError: it is refused; ProbeError: no answer.
    """
    names = []
    gone = {record.text("name") for record in context.journal.find(GONE)}
    for each in announced(journal):
        if each.name in gone:
            continue
        with client_of(each.node) as client:
            answer = client.request("DELETE", f"{_path(each.account)}/{each.name}", timeout_s=30.0)
        if answer.status not in (200, 404):
            raise ApplyError(
                f"token {each.name} of {each.account} was not deleted: {es_api.reason(answer)}",
                hint="give the login of somebody who may manage security: --user NAME --password-file FILE",
            )
        context.journal.write(GONE, name=each.name)
        context.workspace.audit("token deleted", account=each.account, name=each.name, run=context.run)
        names.append(each.name)
    return names


def drop_unused(context: Context) -> None:
    """After a run of which nothing was switched: its tokens are in nobody's hands, and go. Where that cannot be done,
    it is said."""
    if not announced(context.journal):
        return
    peers = Peers(context)
    try:
        take_back(context, context.journal, lambda node: peers.client(node, superuser(context, peers)))
    except EstuiError as error:
        for each in announced(context.journal):
            context.say(
                f"token {each.name} of {each.account} is of no use to anybody, and stays ({error.summary}); "
                f"DELETE {_path(each.account)}/{each.name} takes it away"
            )


def proofs(context: Context, peers: Peers, instance: ObservedKibana) -> Iterator[tuple[str, str]]:
    """Nodes that have to let the token of an instance in, and what to claim; nothing where it has none."""
    if kibana_entries.held(context, instance.entry.config, TOKEN) is None:
        return
    for target in peers.nodes:
        if is_secured(peers.read_node(target)):
            yield target, f"its service token is let in by {target}"


def prove(context: Context, peers: Peers, instance: ObservedKibana, node: str) -> str:
    """Evidence that a node lets the token of an instance in. Raises ProbeError: it does not."""
    value = kibana_entries.held(context, instance.entry.config, TOKEN)
    who = _gets_in(peers, node, value) if value else ""
    if who != ACCOUNT:
        raise ProbeError(f"it logs in as {who}, not as {ACCOUNT}" if who else "it is refused (401)")
    return f"as {who}"


def _gets_in(peers: Peers, node: str, value: Secret) -> str:
    """Whom a token logs in as; empty where it is refused."""
    with peers.client(node, Bearer(value)) as client:
        return es_api.authenticate(client) or ""


def superuser(context: Context, peers: Peers) -> Basic:
    """The login of whoever may manage security. Raises ApplyError: nobody is at hand."""
    basic = Basic(*context.credentials) if context.credentials else peers.basic("elastic")
    if basic is None:
        raise ApplyError("nobody is at hand who may manage tokens", hint="give --user NAME --password-file FILE")
    return basic


def _path(account: str) -> str:
    return f"/_security/service/{account}/credential/token"
