"""What the operator wants."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estui.model.inventory import StoreFormat
from estui.model.rung import Rung


class Scenario(StrEnum):
    """A rung to climb to, in the words of the command line."""

    MINIMAL = "minimal"
    BASIC = "basic"
    HTTPS = "https"
    MUTUAL = "mutual"

    @property
    def rung(self) -> Rung:
        return Rung(self.value)

    @property
    def label(self) -> str:
        return self.rung.label


@dataclass(frozen=True)
class Rotation:
    """New leaves from the same CAs, for managed sets that are there."""

    due_only: bool = False
    """Only what falls inside the renewal window of the policy."""
    sets: tuple[str, ...] = ()
    """`transport`, `http`, `server`, `client`; empty means every set that holds a leaf."""
    fresh_names: bool = False
    """SANs as the inventory and the addresses of today want them, instead of those of the leaf in use."""
    new_store_password: bool = False
    """PKCS#12 sets of nodes only, each in stores with a new password, which takes a restart."""


class Phase(StrEnum):
    """A phase of a rollover, in the only order that keeps everyone connected."""

    TRUST = "trust"
    """Everyone trusts the old CA and its successor."""
    SWITCH = "switch"
    """Leaves come from the successor."""
    DROP = "drop"
    """The old CA is trusted no longer."""
    PROOF = "proof"
    """After a leak only: every node restarts once, since connections that are open keep the old trust."""

    @property
    def label(self) -> str:
        return {
            "trust": "trust both",
            "switch": "switch leaves",
            "drop": "drop the old CA",
            "proof": "restart every node once",
        }[self.value]


@dataclass(frozen=True)
class Rollover:
    """One phase of the way to a new CA."""

    id: str
    phase: Phase
    successors: tuple[tuple[str, str], ...]
    """CA in force and its successor, such as `("http", "http-2")`."""
    leaked: bool = False
    """A key is in foreign hands: all phases in one sitting, clients are not waited for."""

    @property
    def phases(self) -> tuple[Phase, ...]:
        """Its phases in order."""
        return tuple(phase for phase in Phase if self.leaked or phase is not Phase.PROOF)


@dataclass(frozen=True)
class NewPasswords:
    """New passwords of built-in users, and of whoever logs in with them."""

    users: tuple[str, ...]
    by_file: bool = False
    """Through a temporary superuser of the file realm, also where somebody could log in."""


class Demand(StrEnum):
    """Whether nodes want a certificate of whoever talks to their HTTP layer (`client_authentication`)."""

    NONE = "none"
    OPTIONAL = "optional"
    """Asked for, and checked where one comes."""
    REQUIRED = "required"


@dataclass(frozen=True)
class MutualTls:
    """How far mutual TLS on HTTP goes; None leaves a part as it stands."""

    demand: Demand | None = None
    """Where nothing stands yet, None means `optional`."""
    realm: bool | None = None
    """Whether certificates log people in: a PKI realm of estui's own."""


@dataclass(frozen=True)
class KibanaWish:
    """What every Kibana that the goal covers gets beside what the scenario asks for."""

    token: bool = False
    """A service account token in place of the user `kibana_system`."""
    keys: bool = False
    """Encryption keys that are missing."""
    hosts: tuple[str, ...] = ()
    """Further nodes that it asks."""


class KeystoreEdit(StrEnum):
    """What is done to secure settings."""

    SET = "set"
    REMOVE = "remove"
    PROTECT = "protect"
    """A password of the file is set or changed."""
    UNPROTECT = "unprotect"


@dataclass(frozen=True)
class SecureEdit:
    """One change of `elasticsearch.keystore`, on every node that the goal covers."""

    edit: KeystoreEdit
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Goal:
    """A scenario and how to reach it; with a rotation or a rollover, new leaves on the rung that is there."""

    scenario: Scenario
    format: StoreFormat | None = None
    """None takes what is there, else the policy's."""
    only: tuple[str, ...] = ()
    """Targets to touch; empty means all."""
    expect_nodes: int | None = None
    """Stated number of nodes of a cluster that is down."""
    rotation: Rotation | None = None
    rollover: Rollover | None = None
    external: bool = False
    """Leaves that an external CA issued, as they were imported."""
    joins: tuple[str, ...] = ()
    """Nodes of the inventory that are to become members of a cluster that is secured already."""
    passwords: NewPasswords | None = None
    secure: SecureEdit | None = None
    fix: str = ""
    """A rule of the doctor whose findings are to go."""
    mutual: MutualTls | None = None
    """With the scenario mutual TLS; None asks for certificates without demanding them."""
    kibana: KibanaWish | None = None

    @property
    def label(self) -> str:
        """The goal in words, for titles."""
        if self.rollover:
            return f"new CA: {self.rollover.phase.label}"
        if self.joins:
            return f"{', '.join(self.joins)} joins, {self.scenario.label}"
        if self.passwords:
            return f"new passwords of {', '.join(self.passwords.users)}"
        if self.fix:
            return f"fix {self.fix}"
        if self.secure:
            named = ", ".join(self.secure.names) or "elasticsearch.keystore"
            return f"secure settings: {self.secure.edit.value} {named}"
        if self.external:
            return "certificates of an external CA"
        if self.rotation:
            return "new certificates, same CA"
        demand = self.mutual.demand if self.mutual else None
        if demand is Demand.NONE:
            return f"{self.scenario.label} off"
        return f"{self.scenario.label}, {demand.value}" if demand else self.scenario.label
