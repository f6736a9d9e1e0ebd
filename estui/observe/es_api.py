"""What an Elasticsearch node says about itself, its cluster and us. Reads only; calls that change are `act`'s.

Bodies: file-formats.md §7, real-elasticsearch.md §1 and §6 (8.19.0, 9.1.0).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from estui.errors import ProbeError
from estui.model.observed import ApiFacts, DiskUse, Health, Member, SeenFile
from estui.model.version import Version
from estui.observe.http import Answer, Client

_MEMBERS = (
    "/_nodes/http,transport,jvm?filter_path=nodes.*.name,nodes.*.version,nodes.*.roles,"
    "nodes.*.http.publish_address,nodes.*.transport.publish_address,nodes.*.jvm.start_time_in_millis"
)
_SHARDS = "/_cat/shards?format=json&h=index,shard,state,node"
_HEALTH = "/_cluster/health?master_timeout=1s&timeout=1s"
"""A node without a master would wait 30 s for one before it answers 503."""
_ALLOCATION = "cluster.routing.allocation.enable"
_SETTINGS = "/_cluster/settings?flat_settings=true&master_timeout=1s"
_AUTHENTICATE = "/_security/_authenticate"
_CERTIFICATES = "/_ssl/certificates"
_LICENCE = "/_license"
_DISKS = "/_cat/allocation/_local?format=json&bytes=b&h=node,disk.total,disk.avail"
"""Of the node that answers only: a thousand nodes would tell of a million disks otherwise."""
_WATERMARK = "cluster.routing.allocation.disk.watermark.low"
_PASSWORDS = "/.security/_search?q=type:reserved-user&_source=false&size=100"
"""Each built-in user that got a password through the API has a document `reserved-user-NAME` in the security index
(file-formats.md, realm `reserved`); its content, with the hash, is not asked for."""
BUILT_IN = ("elastic", "kibana_system", "logstash_system", "beats_system", "apm_system", "remote_monitoring_user")
"""Built-in users with passwords of their own, 7.17 to 9.x (the superseded `kibana` is left out)."""


def read_api(client: Client) -> ApiFacts:
    """Everything the node tells with this client's credentials; what it refuses is left empty, with the reason in
    `detail`. Never raises for the node's sake."""
    try:
        root = client.request("GET", "/")
    except ProbeError as exc:
        return ApiFacts(reachable=False, detail=exc.summary)
    facts = _root_facts(root, client)
    if root.status != 200 or not facts.name:
        return facts
    try:
        if client.authenticates:
            facts = _with_user(facts, client)
        facts = replace(facts, members=members(client))
        facts = replace(facts, health=health(client))
        return replace(facts, allocation=allocation(client))
    except ProbeError as exc:
        return replace(facts, detail=exc.summary)


def authenticate(client: Client) -> str | None:
    """Name of the user that the client's credentials belong to, None where they are refused (401).

    For about a second after the first start, and on a node that has not joined, right credentials are refused too
    (real-elasticsearch.md §0.7). Raises ProbeError: no answer, or another one.
    """
    answer = client.request("GET", _AUTHENTICATE)
    if answer.status == 401:
        return None
    return text_in(_expect(answer), "username")


def who(client: Client) -> tuple[str, tuple[str, ...]]:
    """Name and roles of whoever asks; an empty name where nobody is logged in (401). Raises ProbeError: no answer, or
    another one."""
    answer = client.request("GET", _AUTHENTICATE)
    if answer.status == 401:
        return "", ()
    body = _expect(answer)
    roles = body.get("roles")
    return text_in(body, "username"), tuple(str(role) for role in roles) if isinstance(roles, list) else ()


def members(client: Client) -> tuple[Member, ...]:
    """The nodes that this node's cluster consists of, by name. Raises ProbeError: no answer, or a refusal."""
    nodes = mapping_in(_expect(client.request("GET", _MEMBERS)), "nodes")
    return tuple(sorted((_member(node) for node in nodes.values()), key=lambda member: member.name))


def only_copies(client: Client, name: str) -> tuple[str, ...]:
    """Shards (`index 0`) of which a node holds the only copy that is in use. Raises ProbeError: no answer, a refusal.

    Source: compact API `_cat/shards`; a copy that moves has `a -> ip id b` as its node and is at a till then.
    """
    answer = client.request("GET", _SHARDS)
    if answer.status != 200:
        raise ProbeError(reason(answer))
    body = answer.json()
    holders: dict[str, list[str]] = {}
    for row in [as_mapping(each) for each in body] if isinstance(body, list) else []:
        if text_in(row, "state") in ("STARTED", "RELOCATING"):
            shard = f"{text_in(row, 'index')} {text_in(row, 'shard')}"
            holders.setdefault(shard, []).append(text_in(row, "node").partition(" -> ")[0])
    return tuple(sorted(shard for shard, nodes in holders.items() if set(nodes) == {name}))


