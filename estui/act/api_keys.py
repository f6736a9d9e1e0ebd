"""API keys of clients in a run: made through the API, and proven by a login with the rights that were asked for
(`credentials.py` takes them back).

Source: security APIs "Create API key", "Invalidate API key", "Has privileges".
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.credentials import API_KEY_PATH, API_KEYS, MANAGER, SETTLE_S, superuser
from estui.act.grants import rights_of
from estui.act.peers import Peers, wait_until
from estui.errors import ApplyError
from estui.model.plan import IssueKey
from estui.observe import es_api
from estui.observe.http import ApiKey
from estui.secret import Secret


def issue(context: Context, change: IssueKey) -> Secret:
    """A new key as `ID:KEY`, which the node lets in and which may do what it should.

    Raises ApplyError: nobody is at hand who may make one, it is refused, or lacks a right; ProbeError: no answer.
    """
    peers = Peers(context)
    name = f"{change.name}-{context.run}"
    rights = rights_of(change.cluster, change.indices)
    with peers.client(change.node, superuser(context, peers)) as client:
        context.journal.write(API_KEYS.announced, target=change.target, node=change.node, name=name)
        body = {"name": name, "role_descriptors": {change.name: rights}}
        answer = client.request("POST", API_KEY_PATH, body, timeout_s=30.0)
        if answer.status != 200:
            raise ApplyError(f"no API key was made for {change.target}: {es_api.reason(answer)}", hint=MANAGER)
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
