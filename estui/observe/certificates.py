"""The certificates that one TLS context of a yml names, as its files hold them now.

Owns the way from settings to `OnDisk`, for Elasticsearch's and Kibana's spelling of the same settings. Reads through
a callback, so that links and mounts are the folder's matter; which store Java would refuse is a rule of `decide`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from cryptography import x509

from estui.errors import StoreError
from estui.formats.pem import load_certificates, load_private_key
from estui.formats.pkcs12 import KeyEntry, Pkcs12Content, read_pkcs12
from estui.model.certificate import CertificateFacts
from estui.model.observed import OnDisk
from estui.model.setting import Setting
from estui.observe.files import Followed
from estui.pki.facts import certificate_facts
from estui.pki.keys import public_key_sha256
from estui.secret import Secret

_KEY_DIGESTS: dict[bytes, str] = {}
"""Digest of file and passphrase to digest of the public half: loading an RSA key holds the GIL for 31 to 213 ms."""
_KEY_DIGESTS_LIMIT = 1024

Reader = Callable[[str], Followed]


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
    paths: list[str] = field(default_factory=list)
    """Of the files, relative to the folder."""

    def observed(self, managed_folder: str) -> OnDisk:
        store = self._store(self.files.keystore, self.files.keystore_password)
        entry = _serving_entry(store) if store else None
        chain = self._certificates(self.files.certificate) or _entry_chain(entry)
        trusted = self._trusted(store)
        key_sha256 = self._key_digest(entry)
        return OnDisk(
            enabled=self.files.enabled,
            leaf=chain[0] if chain else None,
            chain=chain,
            trusted=trusted,
            files=self.files.names,
            managed=bool(self.paths) and all(path.startswith(f"{managed_folder}/") for path in self.paths),
            key_sha256=key_sha256,
            problem="; ".join(dict.fromkeys(self.problems)),
        )

    def _trusted(self, store: Pkcs12Content | None) -> tuple[CertificateFacts, ...]:
        """CAs of the list or truststore; without either, what the keystore itself trusts (file-formats.md §5.1)."""
        if self.files.truststore:
            found = self._store(self.files.truststore, self.files.truststore_password)
            return _trusted_entries(found) if found else ()
        if self.files.authorities:
            return tuple(facts for name in self.files.authorities for facts in self._certificates(name))
        return _trusted_entries(store) if store else ()

    def _certificates(self, name: str) -> tuple[CertificateFacts, ...]:
        content = self._content(name)
        if content is None:
            return ()
        try:
            return tuple(certificate_facts(certificate) for certificate in load_certificates(content, name))
        except StoreError as exc:
            self._note(name, exc)
            return ()

    def _store(self, name: str, password: Secret | None) -> Pkcs12Content | None:
        content = self._content(name)
        if content is None:
            return None
        try:
            return read_pkcs12(content, password, name)
        except StoreError as exc:
            self._note(name, exc)
            return None

    def _key_digest(self, entry: KeyEntry | None) -> str:
        if entry is not None and entry.key is not None:
            return public_key_sha256(entry.key)
        content = self._content(self.files.key)
        if content is None:
            return ""
        try:
            return _pem_key_digest(content, self.files.key_passphrase, self.files.key)
        except StoreError as exc:
            self._note(self.files.key, exc)
            return ""

    def _content(self, name: str) -> bytes | None:
        if not name:
            return None
        followed = self.read(name)
        self.paths.append(followed.relative)
        if followed.problem:
            self.problems.append(followed.problem)
            return None
        return followed.state.content

    def _note(self, name: str, exc: StoreError) -> None:
        self.problems.append(f"{name}: {exc.summary}")


def _pem_key_digest(content: bytes, passphrase: Secret | None, path: str) -> str:
    known = hashlib.sha256(content)
    known.update(b"\0" + (passphrase.encode() if passphrase else b""))
    if known.digest() not in _KEY_DIGESTS:
        if len(_KEY_DIGESTS) >= _KEY_DIGESTS_LIMIT:
            _KEY_DIGESTS.clear()
        _KEY_DIGESTS[known.digest()] = public_key_sha256(load_private_key(content, passphrase, path))
    return _KEY_DIGESTS[known.digest()]


def _serving_entry(store: Pkcs12Content) -> KeyEntry | None:
    """The key entry that a server would use: of the two in an auto-configured `http.p12` the one that is no CA."""
    with_leaf = [entry for entry in store.keys if entry.leaf is not None]
    leaves = [entry for entry in with_leaf if entry.leaf is not None and not certificate_facts(entry.leaf).is_ca]
    return next(iter(leaves or with_leaf), None)


def _entry_chain(entry: KeyEntry | None) -> tuple[CertificateFacts, ...]:
    if entry is None or entry.leaf is None:
        return ()
    return tuple(certificate_facts(certificate) for certificate in (entry.leaf, *entry.chain))


def _trusted_entries(store: Pkcs12Content) -> tuple[CertificateFacts, ...]:
    certificates: list[x509.Certificate] = [certificate for _, certificate in store.trusted]
    return tuple(certificate_facts(certificate) for certificate in certificates)
