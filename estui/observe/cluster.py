"""A whole cluster at one time: every folder of the inventory, every port, every API.

Owns what is asked in parallel, how long it may take, and to whom credentials go. What the parts mean is theirs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from estui.errors import ProbeError
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address, Inventory, Layer, NodeEntry
from estui.model.observed import (
    NO_API,
    ApiFacts,
    AuthorityFacts,
    Member,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.model.version import Version
from estui.observe.beat_folder import hanging_beat, observe_beat_folder
from estui.observe.data_folder import look_at_data
from estui.observe.es_api import read_api, read_more
from estui.observe.folder import hanging_node, observe_node_folder
from estui.observe.http import Client, ClientCertificate, Credentials, Tls
from estui.observe.kibana_api import KibanaStatus, read_status
from estui.observe.kibana_folder import hanging_kibana, observe_kibana_folder
from estui.observe.parallel import run_all
from estui.observe.probe import TIMEOUT_S, probe
from estui.secret import Secret

FOLDER_TIMEOUT_S = 10.0
"""Without a sign of life after which a folder counts as hanging: a slow mount answers, a dead one never does."""
LONGEST_FOLDER_S = 60.0
"""After which a folder is given up although it gets on, as one whose mount takes seconds for each file does."""
_REQUESTS = 13
"""Time-outs that the questions to one port can add up to: a probe, `GET /` with and without a check, ten more."""
WORKERS = 64
"""Questions at the same time: a third of a large cluster may hang, and nobody waits for a place behind it."""

ClientFor = Callable[[Address, Tls | None], Client]
"""Makes the client for a node's HTTP port, plain where there is no `Tls`; decides who gets credentials."""

_Thing = ObservedNode | ObservedKibana | ObservedBeat


Told = Callable[[ObservedNode | ObservedKibana | ObservedBeat], None]
"""Is told of a target as far as it was looked at."""


def mute(thing: ObservedNode | ObservedKibana | ObservedBeat) -> None:
    """Tells nobody."""


def client_factory(
    credentials: Credentials | None = None,
    *,
    over_plain: bool = False,
    client_certificate: ClientCertificate | None = None,
    timeout_s: float = TIMEOUT_S,
) -> ClientFor:
    """Clients that send credentials over verified TLS, and over plain HTTP only if that was asked for."""

    def client_for(address: Address, tls: Tls | None) -> Client:
        allowed = over_plain if tls is None else tls.verified
        shown = replace(tls, client=client_certificate) if tls is not None and client_certificate else tls
        return Client(address, shown, credentials if allowed else None, timeout_s)

    return client_for


def observe(
    inventory: Inventory,
    authorities: tuple[AuthorityFacts, ...] = (),
    *,
    digest_key: bytes,
    keystore_password: Secret | None = None,
    client_for: ClientFor | None = None,
    network: bool = True,
    timeout_s: float = TIMEOUT_S,
    workers: int = WORKERS,
    told: Told = mute,
) -> Observed:
    """Everything that can be seen of the inventory's cluster, at one time. Never raises for the cluster's sake.

    `told` is called from the threads of the look with each target once its folder was read, and again once its port
    answered: for whoever shows what there is so far.

    Each question to a port is bounded by `timeout_s` seconds, each folder by `FOLDER_TIMEOUT_S`; what hangs does not
    hold up the rest. Without `network` no port is asked.
    """
    observed = _observe_folders(inventory, authorities, digest_key, keystore_password, workers, told)
    if not network:
        return observed
    asking = _Asking(authorities, client_for or client_factory(timeout_s=timeout_s), timeout_s, workers, told)
    nodes = asking.nodes(observed.nodes)
    # Nodes whose yml does not tell where they listen are found through those that know them.
    members = _members(nodes)
    published = tuple(_with_published_addresses(node, members) for node in nodes)
    unasked = tuple(node for node, before in zip(published, nodes, strict=True) if node is not before)
    asked = dict(zip((node.entry.config for node in unasked), asking.nodes(unasked), strict=True))
    nodes = tuple(asked.get(node.entry.config, node) for node in published)
    members = _members(nodes)
    return replace(
        observed,
        nodes=tuple(_with_version(node, members) for node in nodes),
        kibana=asking.kibana(observed.kibana),
    )


