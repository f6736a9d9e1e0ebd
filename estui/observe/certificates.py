"""The certificates that one TLS context of a yml names, as its files hold them now.

Owns the way from settings to `OnDisk`, for Elasticsearch's and Kibana's spelling of the same settings. Reads through
a callback, so that links and mounts are the folder's matter; which store Java would refuse is a rule of `decide`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from estui.errors import StoreError
from estui.formats.der import SEQUENCE
from estui.formats.jks import is_jks, read_jks
from estui.formats.pem import load_certificates, load_private_key, split_pem
from estui.formats.pkcs12 import JKS_MAGICS, KeyEntry, Pkcs12Content, read_pkcs12
from estui.model.certificate import CertificateFacts
from estui.model.observed import Fault, NamedFile, OnDisk
from estui.model.setting import Setting
from estui.observe.files import Followed
from estui.pki.facts import certificate_facts
from estui.pki.keys import key_kind, public_key_sha256
from estui.secret import Secret

Reader = Callable[[str], Followed]
_CLEAR_KEY = bytes.fromhex("060b2a864886f70d010c0a0101")
"""Object identifier of a KeyBag, RFC 7292 §4.2.1; the usual shrouded one ends in 2."""


@dataclass(frozen=True)
class _KeyFacts:
    """What may be kept of a private key and the certificates beside it: never the key."""

    key_sha256: str = ""
    chain: tuple[CertificateFacts, ...] = ()
    trusted: tuple[CertificateFacts, ...] = ()
    keys: int = 0
    authorities: tuple[CertificateFacts, ...] = ()
    """CAs whose key is in the file."""
    key_type: str = ""
    clear_key: bool = False
    hidden: str = ""
    """Why something in the file could not even be listed."""


_KNOWN: dict[bytes, _KeyFacts] = {}
"""By digest of file and passphrase. Loading an RSA key holds the GIL for 31 to 213 ms, and the same files are looked
at again and again."""
_KNOWN_LIMIT = 1024


@dataclass(frozen=True)
class TlsFiles:
    """What a yml and the secure settings say about one TLS context."""

    enabled: bool = False
    certificate: str = ""
    key: str = ""
    authorities: tuple[str, ...] = ()
    keystore: str = ""
    truststore: str = ""
    key_passphrase: Secret | None = None
    keystore_password: Secret | None = None
    truststore_password: Secret | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Paths as written, each once."""
        named = (self.certificate, self.key, *self.authorities, self.keystore, self.truststore)
        return tuple(dict.fromkeys(name for name in named if name))


def node_tls(prefix: str, settings: Mapping[str, Setting], secrets: Mapping[str, Secret]) -> TlsFiles:
    """A context of `elasticsearch.yml`; `prefix` is such as `xpack.security.http.ssl`."""
    return TlsFiles(
        enabled=_text(settings, f"{prefix}.enabled") == "true",
        certificate=_text(settings, f"{prefix}.certificate"),
        key=_text(settings, f"{prefix}.key"),
        authorities=_items(settings, f"{prefix}.certificate_authorities"),
        keystore=_text(settings, f"{prefix}.keystore.path"),
        truststore=_text(settings, f"{prefix}.truststore.path"),
        key_passphrase=_secret(settings, secrets, f"{prefix}.secure_key_passphrase", f"{prefix}.key_passphrase"),
        keystore_password=_secret(
            settings, secrets, f"{prefix}.keystore.secure_password", f"{prefix}.keystore.password"
        ),
        truststore_password=_secret(
            settings, secrets, f"{prefix}.truststore.secure_password", f"{prefix}.truststore.password"
        ),
    )


def kibana_tls(
    prefix: str, settings: Mapping[str, Setting], secrets: Mapping[str, Secret], *, enabled: bool
) -> TlsFiles:
    """A context of `kibana.yml`: `server.ssl` or `elasticsearch.ssl`."""
    return TlsFiles(
        enabled=enabled,
        certificate=_text(settings, f"{prefix}.certificate"),
        key=_text(settings, f"{prefix}.key"),
        authorities=_items(settings, f"{prefix}.certificateAuthorities"),
        keystore=_text(settings, f"{prefix}.keystore.path"),
        truststore=_text(settings, f"{prefix}.truststore.path"),
        key_passphrase=_secret(settings, secrets, f"{prefix}.keyPassphrase"),
        keystore_password=_secret(settings, secrets, f"{prefix}.keystore.password"),
        truststore_password=_secret(settings, secrets, f"{prefix}.truststore.password"),
    )


