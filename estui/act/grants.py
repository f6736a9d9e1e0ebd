"""Users and roles of clients, made through the security API and proven by logging in with them.

Source: security APIs "Create or update roles", "Create or update users", "Has privileges".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from estui.act.context import Context
from estui.act.journal import Journal
from estui.errors import ApplyError, ProbeError
from estui.model.plan import GrantLogin, IndexRights
from estui.observe import es_api
from estui.observe.http import Client
from estui.secret import Secret

MADE, GONE = "login-made", "login-gone"
"""Acts of journal records: a user or role is about to be made that was not there; it was deleted again."""
MARK = "estui"
"""Key of the metadata that tells whose user or role it is: the workspace's id."""


def merged(grants: Sequence[GrantLogin]) -> tuple[GrantLogin, ...]:
    """One for each user, with the rights of all who share it."""
    found: dict[str, GrantLogin] = {}
    for each in grants:
        before = found.get(each.user)
        found[each.user] = each if before is None else _union(before, each)
    return tuple(found.values())


def _union(one: GrantLogin, other: GrantLogin) -> GrantLogin:
    indices: tuple[IndexRights, ...] = tuple(dict.fromkeys((*one.indices, *other.indices)))
    return replace(
        one,
        roles=tuple(dict.fromkeys((*one.roles, *other.roles))),
        cluster=tuple(dict.fromkeys((*one.cluster, *other.cluster))),
        indices=indices,
    )


def rights_of(cluster: Sequence[str], indices: Sequence[IndexRights]) -> dict[str, object]:
    """Rights in the words of the API, as a role or an API key takes them."""
    listed = [{"names": list(each.names), "privileges": list(each.privileges)} for each in indices]
    return {"cluster": list(cluster), "indices": listed}


def give(context: Context, client: Client, grant: GrantLogin, password: Secret) -> None:
    """Makes the role and the user, or sets both right where this workspace made them.

    Raises ApplyError: somebody else's of that name are there, or the API refuses; ProbeError: no answer.
    """
    owner = context.workspace.identity().id
    for kind, name in (("role", grant.role), ("user", grant.user)):
        if not _is_there(client, kind, name, owner):
            context.journal.write(MADE, kind=kind, name=name)
    metadata = {MARK: owner}
    role = {**rights_of(grant.cluster, grant.indices), "metadata": metadata}
    _put(client, "role", grant.role, role)
    user = {"password": password.reveal(), "roles": [grant.role, *grant.roles], "metadata": metadata}
    _put(client, "user", grant.user, user)


def take_back(context: Context, journal: Journal, client: Client) -> list[str]:
    """Deletes the users and roles that a run made, users first; what was there before it stays. Idempotent.

    Raises ApplyError: it is refused; ProbeError: no answer.
    """
    names = []
    gone = {(record.text("kind"), record.text("name")) for record in context.journal.find(GONE)}
    made = [(record.text("kind"), record.text("name")) for record in reversed(journal.find(MADE))]
    for kind, name in dict.fromkeys(made):
        if (kind, name) in gone:
            continue
        answer = client.request("DELETE", f"/_security/{kind}/{name}", timeout_s=30.0)
        if answer.status not in (200, 404):
            raise ApplyError(f"the {kind} {name} was not deleted: {es_api.reason(answer)}", hint="delete it by hand")
        context.journal.write(GONE, kind=kind, name=name)
        context.workspace.audit(f"{kind} deleted", name=name, run=context.run)
        names.append(f"{kind} {name}")
    return names


def _is_there(client: Client, kind: str, name: str, owner: str) -> bool:
    """Whether a user or role of this workspace has the name. Raises ApplyError where somebody else's has it."""
    answer = client.request("GET", f"/_security/{kind}/{name}")
    if answer.status == 404:
        return False
    if answer.status != 200:
        raise ProbeError(f"the {kind} {name} cannot be looked up: {es_api.reason(answer)}")
    found = es_api.mapping_in(es_api.as_mapping(answer.json()), name)
    if es_api.text_in(es_api.mapping_in(found, "metadata"), MARK) != owner:
        raise ApplyError(
            f"there is a {kind} {name} already, which this workspace did not make",
            hint=f"remove it, or give the client its login by hand; then plan again ({kind}s are named as Elastic's "
            "documentation does)",
        )
    return True


def _put(client: Client, kind: str, name: str, body: Mapping[str, object]) -> None:
    answer = client.request("PUT", f"/_security/{kind}/{name}", body, timeout_s=30.0)
    if answer.status != 200:
        raise ApplyError(f"the {kind} {name} was not made: {es_api.reason(answer)}", hint="estui runbook resume")


def proven(client: Client, grant: GrantLogin) -> str:
    """Evidence that the user, whose credentials the client carries, gets in and may do what its role says.

    Raises ProbeError while that is not so.
    """
    if es_api.authenticate(client) != grant.user:
        raise ProbeError("it is refused (401)")
    rights = rights_of(grant.cluster, grant.indices)
    body = {"cluster": rights["cluster"], "index": rights["indices"]}
    answer = client.request("POST", "/_security/user/_has_privileges", body)
    if answer.status != 200:
        raise ProbeError(es_api.reason(answer))
    if es_api.as_mapping(answer.json()).get("has_all_requested") is not True:
        raise ProbeError(f"{grant.user} lacks privileges of its role")
    return f"{grant.user} logs in, and may do what {grant.role} says"