def _observe_folders(
    inventory: Inventory,
    authorities: tuple[AuthorityFacts, ...],
    digest_key: bytes,
    keystore_password: Secret | None,
    workers: int,
    told: Told,
) -> Observed:
    node = partial(_node_and_data, folder=inventory.folder, keystore_password=keystore_password, digest_key=digest_key)
    kibana = partial(observe_kibana_folder, folder=inventory.folder, digest_key=digest_key)
    beat = partial(observe_beat_folder, folder=inventory.folder, digest_key=digest_key)
    tasks: list[Callable[[], _Thing]] = [
        *(partial(node, entry) for entry in inventory.nodes),
        *(partial(kibana, entry) for entry in inventory.kibana),
        *(partial(beat, entry) for entry in inventory.beats),
    ]
    late: list[Callable[[float], _Thing]] = [
        *(partial(hanging_node, entry) for entry in inventory.nodes),
        *(partial(hanging_kibana, entry) for entry in inventory.kibana),
        *(partial(hanging_beat, entry) for entry in inventory.beats),
    ]
    things = run_all(
        [partial(_done, task, told) for task in tasks],
        within_s=FOLDER_TIMEOUT_S,
        late=lambda index: late[index](FOLDER_TIMEOUT_S),
        workers=workers,
        longest_s=LONGEST_FOLDER_S,
    )
    return Observed(
        inventory=inventory,
        nodes=tuple(thing for thing in things if isinstance(thing, ObservedNode)),
        kibana=tuple(thing for thing in things if isinstance(thing, ObservedKibana)),
        beats=tuple(thing for thing in things if isinstance(thing, ObservedBeat)),
        authorities=authorities,
    )


def _done(task: Callable[[], _Thing], told: Told) -> _Thing:
    thing = task()
    told(thing)
    return thing


def _node_and_data(
    entry: NodeEntry, *, folder: str, keystore_password: Secret | None, digest_key: bytes
) -> ObservedNode:
    """A node's folder, and what its data folder tells where that can be seen."""
    node = observe_node_folder(entry, folder=folder, keystore_password=keystore_password, digest_key=digest_key)
    return replace(node, data=look_at_data(node))


@dataclass(frozen=True)
class _Asking:
    """What all questions to ports have in common."""

    authorities: tuple[AuthorityFacts, ...]
    client_for: ClientFor
    timeout_s: float
    workers: int
    told: Told

    def nodes(self, nodes: Sequence[ObservedNode]) -> tuple[ObservedNode, ...]:
        """The nodes with what their ports and APIs answered."""
        addresses = [node.transport_address for node in nodes]
        transport = [address for address in addresses if address is not None]
        http = [node for node in nodes if node.http_address is not None]
        tasks: list[Callable[[], tuple[Served, ApiFacts]]] = [
            *(self._transport_task(address) for address in transport),
            *(self._http_task(node, node.http_address) for node in http if node.http_address is not None),
        ]
        asked = [*transport, *(node.http_address for node in http)]
        answers = run_all(
            tasks,
            within_s=self.timeout_s * _REQUESTS + 1,
            late=lambda index: (self._late(asked[index]), NO_API),
            workers=self.workers,
        )
        served = {address: answer for address, (answer, _) in zip(transport, answers, strict=False)}
        apis = dict(zip((node.entry.config for node in http), answers[len(transport) :], strict=True))
        return tuple(_with_answers(node, served, apis.get(node.entry.config)) for node in nodes)

    def kibana(self, instances: Sequence[ObservedKibana]) -> tuple[ObservedKibana, ...]:
        """The instances with what their ports and status pages answered."""
        return tuple(
            run_all(
                [partial(self._ask_kibana, kibana) for kibana in instances],
                within_s=self.timeout_s * _REQUESTS + 1,
                late=lambda index: replace(instances[index], served=self._late(instances[index].address)),
                workers=self.workers,
            )
        )

    def _late(self, address: Address | None) -> Served:
        return Served(address, PortState.TIMED_OUT, f"no answer within {self.timeout_s * _REQUESTS:g} s")

    def _transport_task(self, address: Address) -> Callable[[], tuple[Served, ApiFacts]]:
        return lambda: (probe(address, timeout_s=self.timeout_s), NO_API)

    def _http_task(self, node: ObservedNode, address: Address) -> Callable[[], tuple[Served, ApiFacts]]:
        def ask() -> tuple[Served, ApiFacts]:
            served = probe(address, timeout_s=self.timeout_s)
            answer = served, self._read_api(node, address, served)
            self.told(_with_answers(node, {}, answer))
            return answer

        return ask

    def _read_api(self, node: ObservedNode, address: Address, served: Served) -> ApiFacts:
        if served.state is PortState.PLAIN:
            with self.client_for(address, None) as client:
                return _read_all(client)
        if served.state is not PortState.TLS:
            return ApiFacts(reachable=False, detail=served.detail)
        trusted = trusted_certificates(self.authorities, node.disk.get(Layer.HTTP, OnDisk()))
        doubt = "no CA is known for this node"
        if trusted:
            begin = time.monotonic()
            with self.client_for(address, Tls(trusted)) as client:
                facts = _read_all(client)
            if facts.reachable or time.monotonic() - begin >= self.timeout_s:
                return facts  # what hung once is not asked again
            doubt = facts.detail
        with Client(address, Tls(), None, self.timeout_s) as client:
            facts = read_api(client)
        if not facts.reachable:
            demanded = "the port demands a client certificate" if served.client_certificate else ""
            return replace(facts, detail=demanded or (doubt if trusted else facts.detail))
        told = "; ".join(part for part in (f"{doubt}, so it was asked without credentials", facts.detail) if part)
        return replace(facts, detail=told)

    def _ask_kibana(self, kibana: ObservedKibana) -> ObservedKibana:
        if kibana.address is None:
            return kibana
        served = probe(kibana.address, timeout_s=self.timeout_s)
        status = self._kibana_status(kibana, kibana.address, served)
        level = status.level if status else ""
        answered = replace(kibana, served=served, status=level, version=_status_version(kibana, status))
        self.told(answered)
        return answered

    def _kibana_status(self, kibana: ObservedKibana, address: Address, served: Served) -> KibanaStatus | None:
        """The status, asked without credentials: nothing else would be told with them."""
        if served.state is PortState.PLAIN:
            ways: list[Tls | None] = [None]
        elif served.state is PortState.TLS:
            trusted = trusted_certificates(self.authorities, kibana.disk)
            ways = [Tls(trusted), Tls()] if trusted else [Tls()]
        else:
            return None
        for tls in ways:
            try:
                with Client(address, tls, None, self.timeout_s) as client:
                    return read_status(client, _base_path(kibana))
            except ProbeError:
                continue
        return None


