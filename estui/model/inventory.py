"""The inventory: which folders belong to which cluster, and the policy for what estui writes there.

`formats/inventory.py` reads and writes it as `estui.yaml`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from estui.model.version import Version


class Layer(StrEnum):
    """One of the two ports of an Elasticsearch node that speak TLS."""

    TRANSPORT = "transport"
    HTTP = "http"


class StoreFormat(StrEnum):
    """How certificates and keys are written on a node."""

    PEM = "pem"
    PKCS12 = "pkcs12"


class KeyType(StrEnum):
    """Kind and size of a private key; Elasticsearch refuses Ed25519 (real-elasticsearch.md §0.13)."""

    EC_P256 = "ec-p256"
    RSA_2048 = "rsa-2048"
    RSA_3072 = "rsa-3072"
    RSA_4096 = "rsa-4096"


@dataclass(frozen=True, order=True)
class Address:
    """A host name or IP address and a TCP port."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@dataclass(frozen=True)
class Commands:
    """Commands of one service, as argument lists that are run without a shell; empty where there is none."""

    stop: tuple[str, ...] = ()
    start: tuple[str, ...] = ()
    restart: tuple[str, ...] = ()


@dataclass(frozen=True)
class StatedSetting:
    """A setting, or a variable, that a process gets from outside its yml, as the operator states it."""

    key: str
    """Dotted name of the setting, or name of the variable."""
    value: str
    where: str = ""
    """Where it is set, in the operator's words: `docker-compose.yml`."""
    place: str = field(default="", compare=False)
    """`estui.yaml:12: nodes[0].environment.…`, for messages."""


@dataclass(frozen=True)
class NodeEntry:
    """One Elasticsearch node of the inventory; what is None is read from its folder."""

    config: str
    """Configuration folder as this host sees it, absolute."""
    name: str | None = None
    http: Address | None = None
    transport: Address | None = None
    names: tuple[str, ...] = ()
    """Further SANs of the HTTP leaf, such as a load balancer."""
    version: Version | None = None
    tags: tuple[str, ...] = ()
    commands: Commands = Commands()
    settings_elsewhere: tuple[StatedSetting, ...] = ()
    """Settings that its process gets by other ways than the yml (`-E`), which win over it."""
    environment: tuple[StatedSetting, ...] = ()
    """Variables of its process: for `${NAME}` in the yml, and those that a container turns into settings."""
    logs: str | None = None
    """The node's log folder as this host sees it, absolute: read while a gate waits, and shown where it fails."""


@dataclass(frozen=True)
class KibanaEntry:
    """One Kibana instance of the inventory."""

    config: str
    name: str | None = None
    http: Address | None = None
    on_host: str | None = None
    """The configuration folder as the instance itself sees it."""
    data: str | None = None
    names: tuple[str, ...] = ()
    version: Version | None = None
    commands: Commands = Commands()
    settings_elsewhere: tuple[StatedSetting, ...] = ()
    """Settings that its process gets by arguments (`--server.port`), which win over the yml."""
    environment: tuple[StatedSetting, ...] = ()
    """Variables of its process, as of a node."""
    logs: str | None = None
    """Its log folder as this host sees it, absolute."""


class BeatTrust(StrEnum):
    """How a Beat is told whom to trust."""

    FILE = "file"
    """A file with the CA, which every version reads."""
    FINGERPRINT = "fingerprint"
    """The CA's SHA-256 in the yml; Beats 7.17 ignore it without a word (beats.md §2)."""


class BeatLogin(StrEnum):
    """What a Beat logs in with, where estui gives it its login."""

    USER = "user"
    """A user of its own, with a password."""
    API_KEY = "api_key"
    """A key, which is made once the nodes speak HTTPS."""


@dataclass(frozen=True)
class BeatEntry:
    """One Beat of the inventory."""

    config: str
    name: str | None = None
    kind: str | None = None
    on_host: str | None = None
    data: str | None = None
    commands: Commands = Commands()
    version: Version | None = None
    trust: BeatTrust = BeatTrust.FILE
    login: BeatLogin = BeatLogin.USER
    logs: str | None = None
    """Its log folder as this host sees it, absolute."""


@dataclass(frozen=True)
class Policy:
    """What new keys, leaves and authorities look like. Durations in days."""

    transport_key: KeyType = KeyType.EC_P256
    http_key: KeyType = KeyType.EC_P256
    ca_key: KeyType = KeyType.EC_P256
    leaf_days: int = 397
    ca_days: int = 3650
    renew_before_days: int = 30
    format: StoreFormat = StoreFormat.PEM


@dataclass(frozen=True)
class Limits:
    """How long a run waits for what should happen by itself. Seconds."""

    command_seconds: float = 120
    """For one of the inventory's own commands to end."""
    start_seconds: float = 180
    """For a node that was started to answer as it should."""
    stop_seconds: float = 120
    """For a port to close after a command that stops its service."""


@dataclass(frozen=True)
class CredentialFiles:
    """Names of files that hold credentials for a secured cluster; never the values themselves."""

    user: str | None = None
    password_file: str | None = None
    api_key_file: str | None = None


@dataclass(frozen=True)
class Inventory:
    """A whole `estui.yaml`."""

    cluster: str
    nodes: tuple[NodeEntry, ...]
    kibana: tuple[KibanaEntry, ...] = ()
    beats: tuple[BeatEntry, ...] = ()
    policy: Policy = Policy()
    production: bool = False
    read_only: bool = False
    expect_nodes: int | None = None
    folder: str = "estui"
    """Name of the folder that estui owns inside each configuration folder."""
    credentials: CredentialFiles = CredentialFiles()
    keystore_password: str | None = None
    """File with the password of `elasticsearch.keystore`, where that is protected."""
    limits: Limits = Limits()
    groups: tuple[str, ...] = ()
    """Tags in the order in which nodes are restarted one by one: the nodes of one zone before those of the next."""
    lines: tuple[tuple[str, int], ...] = field(default=(), compare=False)
    """Line of each entry in `estui.yaml` (`nodes[0]`, `kibana[1]`), for messages."""

    def commands(self) -> Iterator[tuple[str, ...]]:
        """Every command that the inventory names, in file order."""
        entries: tuple[NodeEntry | KibanaEntry | BeatEntry, ...] = (*self.nodes, *self.kibana, *self.beats)
        for entry in entries:
            for command in (entry.commands.stop, entry.commands.start, entry.commands.restart):
                if command:
                    yield command
