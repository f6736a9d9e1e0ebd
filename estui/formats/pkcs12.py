"""PKCS#12 stores (RFC 7292) as Java reads them: certificates and keys to bytes and back.

Owns what is a key entry and what a trusted entry. Elasticsearch takes trust only from entries that carry Oracle's
attribute; a plain CA certificate in the file is none. JKS is recognised, not read.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from estui.errors import Location, StoreError, UsageError
from estui.formats import der
from estui.formats.pem import PrivateKey, is_named_issuer, tolerating_odd_certificates
from estui.formats.pkcs12_bags import check_work, open_bags
from estui.formats.pkcs12_splice import splice
from estui.secret import Secret

JKS_MAGICS = (bytes.fromhex("feedfeed"), bytes.fromhex("cececece"))


@dataclass(frozen=True)
class KeyEntry:
    """A private key and its certificates: leaf, then its issuers as far as the file has them."""

    alias: str
    key: PrivateKey | None = field(repr=False)
    leaf: x509.Certificate | None
    chain: tuple[x509.Certificate, ...] = ()


@dataclass(frozen=True)
class Pkcs12Content:
    """A whole store, in file order."""

    keys: tuple[KeyEntry, ...]
    trusted: tuple[tuple[str, x509.Certificate], ...]
    """Alias and certificate of each trusted entry."""


def write_keystore(
    alias: str, key: PrivateKey, leaf: x509.Certificate, chain: Sequence[x509.Certificate], password: Secret
) -> bytes:
    """A store with one key entry, which Java sees as a PrivateKeyEntry with leaf and chain.

    PBES2 with AES-256-CBC and HMAC-SHA256: readable by the JDK that Elasticsearch 7.11 and newer bundle, and by older
    ones from 8u301 and 11.0.12. Raises UsageError: a password that Java could not take.
    """
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey):
        raise UsageError("Elasticsearch takes EC and RSA keys only")
    encryption = _encryption(password)
    return pkcs12.serialize_key_and_certificates(alias.encode(), key, leaf, list(chain), encryption)


def write_truststore(certificates: Sequence[tuple[str, x509.Certificate]], password: Secret) -> bytes:
    """A store of trusted entries, alias and certificate each, with the attribute that makes Java trust them.

    Raises UsageError: none given, or a password that Java could not take.
    """
    if not certificates:
        raise UsageError("a truststore needs a certificate to trust")
    entries = [pkcs12.PKCS12Certificate(certificate, alias.encode()) for alias, certificate in certificates]
    return pkcs12.serialize_java_truststore(entries, _encryption(password))


def write_store(keys: Sequence[KeyEntry], trusted: Sequence[tuple[str, x509.Certificate]], password: Secret) -> bytes:
    """One store with key entries and trusted entries: keystore and truststore at once, as `elastic-certificates.p12`.

    The empty password is possible, since certutil proposes it. Raises UsageError: nothing to write, an entry without
    its certificate, a key that Elasticsearch does not take, a password that Java could not take.
    """
    if not keys and not trusted:
        raise UsageError("a store needs an entry")
    # cryptography encrypts with no empty password; the contents are then encrypted anew
    passing = password or Secret("passing")
    parts = []
    for entry in keys:
        if entry.key is None or entry.leaf is None:
            raise UsageError(f"the key {entry.alias!r} has no certificate")
        parts.append(write_keystore(entry.alias, entry.key, entry.leaf, entry.chain, passing))
    if trusted:
        parts.append(write_truststore(trusted, passing))
    return parts[0] if len(parts) == 1 and password else splice(parts, passing, password)


def read_pkcs12(content: bytes, password: Secret | None, path: str) -> Pkcs12Content:
    """Key entries and trusted entries of a whole store; no password and the empty one are the same to Java.

    Raises StoreError: JKS or another file, wrong password, damaged, or more key derivation than any maker asks for.
    """
    check_is_pkcs12(content, path)
    check_work(content, password or Secret(""), path)
    store = _load(content, password, path)  # checks the MAC over everything
    loaded = None if store.key is None else _signing(store.key, path)
    bags = open_bags(content, password or Secret(""), path, loaded)
    keys, certificates = list(bags.keys), list(bags.certificates)
    if loaded is not None and not keys:
        keys = [(_alias(store.cert), loaded)]
    if not bags.complete:
        found = [bag for bag in (store.cert, *store.additional_certs) if bag is not None]
        certificates = [(_alias(bag), bag.certificate, _is_trusted_by_name(bag)) for bag in found]
    held = [certificate for _, certificate, _ in certificates]
    entries = tuple(_key_entry(alias, key, held) for alias, key in keys)
    leaves = [entry.leaf for entry in entries]
    trusted = tuple(
        (alias, certificate)
        for alias, certificate, is_trusted in certificates
        if is_trusted and (bags.complete or certificate not in leaves)
    )
    return Pkcs12Content(entries, trusted)


def check_is_pkcs12(content: bytes, path: str) -> None:
    """Raises StoreError: by its first bytes the file is something else."""
    if content.startswith(JKS_MAGICS):
        raise StoreError(
            "is a JKS store, which estui does not read",
            hint=f"convert it: keytool -importkeystore -srckeystore {shlex.quote(path)} "
            f"-destkeystore {shlex.quote(path.removesuffix('.jks') + '.p12')} -deststoretype pkcs12",
            location=Location(path),
        )
    if content[:1] != bytes([der.SEQUENCE]):
        what = "is empty" if not content else "is not a PKCS#12 store"
        raise StoreError(what, location=Location(path), hint="name a PKCS#12 store (.p12, .pfx)")


def _encryption(password: Secret) -> serialization.KeySerializationEncryption:
    secret = password.encode()
    if not secret or not password.reveal().isascii() or not password.reveal().isprintable():
        # JDK 17 refuses others, and a store without encryption or MAC shows no entries in Java.
        raise UsageError("the password of a PKCS#12 store has to be printable ASCII and not empty")
    return (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(secret)
    )


def _load(content: bytes, password: Secret | None, path: str) -> pkcs12.PKCS12KeyAndCertificates:
    try:
        with tolerating_odd_certificates():
            return pkcs12.load_pkcs12(content, password.encode() if password else None)
    except UnsupportedAlgorithm as exc:
        raise StoreError("is encrypted in an unknown way", location=Location(path)) from exc
    except (ValueError, TypeError) as exc:
        hint = "check the password of the store" if password else "the store may need a password"
        raise StoreError("wrong password or damaged store", hint=hint, location=Location(path)) from exc


def _key_entry(alias: str, key: PrivateKey, certificates: Sequence[x509.Certificate]) -> KeyEntry:
    leaf = next((certificate for certificate in certificates if _belongs(certificate, key)), None)
    return KeyEntry(alias, key, leaf, issuers_among(leaf, certificates) if leaf else ())


def _belongs(certificate: x509.Certificate, key: PrivateKey) -> bool:
    try:
        return certificate.public_key() == key.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return False


def issuers_among(leaf: x509.Certificate, certificates: Sequence[x509.Certificate]) -> tuple[x509.Certificate, ...]:
    """Issuers of `leaf` by their names, ending at a self-issued one or where none is there."""
    chain: list[x509.Certificate] = []
    last = leaf
    while not is_named_issuer(last, last):
        above = next((one for one in certificates if is_named_issuer(one, last) and one not in chain), None)
        if above is None:
            break
        chain.append(above)
        last = above
    return tuple(chain)


def _is_trusted_by_name(bag: pkcs12.PKCS12Certificate) -> bool:
    """Java names the certificates of a chain by their subject, and trusted ones by their alias.

    A guess for stores of JDK 15 and older, whose contents are encrypted with 40-bit RC2: what is trusted stands in
    attributes that cryptography does not show.
    """
    name = _alias(bag)
    try:
        with tolerating_odd_certificates():
            subject = bag.certificate.subject.rfc4514_string()
    except ValueError:
        return False
    return bool(name) and name.replace(" ", "") != subject.replace(" ", "")


def _alias(bag: pkcs12.PKCS12Certificate | None) -> str:
    return (bag.friendly_name or b"").decode(errors="replace") if bag else ""


def _signing(key: object, path: str) -> PrivateKey:
    if isinstance(key, PrivateKey):
        return key
    raise StoreError("its key cannot sign, so it belongs to no certificate", location=Location(path))