def beat_tls(prefix: str, settings: Mapping[str, Setting]) -> TlsFiles:
    """A context of a Beat's yml, such as `output.elasticsearch.ssl`; PEM text in the place of a name is passed over
    (beats.md §2)."""

    def named(*names: str) -> tuple[str, ...]:
        return tuple(name for name in names if name and not name.lstrip().startswith("-----"))

    certificate = named(_text(settings, f"{prefix}.certificate"))
    key = named(_text(settings, f"{prefix}.key"))
    return TlsFiles(
        enabled=_text(settings, f"{prefix}.enabled") != "false",
        certificate=certificate[0] if certificate else "",
        key=key[0] if key else "",
        authorities=named(*_items(settings, f"{prefix}.certificate_authorities")),
    )


def _text(settings: Mapping[str, Setting], key: str) -> str:
    return settings[key].text if key in settings else ""


def _items(settings: Mapping[str, Setting], key: str) -> tuple[str, ...]:
    return settings[key].items if key in settings else ()


def _secret(settings: Mapping[str, Setting], secrets: Mapping[str, Secret], *keys: str) -> Secret | None:
    """The first that is set: in the secure settings, which win, else in the yml."""
    for key in keys:
        if key in secrets:
            return secrets[key]
    for key in keys:
        if key in settings:
            return Secret(settings[key].text)
    return None


def read_context(files: TlsFiles, read: Reader, managed_folder: str) -> OnDisk:
    """The certificates behind a context. `managed_folder` is the folder of estui's set in use, such as
    `estui/http/current`; a context whose files all lie there is managed.

    Never raises for a file's sake: `problem` names what could not be read, each file once.
    """
    return _Context(files, read).observed(managed_folder)


@dataclass
class _Context:
    files: TlsFiles
    read: Reader
    problems: list[str] = field(default_factory=list)
    named: list[NamedFile] = field(default_factory=list)

    def observed(self, managed_folder: str) -> OnDisk:
        store = self._key_facts("keystore.path", self.files.keystore, self.files.keystore_password, _store_facts)
        chain = self._certificates("certificate", self.files.certificate) or store.chain
        trusted = self._trusted(store)
        key = self._key_facts("key", self.files.key, self.files.key_passphrase, _pem_key_facts)
        return OnDisk(
            enabled=self.files.enabled,
            leaf=chain[0] if chain else None,
            chain=chain,
            trusted=trusted,
            files=self.files.names,
            managed=bool(self.named) and all(each.relative.startswith(f"{managed_folder}/") for each in self.named),
            key_sha256=store.key_sha256 or key.key_sha256,
            problem="; ".join(dict.fromkeys(self.problems)),
            named=tuple(self.named),
        )

    def _trusted(self, store: _KeyFacts) -> tuple[CertificateFacts, ...]:
        """CAs of the list or truststore; without either, what the keystore itself trusts (file-formats.md §5.1)."""
        if self.files.truststore:
            password = self.files.truststore_password
            return self._key_facts("truststore.path", self.files.truststore, password, _store_facts).trusted
        if self.files.authorities:
            role = "certificate_authorities"
            return tuple(facts for name in self.files.authorities for facts in self._certificates(role, name))
        return store.trusted

    def _certificates(self, role: str, name: str) -> tuple[CertificateFacts, ...]:
        content = self._content(role, name)
        if content is None:
            return ()
        try:
            self._learn(keys=_private_keys(content, name))
            return tuple(certificate_facts(certificate) for certificate in load_certificates(content, name))
        except StoreError as exc:
            self._note(name, exc)
            return ()

    def _key_facts(
        self, role: str, name: str, secret: Secret | None, load: Callable[[bytes, Secret | None, str], _KeyFacts]
    ) -> _KeyFacts:
        content = self._content(role, name)
        if content is None:
            return _KeyFacts()
        known = hashlib.sha256(content)
        known.update(b"\0" + (secret.encode() if secret else b""))
        try:
            facts = _KNOWN.get(known.digest()) or load(content, secret, name)
        except StoreError as exc:
            self._note(name, exc)
            return _KeyFacts()
        if len(_KNOWN) >= _KNOWN_LIMIT:
            _KNOWN.clear()
        _KNOWN[known.digest()] = facts
        self._learn(keys=facts.keys, trusted=len(facts.trusted), authorities=facts.authorities)
        self.named[-1] = replace(self.named[-1], key_type=facts.key_type, clear_key=facts.clear_key)
        if facts.hidden:
            self._fault(name, Fault.FOREIGN, facts.hidden)
        return facts

    def _content(self, role: str, name: str) -> bytes | None:
        if not name:
            return None
        followed = self.read(name)
        state = followed.state
        found = NamedFile(role, name, followed.relative, state.mode, state.uid, state.gid)
        if followed.problem:
            self.problems.append(followed.problem)
            self.named.append(replace(found, fault=followed.fault, detail=followed.problem))
            return None
        self.named.append(replace(found, format=format_of(state.content)))
        return state.content

    def _learn(self, *, keys: int, trusted: int = 0, authorities: tuple[CertificateFacts, ...] = ()) -> None:
        """What a file turned out to hold, about the one that was named last."""
        self.named[-1] = replace(
            self.named[-1],
            keys=keys,
            trusted=trusted,
            authority_keys=tuple(facts.subject for facts in authorities),
            authorities=authorities,
        )

    def _note(self, name: str, exc: StoreError) -> None:
        self._fault(name, _fault(exc), exc.summary)

    def _fault(self, name: str, fault: Fault, summary: str) -> None:
        text = f"{name}: {summary}"
        self.problems.append(text)
        self.named[-1] = replace(self.named[-1], fault=fault, detail=text)