def health(client: Client) -> Health:
    """Health of the cluster as this node sees it. Raises ProbeError: no answer, no master, or a refusal."""
    answer = client.request("GET", _HEALTH)
    # 408 is a whole answer too: what was waited for did not come in time.
    body = as_mapping(answer.json()) if answer.status == 408 else _expect(answer)
    return Health(
        status=text_in(body, "status"),
        nodes=number_in(body, "number_of_nodes"),
        data_nodes=number_in(body, "number_of_data_nodes"),
        unassigned_shards=number_in(body, "unassigned_shards"),
    )


def allocation(client: Client) -> str:
    """Who may be allocated shards (`all`, `primaries`, …), empty where nobody set it or we may not ask.

    Raises ProbeError: no answer.
    """
    answer = client.request("GET", _SETTINGS)
    if answer.status != 200:
        return ""
    body = as_mapping(answer.json())
    # Transient settings win over persistent ones (elastic-stack-security.md §3.3).
    return text_in(mapping_in(body, "transient"), _ALLOCATION) or text_in(mapping_in(body, "persistent"), _ALLOCATION)


def allocation_scopes(client: Client) -> dict[str, str | None]:
    """What is set in the persistent and in the transient settings, which win; None for a scope that has nothing.

    Raises ProbeError: no answer, or a refusal.
    """
    body = _expect(client.request("GET", _SETTINGS))
    return {scope: text_in(mapping_in(body, scope), _ALLOCATION) or None for scope in ("persistent", "transient")}


def read_more(facts: ApiFacts, client: Client) -> ApiFacts:
    """`facts` with what only somebody who may look inside is told: licence, disk, built-in users without a password or
    switched off, the node's own list of its certificates. What is refused stays unknown. Never raises for the node's
    sake."""
    try:
        facts = replace(facts, licence=licence(client), disks=disks(client), watermark=watermark(client))
        if facts.authenticated_as:
            facts = replace(facts, without_password=without_password(client), disabled=disabled(client))
        listed, problem = listed_certificates(client)
        return replace(facts, listed=None if problem else listed, listed_problem=problem)
    except ProbeError:
        return facts


def licence(client: Client) -> str:
    """Type of the cluster's licence, with its state unless that is `active`; empty where it is not told.

    Raises ProbeError: no answer.
    """
    answer = client.request("GET", _LICENCE)
    if answer.status != 200:
        return ""
    body = mapping_in(as_mapping(answer.json()), "license")
    kind, state = text_in(body, "type"), text_in(body, "status")
    return f"{kind} ({state})" if kind and state not in ("active", "") else kind


def without_password(client: Client) -> tuple[str, ...] | None:
    """Built-in users that never got a password through the API, None where we may not look.

    `elastic` may have one from its first start (`bootstrap.password`) all the same. Raises ProbeError: no answer.
    """
    answer = client.request("GET", _PASSWORDS)
    if answer.status == 404:
        return BUILT_IN  # no security index: nobody has one
    if answer.status != 200:
        return None
    hits = mapping_in(as_mapping(answer.json()), "hits").get("hits")
    known = {text_in(as_mapping(hit), "_id") for hit in hits} if isinstance(hits, list) else set()
    return tuple(name for name in BUILT_IN if f"reserved-user-{name}" not in known)


def disabled(client: Client) -> tuple[str, ...] | None:
    """Built-in users that are switched off, None where we may not look. Raises ProbeError: no answer."""
    answer = client.request("GET", f"/_security/user/{','.join(BUILT_IN)}")
    if answer.status != 200:
        return None
    users = as_mapping(answer.json())
    return tuple(name for name in BUILT_IN if as_mapping(users.get(name)).get("enabled") is False)


def disks(client: Client) -> tuple[DiskUse, ...]:
    """Disk of the node that answers, nothing where it holds no data or does not tell. Raises ProbeError: no answer."""
    answer = client.request("GET", _DISKS)
    body = answer.json() if answer.status == 200 else []
    found = []
    for row in [as_mapping(each) for each in body] if isinstance(body, list) else []:
        total, available = text_in(row, "disk.total"), text_in(row, "disk.avail")
        if total.isdecimal() and available.isdecimal():  # unassigned shards have a row without a disk
            found.append(DiskUse(text_in(row, "node"), int(total), int(available)))
    return tuple(found)


