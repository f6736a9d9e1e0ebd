"""Files with names of their own, made anew: the bytes that replace what a set-up without estui has under its names.

Owns what stays of the old file (alias, passphrase, password, everything trusted); writing and switching is
`prepare.py`'s and `commit.py`'s. Which files a change replaces is told by `decide/fixed.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from cryptography import x509

from estui.act.context import Context
from estui.act.items import KIBANA_KEYSTORE, NODE_KEYSTORE
from estui.act.pins import follow
from estui.decide.authorities import SERVER_SET
from estui.decide.fixed import KEYSTORE, LEAF_ROLES, TRUST_ROLES, written_files
from estui.errors import ApplyError, Location
from estui.formats import pem, pkcs12
from estui.formats.es_keystore import read_secure_settings
from estui.formats.kibana_keystore import read_kibana_keystore
from estui.formats.yml import parse_settings
from estui.model.observed import FileState
from estui.model.plan import LeafRequest, Place, PublishSet
from estui.observe.certificates import TlsFiles, kibana_tls, node_tls, serving_entry
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey
from estui.secret import Secret

Trusted = Sequence[tuple[str, x509.Certificate]]
"""CAs by their names in the workspace."""


@dataclass(frozen=True)
class NewLeaf:
    """A leaf that was just issued or imported, with its key and its CA."""

    key: PrivateKey = field(repr=False)
    leaf: x509.Certificate
    issuer: x509.Certificate
    intermediates: tuple[x509.Certificate, ...] = ()
    """Between the leaf and its CA, where an external one signs through others."""

    @property
    def above(self) -> tuple[x509.Certificate, ...]:
        """Every CA above the leaf, in order."""
        return (*self.intermediates, self.issuer)


@dataclass
class FixedName:
    """One file: the name that the plan has for it, where that leads, and every setting that means it."""

    named: str
    found: str
    shown: str
    state: FileState = field(repr=False)
    uses: list[tuple[PublishSet, str]] = field(default_factory=list)
    """Changes and the roles that the file has for them, also those that are not replaced."""
    written: bool = False

    @property
    def roles(self) -> set[str]:
        return {role for _, role in self.uses}

    @property
    def first(self) -> PublishSet:
        return self.uses[0][0]


Find = Callable[[str], tuple[str, FileState]]


def fixed_names(changes: Sequence[PublishSet], find: Find, root: str) -> list[FixedName]:
    """The files of these changes of one target, each once, in the order of their renames: what is trusted first, then
    each certificate and its key together.

    Raises ApplyError: one that is missing, or that leads out of the folder.
    """
    by_place: dict[str, FixedName] = {}
    order: list[tuple[bool, str]] = []
    for change in changes:
        written = set(written_files(change))
        for each in (*written_files(change), *change.fixed):
            found, state = find(each.path)
            shown = f"{root}/{each.path}"
            if not state.exists:
                raise ApplyError("does not exist", location=Location(shown), hint="plan again")
            name = by_place.setdefault(found, FixedName(each.path, found, shown, state))
            if (change, each.role) not in name.uses:
                name.uses.append((change, each.role))
            if each in written and not name.written:
                name.written = True
                order.append((each.role in LEAF_ROLES, found))
    return [by_place[found] for _, found in sorted(order, key=lambda each: each[0])]


def leaf_requests(name: FixedName) -> dict[str, LeafRequest]:
    """The leaf to be issued into a file, by the sets that use it; they share it. Empty where its leaf stays.

    Raises ApplyError: settings that mean one file by two names, so that the plan took it for two.
    """
    wanted = {change.set_name: change.request for change, role in name.uses if role in LEAF_ROLES and change.request}
    if len({replace(request, set_name="") for request in wanted.values()}) > 1:
        raise ApplyError(
            f"is one file for {' and '.join(wanted)}, which the yml names in two ways",
            location=Location(name.shown),
            hint="give all settings the same name for it, then plan again",
        )
    return wanted


def trust_of(name: FixedName) -> tuple[str, ...]:
    """Workspace CAs that a file has to trust from now on; empty where what it trusts stays."""
    found: dict[str, None] = {}
    for change, role in name.uses:
        elsewhere = any(each.role in TRUST_ROLES for each in change.fixed)
        if role in TRUST_ROLES or (role == KEYSTORE and not elsewhere):
            found |= dict.fromkeys(change.trust)
    return tuple(found)


@dataclass
class Target:
    """What a target's yml and secure settings say about its TLS files; both are read when they are needed first."""

    context: Context
    place: Place

    def tls(self, set_name: str) -> TlsFiles:
        """Raises StoreError: the secure settings cannot be opened; SettingsError, ApplyError: nor the yml."""
        if set_name == SERVER_SET:
            settings = parse_settings(self._content("kibana.yml"), f"{self.place.root}/kibana.yml")
            return kibana_tls("server.ssl", settings, self._kibana_secrets(), enabled=True)
        settings = parse_settings(self._content("elasticsearch.yml"), f"{self.place.root}/elasticsearch.yml")
        secrets, prefix = self._node_secrets(), f"xpack.security.{set_name}.ssl"
        found = node_tls(prefix, settings, secrets)
        clear = settings.get(f"{prefix}.keystore.key_password")
        of_key = secrets.get(f"{prefix}.keystore.secure_key_password") or (Secret(clear.text) if clear else None)
        if of_key is not None and of_key != (found.keystore_password or Secret("")):
            raise ApplyError(
                f"the key of the {set_name} keystore has a password of its own, which estui does not write",
                location=Location(f"{self.place.root}/{found.keystore}", key=f"{prefix}.keystore.secure_key_password"),
                hint="give key and store the same password (keytool -storepasswd, -keypasswd), then restart the node",
            )
        return found

    def _content(self, path: str) -> bytes:
        return follow(self.context.fs, self.place.root, path)[1].content

    def _node_secrets(self) -> Mapping[str, Secret]:
        content = self._content(NODE_KEYSTORE)
        if not content:
            return {}
        where = f"{self.place.root}/{NODE_KEYSTORE}"
        entries = read_secure_settings(content, self.context.keystore_password, where).entries
        return {name: Secret(value.decode(errors="replace")) for name, value in entries.items()}

    def _kibana_secrets(self) -> Mapping[str, Secret]:
        content = self._content(KIBANA_KEYSTORE)
        entries = read_kibana_keystore(content, None, f"{self.place.root}/{KIBANA_KEYSTORE}") if content else {}
        return {name: Secret(value) for name, value in entries.items() if isinstance(value, str)}


