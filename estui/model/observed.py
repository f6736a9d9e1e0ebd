"""What was seen: the folders' files, the ports' answers, the APIs' bodies."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from estui.model.certificate import CertificateFacts
from estui.model.finding import Finding
from estui.model.image import FileKind as FileKind  # what stands under a name is observed
from estui.model.inventory import Address, BeatEntry, Inventory, KibanaEntry, Layer, NodeEntry
from estui.model.rollover import Client, RolloverState
from estui.model.rung import Rung as Rung  # what is observed of a node ends in its rung
from estui.model.setting import Setting
from estui.model.version import Version
from estui.model.views import Desired


@dataclass(frozen=True)
class FileState:
    """One name in a folder, without following a link. Mode is the low 12 bits."""

    kind: FileKind
    content: bytes = field(default=b"", repr=False)
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str | None = None
    links: int = 1
    """Count of hard links."""
    error: str = ""
    """Why it could not be read, in words; empty where it could."""
    changed_s: float = field(default=0.0, compare=False)
    """Last change of the content, of a link: its making; seconds since the epoch, 0 where that is not known."""
    mounted: bool = field(default=False, compare=False)
    """Whether the file is a mount by itself, so that no other can take its place."""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def exists(self) -> bool:
        return self.kind is not FileKind.ABSENT


ABSENT = FileState(FileKind.ABSENT)


@dataclass(frozen=True)
class KeystoreFacts:
    """`elasticsearch.keystore` or `kibana.keystore`: names, never values."""

    present: bool
    version: int | None = None
    """Format version of the file (Elasticsearch: 3 to 7; a Beat: 1, and 2 of a FIPS build)."""
    protected: bool = False
    opened: bool = False
    """Whether its content could be read; False with `protected` means that its password is needed."""
    names: tuple[str, ...] = ()
    entries_digest: str = ""
    """Digest over the entries without `keystore.seed`, keyed so that it tells nothing about the values."""
    error: str = ""
    digests: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Keyed digest of each entry but `keystore.seed`, by name: equal ones have equal values, nothing else is told."""
    not_text: tuple[str, ...] = ()
    """Entries of `kibana.keystore` whose value is a number or another JSON value rather than text."""


class PortState(StrEnum):
    """What a port did when asked."""

    TLS = "TLS"
    PLAIN = "plain text"
    REFUSED = "refused"
    TIMED_OUT = "timed out"
    UNREACHABLE = "unreachable"
    SILENT = "closed without an answer"
    NOT_ASKED = "not asked"


@dataclass(frozen=True)
class Served:
    """Answer of one port to a fresh connection."""

    address: Address | None
    state: PortState
    detail: str = ""
    tls_version: str = ""
    cipher: str = ""
    chain: tuple[CertificateFacts, ...] = ()
    client_certificate: str = ""
    """`demanded` where the peer refused us for want of one; empty where it did not or cannot be told."""
    asks_certificate: bool = False
    """Whether the peer asked for a client certificate in its handshake, demanding it or not."""

    @property
    def leaf(self) -> CertificateFacts | None:
        return self.chain[0] if self.chain else None


NOT_ASKED = Served(None, PortState.NOT_ASKED)


@dataclass(frozen=True)
class Member:
    """A node as the cluster itself names it (`GET /_nodes/http,transport,jvm`)."""

    name: str
    version: str = ""
    roles: tuple[str, ...] = ()
    http: str = ""
    """Publish address, `host:port`; with a host name `name/ip:port`."""
    transport: str = ""
    started_ms: int = 0
    """JVM start, milliseconds since the epoch: what tells a restart."""


@dataclass(frozen=True)
class Health:
    """`GET /_cluster/health`."""

    status: str
    nodes: int
    data_nodes: int
    unassigned_shards: int = 0


@dataclass(frozen=True)
class DiskUse:
    """Disk of a data node (`GET /_cat/allocation`), in bytes."""

    node: str
    total: int
    available: int


@dataclass(frozen=True)
class ApiFacts:
    """What one node's HTTP API told."""

    reachable: bool
    status: int = 0
    """HTTP status of `GET /`; 0 where there was no HTTP answer."""
    detail: str = ""
    secured: bool | None = None
    """True where a 401 with `WWW-Authenticate` came, False where an anonymous request was served."""
    authenticated_as: str = ""
    name: str = ""
    cluster_name: str = ""
    cluster_uuid: str = ""
    version: Version | None = None
    members: tuple[Member, ...] = ()
    health: Health | None = None
    allocation: str = ""
    """`cluster.routing.allocation.enable` of the cluster settings, empty where it is not set or was not told."""
    licence: str = ""
    """Type of the licence, with its state unless that is `active`; empty where it was not told."""
    without_password: tuple[str, ...] | None = None
    """Built-in users that never got a password; None where we may not ask."""
    listed: tuple[SeenFile, ...] | None = None
    """Certificates of the files that this node was started with, as it reads them now; None where it was not told."""
    listed_problem: str = ""
    """Why the node cannot list them, in its own words."""
    disabled: tuple[str, ...] | None = None
    """Built-in users that are switched off; None where we may not ask."""
    disks: tuple[DiskUse, ...] = ()
    """Disks of the data nodes, as far as the node tells them."""
    watermark: str = ""
    """`cluster.routing.allocation.disk.watermark.low` of the cluster settings, such as `85%`; empty where nobody set it
    there or it was not told."""


