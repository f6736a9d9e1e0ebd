"""Each node's own list of the certificates that its settings name: `GET /_ssl/certificates`.

A node reads its files anew for every call and tells of itself only, so each node is asked at its own address
(elastic-stack-security.md §6.9). It is evidence of what the node finds on its disk, never of what it serves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial

from estui.errors import ProbeError
from estui.model.expiry import ListedCertificate, NodeList
from estui.model.inventory import Address, Layer
from estui.model.observed import AuthorityFacts, ObservedNode, OnDisk, PortState
from estui.observe.cluster import ClientFor, trusted_certificates
from estui.observe.es_api import as_mapping, reason, text_in
from estui.observe.http import Client, Tls
from estui.observe.parallel import run_all
from estui.observe.probe import TIMEOUT_S

_PATH = "/_ssl/certificates"


def ssl_certificates(client: Client) -> tuple[ListedCertificate, ...]:
    """The list of the node behind `client`; needs the cluster privilege `monitor`.

    Raises ProbeError: no answer, a refusal (a file that the node itself cannot read is a 500), or another body.
    """
    answer = client.request("GET", _PATH)
    if answer.status != 200:
        raise ProbeError(reason(answer))
    body = answer.json()
    if not isinstance(body, list):
        raise ProbeError("answers /_ssl/certificates, but not with a list")
    return tuple(_listed(as_mapping(item)) for item in body)


def read_node_lists(
    nodes: Sequence[ObservedNode],
    authorities: tuple[AuthorityFacts, ...],
    client_for: ClientFor,
    *,
    timeout_s: float = TIMEOUT_S,
    workers: int = 16,
) -> dict[str, NodeList]:
    """The list of every node that let us log in, by target. Never raises for a node's sake."""
    asked = [(node, node.http_address) for node in nodes if node.http_address and node.api.authenticated_as]
    tasks: list[Callable[[], NodeList]] = [
        partial(_node_list, node, address, authorities, client_for) for node, address in asked if address
    ]
    answers = run_all(
        tasks,
        within_s=timeout_s + 1,
        late=lambda index: NodeList(problem=f"no answer within {timeout_s:g} s"),
        workers=workers,
    )
    return {node.target: answer for (node, _), answer in zip(asked, answers, strict=True)}


def _node_list(
    node: ObservedNode, address: Address, authorities: tuple[AuthorityFacts, ...], client_for: ClientFor
) -> NodeList:
    trusted = trusted_certificates(authorities, node.disk.get(Layer.HTTP, OnDisk()))
    tls = Tls(trusted) if node.port(Layer.HTTP).state is PortState.TLS else None
    try:
        with client_for(address, tls) as client:
            return NodeList(ssl_certificates(client))
    except ProbeError as exc:
        return NodeList(problem=exc.summary)


def _listed(item: Mapping[str, object]) -> ListedCertificate:
    try:
        serial = int(text_in(item, "serial_number") or "0", 16)
        not_after = datetime.fromisoformat(text_in(item, "expiry"))
    except ValueError as exc:
        raise ProbeError("lists a certificate without a readable serial number or end") from exc
    return ListedCertificate(
        path=text_in(item, "path"),
        format=text_in(item, "format"),
        subject=text_in(item, "subject_dn"),
        issuer=text_in(item, "issuer"),
        serial=serial,
        not_after=not_after if not_after.tzinfo else not_after.replace(tzinfo=UTC),
        alias=text_in(item, "alias"),
        has_private_key=item.get("has_private_key") is True,
    )