def watermark(client: Client) -> str:
    """The low disk watermark of the cluster settings, empty where nobody set it there or we may not ask.

    Raises ProbeError: no answer.
    """
    answer = client.request("GET", _SETTINGS)
    if answer.status != 200:
        return ""
    body = as_mapping(answer.json())
    return text_in(mapping_in(body, "transient"), _WATERMARK) or text_in(mapping_in(body, "persistent"), _WATERMARK)


def listed_certificates(client: Client) -> tuple[tuple[SeenFile, ...], str]:
    """Certificates of the TLS files that this node was started with, as it reads them now; or why it cannot read one.

    It tells what the node sees, not what it serves (real-elasticsearch.md §7). Raises ProbeError: no answer, or a
    refusal.
    """
    answer = client.request("GET", _CERTIFICATES)
    if answer.status == 500:
        return (), reason(answer)
    if answer.status != 200:
        raise ProbeError(reason(answer))
    body = answer.json()
    rows = [as_mapping(row) for row in body] if isinstance(body, list) else []
    return tuple(SeenFile(text_in(row, "path"), _serial(row), row.get("has_private_key") is True) for row in rows), ""


def _serial(row: Mapping[str, object]) -> int:
    """Hex digits without padding; -1 for anything else, which is no serial."""
    try:
        return int(text_in(row, "serial_number"), 16)
    except ValueError:
        return -1


def reason(answer: Answer) -> str:
    """Why the server refused, from its own body (`error.reason`, or a bare text as for unknown paths)."""
    try:
        error = as_mapping(answer.json()).get("error")
    except ProbeError:
        return f"HTTP {answer.status}"
    told = error if isinstance(error, str) else text_in(as_mapping(error), "reason")
    return f"HTTP {answer.status}: {told}" if told else f"HTTP {answer.status}"


def _expect(answer: Answer) -> Mapping[str, object]:
    if answer.status != 200:
        raise ProbeError(reason(answer))
    return as_mapping(answer.json())


def _root_facts(root: Answer, client: Client) -> ApiFacts:
    facts = ApiFacts(reachable=True, status=root.status)
    if root.status == 401:
        return replace(facts, secured=True if "www-authenticate" in root.headers else None, detail=reason(root))
    if root.status != 200:
        return replace(facts, detail=reason(root))
    try:
        body = as_mapping(root.json())
    except ProbeError as exc:
        return replace(facts, detail=exc.summary)
    number = text_in(mapping_in(body, "version"), "number")
    name = text_in(body, "name")
    if not name or not number:
        return replace(facts, detail="answers HTTP, but not as Elasticsearch does")
    return replace(
        facts,
        # With credentials a 200 says nothing: a node without security does not look at them.
        secured=None if client.authenticates else False,
        name=name,
        cluster_name=text_in(body, "cluster_name"),
        cluster_uuid=text_in(body, "cluster_uuid"),
        version=Version.parse(number),
    )


def _with_user(facts: ApiFacts, client: Client) -> ApiFacts:
    answer = client.request("GET", _AUTHENTICATE)
    if answer.status == 400:
        # Without security the path has no handler (file-formats.md §7).
        return replace(facts, secured=False)
    if answer.status == 401:
        return replace(facts, secured=True, detail=reason(answer))
    return replace(facts, secured=True, authenticated_as=text_in(_expect(answer), "username"))


def _member(node: object) -> Member:
    body = as_mapping(node)
    roles = body.get("roles")
    return Member(
        name=text_in(body, "name"),
        version=text_in(body, "version"),
        roles=tuple(str(role) for role in roles) if isinstance(roles, list) else (),
        http=text_in(mapping_in(body, "http"), "publish_address"),
        transport=text_in(mapping_in(body, "transport"), "publish_address"),
        started_ms=number_in(mapping_in(body, "jvm"), "start_time_in_millis"),
    )


def as_mapping(value: object) -> Mapping[str, object]:
    """A JSON object, or an empty one for anything else: answers are foreign and may have any shape."""
    return value if isinstance(value, dict) else {}


def mapping_in(body: Mapping[str, object], key: str) -> Mapping[str, object]:
    return as_mapping(body.get(key))


def text_in(body: Mapping[str, object], key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def number_in(body: Mapping[str, object], key: str) -> int:
    value = body.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