NO_API = ApiFacts(reachable=False)


@dataclass(frozen=True)
class SeenFile:
    """A certificate as a node lists it (`GET /_ssl/certificates`): it reads its files anew for every answer."""

    path: str
    """As in the settings that the node was started with."""
    serial: int
    has_key: bool = False


class Fault(StrEnum):
    """Why a file that a yml names cannot be used."""

    OUTSIDE = "outside"
    """It lies, or its link leads, outside the configuration folder."""
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not a file"
    PASSWORD = "password"  # noqa: S105 - a word, not a secret
    """Its password or passphrase is wrong or missing."""
    FOREIGN = "foreign"
    """A store that estui can list in part only (JCEKS with secret keys)."""
    BROKEN = "broken"


@dataclass(frozen=True)
class NamedFile:
    """One file that a TLS context names: by which setting, and what is known of it."""

    setting: str
    """Last part of the setting: `certificate`, `key`, `certificate_authorities`, `keystore.path`, `truststore.path`."""
    name: str
    """As written in the yml."""
    relative: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    fault: Fault | None = None
    detail: str = ""
    """The fault in words."""
    format: str = ""
    """`PKCS12`, `JKS`, `PEM` or `DER`, by its first bytes."""
    keys: int = 0
    """Private keys in it, as far as it could be opened."""
    trusted: int = 0
    """Trusted entries of a store."""
    authority_keys: tuple[str, ...] = ()
    """Subjects of the CAs whose private key is in a store."""
    authorities: tuple[CertificateFacts, ...] = ()
    """Certificates of those CAs."""
    key_type: str = ""
    """Kind of its private key, in the words of `KeyType` where there is one; empty where there is none."""
    clear_key: bool = False
    """A PKCS#12 store whose key lies in it without encryption, where Java does not see it."""


@dataclass(frozen=True)
class OnDisk:
    """Certificates that one TLS context of a yml names, as its files hold them now."""

    enabled: bool = False
    leaf: CertificateFacts | None = None
    chain: tuple[CertificateFacts, ...] = ()
    trusted: tuple[CertificateFacts, ...] = ()
    files: tuple[str, ...] = ()
    """Paths as written in the yml."""
    managed: bool = False
    """Whether the files are a set of estui's own."""
    key_sha256: str = ""
    """Digest of the public half of the private key, where the key could be read."""
    problem: str = ""
    named: tuple[NamedFile, ...] = ()
    """The files behind `files`, once for each setting that names one."""


@dataclass(frozen=True)
class DataFolder:
    """A node's `path.data` as far as it can be seen from here."""

    path: str
    """As its yml has it, or the default."""
    seen: bool = False
    has_state: bool = False
    """A node was started on it."""
    cluster_uuid: str = ""
    """Of the cluster that this node joined or formed: `_na_` where it did neither, empty where it is not told."""
    before_8: bool = False
    """A release before 8.0 wrote it last: 8.0 and later move its state at their first start."""


@dataclass(frozen=True)
class ObservedNode:
    """One Elasticsearch node: its folder, its ports, its API."""

    entry: NodeEntry
    name: str
    """`node.name` of the yml, else of the inventory, else of the API, else empty."""
    name_stated: bool
    """Whether the name is written down (yml or inventory) rather than a default."""
    files: Mapping[str, FileState]
    """The files of interest, by path relative to the configuration folder, `/` between parts."""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    keystore: KeystoreFacts = KeystoreFacts(present=False)
    disk: Mapping[Layer, OnDisk] = field(default_factory=dict)
    http_address: Address | None = None
    transport_address: Address | None = None
    served: Mapping[Layer, Served] = field(default_factory=dict)
    api: ApiFacts = NO_API
    version: Version | None = None
    version_source: str = ""
    rung: Rung = Rung.UNKNOWN
    problems: tuple[Finding, ...] = ()
    """What stops a plan for this node: unreadable folder, broken yml, another product's folder."""
    extra: tuple[tuple[str, OnDisk], ...] = ()
    """TLS contexts beside the two layers, by name (`realm/ldap/ldap1`, `remote_cluster_server`): never changed here."""
    data: DataFolder | None = None
    """None where nobody looked, as where the configuration folder cannot be read."""

    @property
    def target(self) -> str:
        return self.name or self.entry.config

    def setting(self, key: str) -> str | None:
        """Text of an effective setting, None where it is not set."""
        found = self.settings.get(key)
        return found.text if found else None

    def port(self, layer: Layer) -> Served:
        return self.served.get(layer, NOT_ASKED)