def _read_all(client: Client) -> ApiFacts:
    facts = read_api(client)
    return read_more(facts, client) if facts.members and not facts.detail else facts


def trusted_certificates(authorities: tuple[AuthorityFacts, ...], disk: OnDisk) -> tuple[CertificateFacts, ...]:
    """Whom a client may trust to be this node: the workspace's CAs, and the CAs that the node's own folder names for
    the layer; a self-signed leaf stands for itself."""
    own = [facts for facts in disk.chain if facts.is_ca or facts.issuer == facts.subject]
    certificates = (*(authority.certificate for authority in authorities), *disk.trusted, *own)
    return tuple({facts.sha256: facts for facts in certificates}.values())


def _with_answers(
    node: ObservedNode, transport: dict[Address, Served], http: tuple[Served, ApiFacts] | None
) -> ObservedNode:
    served = dict(node.served)
    if node.transport_address in transport:
        served[Layer.TRANSPORT] = transport[node.transport_address]
    if http is None:
        return replace(node, served=served)
    served[Layer.HTTP], api = http
    return replace(node, served=served, api=api, name=node.name or api.name)


def _with_published_addresses(node: ObservedNode, members: Mapping[str, Member]) -> ObservedNode:
    """The node with addresses that other nodes know of it, where its own files do not tell them; else itself."""
    if not node.name or (node.http_address and node.transport_address):
        return node
    member = members.get(node.name)
    if member is None:
        return node
    http = node.http_address or published_address(member.http)
    transport = node.transport_address or published_address(member.transport)
    if (http, transport) == (node.http_address, node.transport_address):
        return node
    return replace(node, http_address=http, transport_address=transport)


def published_address(text: str) -> Address | None:
    """Address in `ip:port` or `name/ip:port`, as Elasticsearch prints it, or None."""
    host, _, port = text.rpartition("/")[2].rpartition(":")
    return Address(host.strip("[]"), int(port)) if host and port.isdecimal() else None


def _members(nodes: Sequence[ObservedNode]) -> dict[str, Member]:
    """Members by name, as the first node that answered lists each."""
    told = [member for witness in nodes for member in witness.api.members]
    return {member.name: member for member in reversed(told)}


def _with_version(node: ObservedNode, members: Mapping[str, Member]) -> ObservedNode:
    """The node with the version that an API tells, its own or another node's; that is what runs."""
    version = node.api.version
    if version is None and node.name:
        member = members.get(node.name)
        version = Version.parse(member.version) if member else None
    return replace(node, version=version, version_source="API") if version else node


def _status_version(kibana: ObservedKibana, status: KibanaStatus | None) -> Version | None:
    return status.version if status and status.version else kibana.version


def _base_path(kibana: ObservedKibana) -> str:
    """`server.basePath` where Kibana itself expects it rather than a proxy taking it off."""
    rewrites = kibana.setting("server.rewriteBasePath") == "true"
    return (kibana.setting("server.basePath") or "") if rewrites else ""