def content_of(name: FixedName, new: NewLeaf | None, trusted: Trusted, target: Target) -> bytes:
    """The bytes that replace a file. Without `new` its leaf and key stay, without `trusted` all that it trusts stays.

    Raises StoreError: the old file cannot be opened; ApplyError: it could not be written as it was.
    """
    if KEYSTORE in name.roles or "truststore.path" in name.roles:
        return _store(name, new, trusted, target)
    old = name.state.content
    parts = []
    if not {"certificate", "certificate_authorities"}.isdisjoint(name.roles):
        parts += [pem.certificate_pem(each) for each in _certificates(name, new, [each for _, each in trusted])]
    if "key" in name.roles:
        parts.append(_key(name, new, target) if new else _blocks(old, name.shown))
    return b"".join(parts)


def _certificates(name: FixedName, new: NewLeaf | None, trusted: Sequence[x509.Certificate]) -> list[x509.Certificate]:
    """Leaf with the CAs above it, then everything trusted, each once."""
    old = pem.load_certificates(name.state.content, name.shown)
    found: list[x509.Certificate] = []
    if "certificate" in name.roles:
        # the CA goes along, so that clients that pin its fingerprint find it in the chain
        leaf, known = (new.leaf, [*new.above, *old[1:]]) if new else (old[0], old[1:])
        found = [leaf, *pkcs12.issuers_among(leaf, known)]
        old = old[1:]
    if "certificate_authorities" in name.roles:
        found += trusted or old
    return list(dict.fromkeys(found))


def _blocks(content: bytes, shown: str) -> bytes:
    """The private keys of a PEM file, as they stand there."""
    return b"".join(block.text for block in pem.split_pem(content, shown) if block.is_private_key)


def _key(name: FixedName, new: NewLeaf, target: Target) -> bytes:
    """The new key in clear, or encrypted with the passphrase that the node knows where the old one is."""
    old = name.state.content
    if not any(block.is_private_key and block.is_encrypted for block in pem.split_pem(old, name.shown)):
        return pem.private_key_pem(new.key)
    passphrase = target.tls(name.first.set_name).key_passphrase
    if not passphrase:
        raise ApplyError(
            "the key in use is encrypted, and no setting has its passphrase",
            location=Location(name.shown),
            hint="put it into the secure settings (secure_key_passphrase), then plan again",
        )
    pem.load_private_key(old, passphrase, name.shown)  # it is the one that the node opens it with
    return pem.private_key_pem(new.key, passphrase)


def _store(name: FixedName, new: NewLeaf | None, trusted: Trusted, target: Target) -> bytes:
    """A PKCS#12 store with the same password: the same entries under the same aliases, but for what is new."""
    tls = target.tls(name.first.set_name)
    password = (tls.keystore_password if KEYSTORE in name.roles else tls.truststore_password) or Secret("")
    old = pkcs12.read_pkcs12(name.state.content, password, name.shown)
    serving = serving_entry(old)
    keys = list(old.keys)
    if new is not None and serving is not None and KEYSTORE in name.roles:
        above = pkcs12.issuers_among(new.leaf, [*new.above, *serving.chain])
        mine = pkcs12.KeyEntry(serving.alias, new.key, new.leaf, above)
        keys = [mine if entry is serving else entry for entry in keys]
    return pkcs12.write_store(keys, trusted_entries(old.trusted, trusted), password)


def trusted_entries(old: Trusted, wanted: Trusted) -> list[tuple[str, x509.Certificate]]:
    """Trusted entries of a store: those that stay keep their alias, a new one is called as in the workspace.

    A CA that was renewed with the same key stays as well. Without anything wanted all stay.
    """
    if not wanted:
        return list(old)
    known = {_anchor(certificate): alias for alias, certificate in old}
    used = {known[_anchor(certificate)] for _, certificate in wanted if _anchor(certificate) in known}
    entries = []
    for name, certificate in wanted:
        alias = known.get(_anchor(certificate)) or _unused(name.lower(), used)
        used.add(alias)
        entries.append((alias, certificate))
    return entries


def _anchor(certificate: x509.Certificate) -> tuple[str, str]:
    """Name and key: what makes two certificates the same trust anchor (RFC 5280 §6.1.1)."""
    facts = certificate_facts(certificate)
    return facts.subject, facts.key_sha256


def _unused(name: str, used: set[str]) -> str:
    """`name`, or with a number behind it where somebody has it already; Java's aliases ignore case."""
    taken = {each.lower() for each in used}
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