@dataclass(frozen=True)
class ObservedKibana:
    """One Kibana instance: its folder and its port."""

    entry: KibanaEntry
    name: str
    files: Mapping[str, FileState]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    keystore: KeystoreFacts = KeystoreFacts(present=False)
    disk: OnDisk = OnDisk()
    """Of `server.ssl`."""
    trust: OnDisk = OnDisk()
    """Of `elasticsearch.ssl`: the CAs that this instance trusts when it talks to Elasticsearch."""
    address: Address | None = None
    served: Served = NOT_ASKED
    status: str = ""
    """Level of `GET /api/status` (`available`, `degraded`, …), empty where it did not answer."""
    version: Version | None = None
    problems: tuple[Finding, ...] = ()
    shared: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Settings that all instances of a cluster have in common, as far as this one has them: each with a keyed digest of
    its value, empty where that comes from the environment."""

    @property
    def target(self) -> str:
        return f"kibana/{self.name}"

    def setting(self, key: str) -> str | None:
        found = self.settings.get(key)
        return found.text if found else None


@dataclass(frozen=True)
class ObservedBeat:
    """One Beat: its folder."""

    entry: BeatEntry
    name: str
    files: Mapping[str, FileState]
    settings: Mapping[str, Setting] = field(default_factory=dict)
    problems: tuple[Finding, ...] = ()
    trust: OnDisk = OnDisk()
    """Of `output.elasticsearch.ssl`, as far as its files lie in the mounted folder."""
    kind: str = ""
    """`metricbeat`, `filebeat`, …: its yml and its keystore are called so."""
    keystore: KeystoreFacts = KeystoreFacts(present=False)
    """The keystore that its yml means: in the configuration folder, else in the data folder where that is mounted."""
    keystore_in_data: bool = False
    """That keystore lies in the data folder, where estui writes nothing."""
    altered: tuple[tuple[str, str], ...] = ()
    """Entries of the keystore that would not arrive as they are, and why."""
    modules: Mapping[str, Mapping[str, Setting]] = field(default_factory=dict)
    """Settings of the files in `modules.d` that are switched on, by path."""
    version: Version | None = None

    @property
    def target(self) -> str:
        return f"beat/{self.name}"

    @property
    def yml(self) -> str:
        return f"{self.kind}.yml"

    def setting(self, key: str) -> str | None:
        found = self.settings.get(key)
        return found.text if found else None


@dataclass(frozen=True)
class AuthorityFacts:
    """A certificate authority of the workspace."""

    name: str
    certificate: CertificateFacts
    has_key: bool
    issued: int = 0
    """Count of leaves issued so far."""
    earlier: tuple[str, ...] = ()
    """SHA-256 of its certificates before it was renewed with the same key."""

    @property
    def digests(self) -> tuple[str, ...]:
        """SHA-256 of every certificate of this CA and key: whoever trusts one of them trusts its leaves."""
        return (self.certificate.sha256, *self.earlier)


@dataclass(frozen=True)
class ImportedLeaf:
    """A leaf of an external CA that was imported for one set of one target; its key lies in the workspace."""

    csr: str
    """Id of the set of requests that it answers."""
    target: str
    set_name: str
    authority: str
    """Name in the workspace of the CA at the end of its chain."""
    chain: tuple[CertificateFacts, ...]
    """Leaf, then intermediates."""

    @property
    def leaf(self) -> CertificateFacts:
        return self.chain[0]


@dataclass(frozen=True)
class ClientFacts:
    """A client certificate that the workspace issued: estui's own, or somebody's."""

    name: str
    certificate: CertificateFacts
    authority: str = "client"
    roles: tuple[str, ...] = ()
    """Roles that the PKI realm gives its owner."""
    has_key: bool = False
    """Whether the workspace keeps the key: only of estui's own."""

    @property
    def target(self) -> str:
        return f"client/{self.name}"


@dataclass(frozen=True)
class Observed:
    """Everything that was looked at, at one time."""

    inventory: Inventory
    nodes: tuple[ObservedNode, ...]
    kibana: tuple[ObservedKibana, ...] = ()
    beats: tuple[ObservedBeat, ...] = ()
    authorities: tuple[AuthorityFacts, ...] = ()
    imported: tuple[ImportedLeaf, ...] = ()
    """Leaves of external CAs that wait in the workspace or are in use already, oldest first."""

    rollover: RolloverState | None = None
    """The rollover that the workspace is in, if any."""

    desired: Desired | None = None
    """What the runs of the workspace left on the targets; None where there was none yet."""

    clients: tuple[ClientFacts, ...] = ()
    """Client certificates of the workspace, by name."""

    connected: tuple[Client, ...] | None = None
    """Who talks to the HTTP layer, as the nodes tell, with what was ticked; None where nobody asked."""

    @property
    def things(self) -> tuple[ObservedNode | ObservedKibana, ...]:
        """Nodes, then Kibana instances."""
        return (*self.nodes, *self.kibana)

    @property
    def cluster_uuid(self) -> str:
        """UUID that the first answering node gave, or empty."""
        return next((node.api.cluster_uuid for node in self.nodes if node.api.cluster_uuid), "")

    def node(self, name: str) -> ObservedNode | None:
        return next((node for node in self.nodes if node.target == name), None)
