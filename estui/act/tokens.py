"""Tokens of service accounts in a run: made through the API, and proven by a login (`credentials.py` takes them back).

Source: security APIs "Create service account token", "Delete service account token".
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.act import kibana_entries
from estui.act.context import Context
from estui.act.credentials import MANAGER, SETTLE_S, TOKENS, superuser, token_path
from estui.act.peers import Peers, wait_until
from estui.decide.kibana import TOKEN
from estui.decide.kibana_wishes import ACCOUNT
from estui.decide.rung import is_secured
from estui.errors import ApplyError, ProbeError
from estui.model.observed import ObservedKibana
from estui.model.plan import IssueToken
from estui.observe import es_api
from estui.observe.http import Bearer
from estui.secret import Secret


def issue(context: Context, change: IssueToken) -> Secret:
    """A new token, which the node lets in.

    Raises ApplyError: nobody is at hand who may make one, it is refused, or it does not get in; ProbeError: no answer.
    """
    peers = Peers(context)
    name = f"{change.name}-{context.run}"
    with peers.client(change.node, superuser(context, peers)) as client:
        context.journal.write(
            TOKENS.announced, target=change.target, node=change.node, account=change.account, name=name
        )
        answer = client.request("POST", f"{token_path(change.account)}/{name}", timeout_s=30.0)
        if answer.status != 200:
            raise ApplyError(f"no token of {change.account} was made: {es_api.reason(answer)}", hint=MANAGER)
        value = Secret(es_api.text_in(es_api.mapping_in(es_api.as_mapping(answer.json()), "token"), "value"))
    if not wait_until(lambda: _gets_in(peers, change.node, value) == change.account, SETTLE_S):
        raise ApplyError(f"the new token of {change.account} does not get in", hint="look at the node's log")
    context.evidence("prepare", change.node, f"token {name} of {change.account} was made, and logs in")
    context.workspace.audit("token made", account=change.account, name=name, run=context.run)
    return value


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
