"""API keys of clients in a run: made through the API, proven by a login with the rights that were asked for, and taken
back.

The journal announces each before the call that makes it; its value is in the keystore that is made ready for its owner,
and nowhere else. Source: security APIs "Create API key", "Invalidate API key", "Has privileges".
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.grants import rights_of
from estui.act.journal import Journal
from estui.act.peers import Peers, wait_until
from estui.act.tokens import SETTLE_S, ClientOf, superuser
from estui.errors import ApplyError, EstuiError
from estui.model.plan import IssueKey
from estui.observe import es_api
from estui.observe.http import ApiKey
from estui.secret import Secret

ANNOUNCED, GONE = "api-key", "api-key-gone"
"""Acts of journal records: a key is about to be made; it was invalidated again."""
_PATH = "/_security/api_key"
_HINT = "give the login of somebody who may manage security: --user NAME --password-file FILE"


def announced(journal: Journal) -> tuple[tuple[str, str], ...]:
    """Name and node of each key that a run made, or may have made, without those that are invalidated again."""
    gone = {record.text("name") for record in journal.find(GONE)}
    found = ((record.text("name"), record.text("node")) for record in journal.find(ANNOUNCED))
    return tuple(each for each in found if each[0] not in gone)


def issue(context: Context, change: IssueKey) -> Secret:
    """A new key as `ID:KEY`, which the node lets in and which may do what it should.

    Raises ApplyError: nobody is at hand who may make one, it is refused, or lacks a right; ProbeError: no answer.
    """
    peers = Peers(context)
    name = f"{change.name}-{context.run}"
    rights = rights_of(change.cluster, change.indices)
    with peers.client(change.node, superuser(context, peers)) as client:
        context.journal.write(ANNOUNCED, target=change.target, node=change.node, name=name)
        body = {"name": name, "role_descriptors": {change.name: rights}}
        answer = client.request("POST", _PATH, body, timeout_s=30.0)
        if answer.status != 200:
            raise ApplyError(f"no API key was made for {change.target}: {es_api.reason(answer)}", hint=_HINT)
        found = es_api.as_mapping(answer.json())
    value = Secret(f"{es_api.text_in(found, 'id')}:{es_api.text_in(found, 'api_key')}")
    if not wait_until(lambda: _may(peers, change, value), SETTLE_S):
        raise ApplyError(
            f"the new API key of {change.target} does not get in, or may not do what it should",
            hint="whoever makes it has to have these rights; look at the node's log",
        )
    context.evidence("prepare", change.node, f"API key {name} of {change.target} was made, and may do what it should")
    context.workspace.audit("API key made", client=change.target, name=name, run=context.run)
    return value


def _may(peers: Peers, change: IssueKey, value: Secret) -> bool:
    """Whether the key is let in and has every right. Raises ProbeError: no answer."""
    rights = rights_of(change.cluster, change.indices)
    body = {"cluster": rights["cluster"], "index": rights["indices"]}
    with peers.client(change.node, ApiKey(value)) as client:
        answer = client.request("POST", "/_security/user/_has_privileges", body)
    return answer.status == 200 and es_api.as_mapping(answer.json()).get("has_all_requested") is True


def take_back(context: Context, journal: Journal, client_of: ClientOf) -> list[str]:
    """Invalidates the keys that a run made; their names. Idempotent.

    Raises ApplyError: it is refused; ProbeError: no answer.
    """
    names = []
    gone = {record.text("name") for record in context.journal.find(GONE)}
    for name, node in announced(journal):
        if name in gone:
            continue
        with client_of(node) as client:
            answer = client.request("DELETE", _PATH, {"name": name}, timeout_s=30.0)
        if answer.status not in (200, 404):
            raise ApplyError(f"API key {name} was not invalidated: {es_api.reason(answer)}", hint=_HINT)
        context.journal.write(GONE, name=name)
        context.workspace.audit("API key invalidated", name=name, run=context.run)
        names.append(name)
    return names


def drop_unused(context: Context) -> None:
    """After a run of which nothing was switched: its keys are in nobody's hands, and go. Where that cannot be done, it
    is said."""
    if not announced(context.journal):
        return
    peers = Peers(context)
    try:
        take_back(context, context.journal, lambda node: peers.client(node, superuser(context, peers)))
    except EstuiError as error:
        for name, _ in announced(context.journal):
            context.say(
                f"API key {name} is of no use to anybody, and stays ({error.summary}); "
                f'DELETE {_PATH} {{"name": "{name}"}} takes it away'
            )
