"""Rules about the difference between files and running processes: not loaded, half way, or set elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.rule import Facts, Hit, Text, about_cluster, about_layer, about_node
from estui.decide.findings.view import NODE_YML, at, at_file, disk_of, listed, secured, tls_on
from estui.decide.rung import SECURITY, has_tls, is_secured, ssl_key
from estui.model.certificate import CertificateFacts
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import FileKind, ObservedNode, PortState

_ELSEWHERE = (
    "elsewhere means ES_SETTING_* or dotted variables of a container, -E on the command line, jvm.options.d, or a "
    "file changed since the start"
)
_STATE = (
    "restart the node if the yml is what you want; else state what is set elsewhere in estui.yaml, under "
    "settings_elsewhere: or environment: of the node, or write it into the yml"
)


def _endpoint(node: ObservedNode, layer: Layer) -> str:
    address = node.port(layer).address
    return f"{layer.value} {address}" if address else layer.value


@about_layer(
    Text(
        "tls-not-loaded",
        Severity.WARNING,
        "a node serves another certificate than its file holds",
        "Elasticsearch looks every 5 seconds; one that it could not load it does not try again until the file changes",
        "look for a warning of FileWatcher in its log; restart it where a name, a password or the yml changed",
        "SSLConfigurationReloader; seen on Elasticsearch 9.1.0 and 8.19.0",
    )
)
def not_loaded(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    disk, served = disk_of(node, layer), node.port(layer)
    if disk.leaf is None or served.leaf is None or not tls_on(node, layer):
        return
    if disk.leaf.sha256 != served.leaf.sha256:
        summary = f"{layer.value} serves serial {served.leaf.serial_hex[:16]}, the file has {disk.leaf.serial_hex[:16]}"
        yield Hit(node.target, summary, _endpoint(node, layer))


@about_layer(
    Text(
        "tls-handshake-fails",
        Severity.ERROR,
        "a TLS port on which every handshake fails",
        "Elasticsearch runs, and nobody can talk to this port",
        "compare certificate and key; estui probe HOST:PORT tells more",
        "seen on Elasticsearch 9.1.0: a key that does not match is loaded in silence",
    )
)
def handshake_fails(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    served = node.port(layer)
    if served.state is PortState.TLS and not served.chain and served.detail:
        yield Hit(node.target, f"{layer.value}: {served.detail}", _endpoint(node, layer))


@about_layer(
    Text(
        "tls-names-narrower",
        Severity.WARNING,
        "the new certificate on disk has fewer names than the one that is served",
        "clients that use one of the names that are gone fail as soon as it is loaded",
        "issue it again with those names: names: of the node in estui.yaml, then estui rotate",
        "RFC 9525",
    )
)
def names_narrower(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    disk, served = disk_of(node, layer), node.port(layer)
    if disk.leaf is None or served.leaf is None:
        return
    gone = sorted(set(served.leaf.names) - set(disk.leaf.names))
    if gone:
        yield Hit(node.target, f"{layer.value}: the file lacks {listed(gone)}", _endpoint(node, layer))


def _missing_issuer(sent: tuple[CertificateFacts, ...], known: tuple[CertificateFacts, ...]) -> str:
    """The intermediate CA that a client would lack: the issuer of the last one sent, where it is no root."""
    last = sent[-1]
    above = next((facts for facts in known if facts.subject == last.issuer and facts.sha256 != last.sha256), None)
    return above.subject if above is not None and above.issuer != above.subject else ""


@about_layer(
    Text(
        "tls-chain-incomplete",
        Severity.WARNING,
        "an intermediate CA is not sent along",
        "clients that trust the root only refuse the node: certificate_unknown, unable to get local issuer",
        "put leaf and intermediates into one file, leaf first",
        "RFC 8446 §4.4.2",
    )
)
def chain_incomplete(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    disk = disk_of(node, layer)
    sent = node.port(layer).chain or (disk.chain if tls_on(node, layer) else ())
    if sent:
        missing = _missing_issuer(sent, (*disk.trusted, *(each.certificate for each in facts.observed.authorities)))
        if missing:
            summary = f"{layer.value}: {len(sent)} sent, and {missing} is missing"
            yield Hit(node.target, summary, _endpoint(node, layer))


@about_cluster(
    Text(
        "transport-tls-half-way",
        Severity.ERROR,
        "transport TLS is served by some nodes and not by others",
        "nodes with and without it cannot talk to one another in either direction: the cluster is split",
        "stop all nodes, make the setting the same everywhere, start all: it cannot be rolled in",
        "seen on Elasticsearch 9.1.0: received plaintext traffic on an encrypted channel",
    )
)
def transport_tls_half_way(facts: Facts) -> Iterator[Hit]:
    states: dict[PortState, list[ObservedNode]] = {PortState.TLS: [], PortState.PLAIN: []}
    for node in facts.nodes:
        if node.port(Layer.TRANSPORT).state in states:
            states[node.port(Layer.TRANSPORT).state].append(node)
    if all(states.values()):
        first = states[PortState.PLAIN][0]
        plain, tls = (listed(node.target for node in states[state]) for state in (PortState.PLAIN, PortState.TLS))
        summary = f"{plain} without TLS, {tls} with it"
        yield Hit(first.target, summary, _endpoint(first, Layer.TRANSPORT))


@about_layer(
    Text(
        "port-contradicts-file",
        Severity.WARNING,
        "a port does not speak what the yml says",
        f"the node was not restarted since the yml changed, or its settings come from elsewhere; {_ELSEWHERE}",
        _STATE,
        "design: on disk against served",
    )
)
def port_contradicts_file(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    state, written = node.port(layer).state, secured(node) and has_tls(node, layer)
    key = ssl_key(layer, "enabled")
    if state is PortState.PLAIN and written:
        yield Hit(node.target, f"{key} is true, but {_endpoint(node, layer)} speaks plain text", at(node, key))
    if state is PortState.TLS and not written:
        yield Hit(node.target, f"{key} is not true, but {_endpoint(node, layer)} speaks TLS", at(node, key))


@about_node(
    Text(
        "security-contradicts-file",
        Severity.WARNING,
        "security is on or off, and the yml says otherwise",
        f"the node was not restarted since the yml changed, or its settings come from elsewhere; {_ELSEWHERE}",
        _STATE,
        "GET / without credentials: 401 or 200",
    )
)
def security_contradicts_file(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    written = is_secured(node)
    if node.api.secured is None or written is None or node.api.secured == written:
        return
    words = "on" if node.api.secured else "off"
    yield Hit(node.target, f"security is {words} at {node.http_address}, against the yml", at(node, SECURITY))


@about_node(
    Text(
        "name-contradicts-file",
        Severity.ERROR,
        "another node answers than the folder belongs to",
        "estui would write the files of one node for another; nothing is planned until they agree",
        "look for swapped mounts or addresses; a name that is set outside of the yml belongs into estui.yaml, under "
        "settings_elsewhere:",
        "GET /: name",
    )
)
def name_contradicts_file(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.name_stated and node.api.name and node.api.name != node.name:
        summary = f"{node.http_address} answers as {node.api.name}, the folder says {node.name}"
        yield Hit(node.target, summary, at(node, "node.name"))


@about_node(
    Text(
        "cluster-name-contradicts-file",
        Severity.WARNING,
        "the node is in a cluster of another name than its yml says",
        f"the node was not restarted since the yml changed, or its settings come from elsewhere; {_ELSEWHERE}",
        f"{_STATE}; a new name needs a restart of all nodes",
        "GET /: cluster_name",
    )
)
def cluster_name_contradicts_file(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    written = node.setting("cluster.name") or "elasticsearch"
    told = node.api.cluster_name
    if told and told != written and "${" not in written:
        yield Hit(node.target, f"runs in {told}, the yml says {written}", at(node, "cluster.name"))


@about_node(
    Text(
        "node-cannot-read-files",
        Severity.ERROR,
        "a running node cannot read one of its own TLS files",
        "it keeps what it loaded before, and refuses to start the next time",
        "mend the file that is named: its path, mode, owner or password, as the node's own host has them",
        "GET /_ssl/certificates: 500 ssl_config_exception; seen on Elasticsearch 9.1.0",
    )
)
def node_cannot_read_files(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if node.api.listed_problem:
        yield Hit(node.target, f"in its own words: {node.api.listed_problem}", f"http {node.http_address}")


@about_layer(
    Text(
        "node-sees-another-file",
        Severity.WARNING,
        "a running node sees another certificate under a name than the folder here holds",
        "what is written here does not reach the node, or not any more: the mount is stale, or that of another node",
        "compare the mount with the folder of the node's own host; mount the folder rather than the file",
        "GET /_ssl/certificates: the node reads its files anew for every answer",
    )
)
def node_sees_another_file(node: ObservedNode, layer: Layer, facts: Facts) -> Iterator[Hit]:
    leaf = disk_of(node, layer).leaf
    if leaf is None:
        return
    for named in disk_of(node, layer).named:
        if named.setting not in ("certificate", "keystore.path"):
            continue
        serials = {each.serial for each in node.api.listed or () if each.path == named.name}
        if serials and leaf.serial not in serials:
            told = f"{min(serials):x}"[:16]
            summary = f"{layer.value}: {named.name} is serial {leaf.serial_hex[:16]} here, {told} to the node"
            yield Hit(node.target, summary, at(node, ssl_key(layer, named.setting)))


@about_node(
    Text(
        "environment-placeholder",
        Severity.NOTE,
        "settings that are taken from the environment",
        "Elasticsearch puts in what its own process has; estui cannot see that",
        "write the value into the yml where it decides about security",
        "Settings.Builder.replacePropertyPlaceholders",
    )
)
def environment_placeholder(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    taken = [setting for setting in node.settings.values() if "${" in setting.text]
    if taken:
        names = listed(setting.key for setting in taken)  # a value may hold a secret after `:`
        yield Hit(node.target, f"from the environment: {names}", at(node, taken[0].key))


@about_node(
    Text(
        "settings-file-linked",
        Severity.NOTE,
        "elasticsearch.yml is a link or has several names",
        "Elasticsearch follows it; a file that is mounted by itself into a container keeps its old content there "
        "after estui has replaced it",
        "mount the folder rather than the file",
        "rename(2); Docker bind mounts of single files",
    )
)
def settings_file_linked(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    yml = node.files.get(NODE_YML)
    if yml is not None and (yml.link is not None or yml.links > 1):
        what = f"a link to {yml.link}" if yml.link else f"one of {yml.links} names of the same file"
        yield Hit(node.target, f"{NODE_YML} is {what}", at_file(node, NODE_YML))


@about_node(
    Text(
        "file-mounted-alone",
        Severity.WARNING,
        "a single file of the configuration folder is a mount by itself",
        "elasticsearch-keystore and estui cannot replace it: Device or resource busy; and whoever replaces it outside "
        "of the container leaves the old one inside",
        "mount the folder rather than the file",
        "rename(2): EBUSY; Elasticsearch in Docker (elastic.co documentation)",
    )
)
def file_mounted_alone(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    for name, state in node.files.items():
        if state.mounted and state.kind is FileKind.FILE:
            yield Hit(node.target, f"{name} is a mount", at_file(node, name))


RULES = (
    not_loaded,
    handshake_fails,
    names_narrower,
    chain_incomplete,
    transport_tls_half_way,
    port_contradicts_file,
    security_contradicts_file,
    name_contradicts_file,
    cluster_name_contradicts_file,
    node_cannot_read_files,
    node_sees_another_file,
    environment_placeholder,
    settings_file_linked,
    file_mounted_alone,
)
