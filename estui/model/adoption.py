"""What is there already, by its certificate authorities: who signed what, who trusts whom, where the keys are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from estui.model.certificate import CertificateFacts
from estui.model.observed import ObservedBeat, ObservedKibana, ObservedNode, OnDisk

Thing = ObservedNode | ObservedKibana | ObservedBeat


def contexts_of(thing: Thing) -> dict[str, OnDisk]:
    """The TLS contexts of a target by name: layers and realms of a node; `server` of Kibana; `elasticsearch`, towards
    it."""
    if isinstance(thing, ObservedNode):
        return {layer.value: disk for layer, disk in thing.disk.items()} | dict(thing.extra)
    if isinstance(thing, ObservedKibana):
        return {"server": thing.disk, "elasticsearch": thing.trust}
    return {"elasticsearch": thing.trust}


@dataclass(frozen=True)
class FoundFile:
    """A file that was opened to look for CAs: one that no yml names, a JKS store, or one that was given."""

    path: str
    """As this host sees it."""
    name: str
    """Relative to the configuration folder; of a given file as it was given."""
    target: str = ""
    """Whose folder it lies in; empty for a given file."""
    format: str = ""
    """`PKCS12`, `JKS`, `PEM` or `DER`."""
    authorities: tuple[CertificateFacts, ...] = ()
    """CA certificates in it, those with a key first."""
    keys: tuple[str, ...] = ()
    """Digest of the public half of each private key in it that belongs to no leaf of the same file."""
    clear: bool = False
    """Whether its keys can be read without a password."""
    closed: tuple[str, ...] = ()
    """Digests of public halves of keys that are in it and stay closed, as in a JKS store."""
    aliases: tuple[str, ...] = ()
    """Entries of a JKS store, by name."""
    problem: str = ""
    """Why it could not be read, in words."""
    hint: str = ""
    tried: tuple[str, ...] = ()
    """Passwords that did not open it: by the setting that has them, never the value."""

    @property
    def given(self) -> bool:
        return not self.target

    @property
    def shown(self) -> str:
        """`certs/ca/ca.key of es-1`."""
        return f"{self.name} of {self.target}" if self.target else self.name


@dataclass(frozen=True, order=True)
class Use:
    """One TLS context of one target."""

    target: str
    context: str


@dataclass(frozen=True)
class FilePlace:
    """A file that holds the private key of a CA, or its certificate."""

    path: str
    name: str
    target: str = ""
    setting: str = ""
    """The setting that names the file, by its last part; empty where none does."""
    clear: bool = False
    """It can be read there without a password."""


@dataclass(frozen=True)
class SignedLeaf:
    """A leaf and everyone who uses this very certificate."""

    certificate: CertificateFacts
    uses: tuple[Use, ...]


class Way(StrEnum):
    """What is possible with a CA that was found."""

    ROTATE = "rotate"
    """It is in the workspace with its key."""
    IMPORT = "import"
    """Its key is at hand: new leaves from the same CA, once it is imported."""
    RENEW = "renew"
    """Its key is at hand, and it cannot sign as it is: it expired."""
    BARRED = "barred"
    """Its key is at hand, but it may not sign: its KeyUsage, no CA flag, or it is not valid yet."""
    CONVERT = "convert"
    """Its key is in a JKS store."""
    EXTERNAL = "external"
    """Its key is elsewhere, and the chain has an intermediate: a corporate CA, which gets certificate requests."""
    NEW_CA = "new-ca"
    """Its key is not here."""
    NONE = "none"
    """It signs nothing here, and its key is not here."""


@dataclass(frozen=True)
class ReportedAuthority:
    """One CA by subject and key, in however many files its certificates and its key are."""

    certificate: CertificateFacts
    """The one that ends last."""
    way: Way
    earlier: tuple[CertificateFacts, ...] = ()
    """Other certificates of the same subject and key."""
    leaves: tuple[SignedLeaf, ...] = ()
    signs: tuple[str, ...] = ()
    """Subjects of the CAs that it signed."""
    trusted: tuple[Use, ...] = ()
    keys: tuple[FilePlace, ...] = ()
    closed: tuple[str, ...] = ()
    """JKS stores that hold its key, as shown."""
    files: tuple[FilePlace, ...] = ()
    """Files that no yml names and that hold its certificate."""
    weak: tuple[str, ...] = ()
    workspace: str = ""
    """Its name in the workspace; empty where it is not there."""
    has_key: bool = False
    """Whether the workspace has its key."""
    given: bool = False
    """Whether it came from a file that was given."""

    @property
    def contexts(self) -> frozenset[str]:
        """Contexts whose leaves it signs."""
        return frozenset(use.context for leaf in self.leaves for use in leaf.uses)

    @property
    def in_use(self) -> bool:
        return bool(self.leaves or self.signs or self.trusted)


@dataclass(frozen=True)
class UnknownIssuer:
    """Leaves whose issuer's certificate is in no file that was seen."""

    subject: str
    leaves: tuple[SignedLeaf, ...]


@dataclass(frozen=True)
class Unread:
    """A file, or a whole folder, that told nothing or not all."""

    place: str
    problem: str
    hint: str = ""


@dataclass(frozen=True)
class AdoptionReport:
    """Everything that `estui adopt` found."""

    authorities: tuple[ReportedAuthority, ...]
    unknown: tuple[UnknownIssuer, ...] = ()
    self_signed: tuple[SignedLeaf, ...] = ()
    """Leaves without any CA."""
    unread: tuple[Unread, ...] = ()
    passed_over: int = 0
    """CA certificates in files that no yml names, which sign and are trusted nowhere here."""


class Outcome(StrEnum):
    """What an import does with one CA."""

    WITH_KEY = "with key"
    CERTIFICATE = "certificate only"
    KEY_ADDED = "key added"
    """The certificate is in the workspace already."""
    THERE = "already there"
    UNUSED = "not in use"
    """Nobody asked for it by name."""


@dataclass(frozen=True)
class Import:
    """One CA, what an import does with it, and under which name."""

    authority: ReportedAuthority
    name: str
    outcome: Outcome

    @property
    def with_key(self) -> bool:
        return self.outcome in (Outcome.WITH_KEY, Outcome.KEY_ADDED)

    @property
    def writes(self) -> bool:
        return self.outcome not in (Outcome.THERE, Outcome.UNUSED)