def _fault(exc: StoreError) -> Fault:
    """Whether a store or key could not be opened, by the words of `formats`, or is broken."""
    locked = exc.summary.startswith(("wrong pass", "the private key is encrypted"))
    return Fault.PASSWORD if locked else Fault.BROKEN


def format_of(content: bytes) -> str:
    """`JKS`, `PKCS12`, `DER` or `PEM` by the first bytes; empty where it is none of them."""
    if content.startswith(JKS_MAGICS):
        return "JKS"
    if content[:1] == bytes([SEQUENCE]):
        # A certificate's first element is a SEQUENCE, a PKCS#12's is the version number 3 (RFC 5280, RFC 7292).
        return "PKCS12" if b"\x02\x01\x03" in content[:8] else "DER"
    return "PEM" if b"-----BEGIN " in content else ""


def _private_keys(content: bytes, name: str) -> int:
    return sum(block.is_private_key for block in split_pem(content, name)) if b"PRIVATE KEY" in content else 0


def _pem_key_facts(content: bytes, passphrase: Secret | None, path: str) -> _KeyFacts:
    key = load_private_key(content, passphrase, path)
    return _KeyFacts(public_key_sha256(key), keys=1, key_type=key_kind(key.public_key()))


def _jks_facts(content: bytes, path: str) -> _KeyFacts:
    """A JKS store, whose certificates lie in the open; the keys beside them stay closed."""
    store = read_jks(content, path)
    chains = [tuple(certificate_facts(each) for each in entry.certificates) for entry in store.entries if entry.is_key]
    trusted = [each for entry in store.entries if not entry.is_key for each in entry.certificates]
    return _KeyFacts(
        chain=next((chain for chain in chains if chain and not chain[0].is_ca), chains[0] if chains else ()),
        trusted=tuple(certificate_facts(each) for each in trusted),
        keys=len(chains),
        hidden="" if store.complete else "is a store with secret keys, behind which nothing can be listed",
    )


def _store_facts(content: bytes, password: Secret | None, path: str) -> _KeyFacts:
    if is_jks(content):
        return _jks_facts(content, path)
    store = read_pkcs12(content, password, path)
    entry = serving_entry(store)
    return _KeyFacts(
        key_sha256=public_key_sha256(entry.key) if entry and entry.key else "",
        chain=_entry_chain(entry),
        trusted=tuple(certificate_facts(certificate) for _, certificate in store.trusted),
        keys=len(store.keys),
        authorities=tuple(
            facts
            for facts in (certificate_facts(entry.leaf) for entry in store.keys if entry.leaf is not None)
            if facts.is_ca
        ),
        key_type=key_kind(entry.key.public_key()) if entry and entry.key else "",
        clear_key=_CLEAR_KEY in content,
    )


def serving_entry(store: Pkcs12Content) -> KeyEntry | None:
    """The key entry that a server would use: of the two in an auto-configured `http.p12` the one that is no CA."""
    with_leaf = [entry for entry in store.keys if entry.leaf is not None]
    leaves = [entry for entry in with_leaf if entry.leaf is not None and not certificate_facts(entry.leaf).is_ca]
    return next(iter(leaves or with_leaf), None)


def _entry_chain(entry: KeyEntry | None) -> tuple[CertificateFacts, ...]:
    if entry is None or entry.leaf is None:
        return ()
    return tuple(certificate_facts(certificate) for certificate in (entry.leaf, *entry.chain))
