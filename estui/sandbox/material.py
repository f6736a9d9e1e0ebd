"""Owns what stands in the files of one TLS context: certificates, private key, trusted certificates.

Every refusal has Elasticsearch's own text (real-elasticsearch.md §4). Files are read anew on each call: at the start,
at a reload and for `GET /_ssl/certificates`. Whether key and certificate belong together is not looked at, because
Elasticsearch does not look either.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa

from estui.errors import StoreError
from estui.formats import der
from estui.formats.pem import PrivateKey, load_certificates, tolerating_odd_certificates
from estui.formats.pkcs12 import Pkcs12Content, read_pkcs12
from estui.sandbox.tls_settings import SslConfigError, TlsSettings
from estui.secret import Secret

_CERTIFICATE, _KEY, _AUTHORITIES = "PEM certificate", "PEM private key", "PEM certificate_authorities"
_KEY_LABELS = {f"-----BEGIN {kind}PRIVATE KEY-----" for kind in ("", "ENCRYPTED ", "RSA ", "DSA ", "EC ")}
_PARAMETERS = {"-----BEGIN EC PARAMETERS-----", "-----BEGIN DSA PARAMETERS-----"}
_EDWARDS_OIDS = {"ed25519": "1.3.101.112", "ed448": "1.3.101.113"}
_CLEAR_KEY = bytes.fromhex("060b2a864886f70d010c0a0101")  # OID of a KeyBag, RFC 7292 §4.2.1
_WRONG_PASSWORD = "this is usually caused by an incorrect password"  # noqa: S105 - a message


@dataclass(frozen=True)
class ListedCertificate:
    """One entry of `GET /_ssl/certificates`; the path is as configured."""

    path: str
    format: str
    alias: str | None
    certificate: x509.Certificate
    has_private_key: bool


@dataclass(frozen=True)
class Material:
    """What a context works with: leaf first in `chain`; `trusted` is None where everything is trusted."""

    chain: tuple[x509.Certificate, ...] = ()
    key: PrivateKey | None = field(default=None, repr=False)
    trusted: tuple[x509.Certificate, ...] | None = ()
    listed: tuple[ListedCertificate, ...] = ()


def watched_files(settings: TlsSettings, config: Path) -> tuple[Path, ...]:
    """Files whose change makes the context load again."""
    return tuple(dict.fromkeys(config / name for name in _named_files(settings)))


def load_material(settings: TlsSettings, config: Path) -> Material:
    """Everything the context's files hold now. Trust comes first, as in Elasticsearch.

    Raises SslConfigError: a file is missing, cannot be read, or does not hold what it should.
    """
    for name in _named_files(settings):
        _check_inside(config, config / name)
    trusted, listed = _load_trust(settings, config)
    if settings.certificate and settings.key:
        key = _load_pem_key(config / settings.key, settings.passphrase)
        chain = _load_pem_certificates(config / settings.certificate, _CERTIFICATE)
        listed += _listed_chain(settings.certificate, chain)
        if trusted is not None and not settings.authorities and not settings.truststore:
            trusted = chain
        return Material(chain, key, trusted, tuple(listed))
    if settings.keystore:
        return _with_keystore(settings, config, trusted, listed)
    return Material((), None, trusted, tuple(listed))


def list_certificates(settings: TlsSettings, config: Path) -> tuple[ListedCertificate, ...]:
    """Certificates that the files hold now; a PEM key is not opened for that (`PemKeyConfig`), unlike a keystore.

    Raises SslConfigError: as `load_material`, the leaf's file first.
    """
    own: tuple[ListedCertificate, ...] = ()
    if settings.certificate:
        own = _listed_chain(settings.certificate, _load_pem_certificates(config / settings.certificate, _CERTIFICATE))
    elif settings.keystore:
        own = _with_keystore(settings, config, (), []).listed
    return (*own, *_load_trust(settings, config)[1])


def _listed_chain(name: str, chain: tuple[x509.Certificate, ...]) -> tuple[ListedCertificate, ...]:
    return tuple(ListedCertificate(name, "PEM", None, each, index == 0) for index, each in enumerate(chain))


def _named_files(settings: TlsSettings) -> tuple[str, ...]:
    names = (*settings.authorities, settings.truststore, settings.keystore, settings.key, settings.certificate)
    return tuple(name for name in names if name)


def _check_inside(config: Path, path: Path) -> None:
    """A packaged node may read only below its configuration folder, links followed (entitlements since 8.18)."""
    if path.exists() and not path.resolve().is_relative_to(config.resolve()):
        raise SslConfigError(
            f"cannot read configured SSL file [{path}] because access to read the file is blocked; SSL resources "
            f"should be placed in the [{config}] directory"
        )


def _load_trust(
    settings: TlsSettings, config: Path
) -> tuple[tuple[x509.Certificate, ...] | None, list[ListedCertificate]]:
    if settings.verification == "none":
        return None, []
    if settings.authorities:
        listed = [
            ListedCertificate(name, "PEM", None, certificate, False)
            for name in settings.authorities
            for certificate in _load_pem_certificates(config / name, _AUTHORITIES)
        ]
        return tuple(entry.certificate for entry in listed), listed
    if settings.truststore:
        path, kind = config / settings.truststore, settings.truststore_type
        store = _load_store(path, kind, settings.truststore_password, as_truststore=True)
        if not store.trusted:
            raise SslConfigError(f"the truststore [{path}] does not contain any trusted certificate entries")
        listed = [
            ListedCertificate(settings.truststore, kind, alias, certificate, False)
            for alias, certificate in store.trusted
        ]
        return tuple(entry.certificate for entry in listed), listed
    if settings.keystore:
        _load_store(config / settings.keystore, settings.keystore_type, settings.keystore_password, as_truststore=True)
    return (), []


def _with_keystore(
    settings: TlsSettings,
    config: Path,
    trusted: tuple[x509.Certificate, ...] | None,
    listed: list[ListedCertificate],
) -> Material:
    name = settings.keystore or ""
    path, kind = config / name, settings.keystore_type
    store = _load_store(path, kind, settings.keystore_password, as_truststore=False)
    entries = [entry for entry in store.keys if entry.leaf is not None and entry.key is not None]
    if not entries:
        raise SslConfigError(f"the {kind} keystore [{path}]does not contain a private key entry")
    found: list[ListedCertificate] = []
    for entry in entries:
        for index, certificate in enumerate((entry.leaf, *entry.chain)):
            if certificate is not None:
                found.append(ListedCertificate(name, kind, entry.alias, certificate, index == 0))
    found += [ListedCertificate(name, kind, alias, certificate, False) for alias, certificate in store.trusted]
    # With several keys Elasticsearch leaves those of CAs out (`http_ca` of its own set-up).
    best = next((entry for entry in entries if entry.leaf and not _is_ca(entry.leaf)), entries[0])
    chain = tuple(certificate for certificate in (best.leaf, *best.chain) if certificate is not None)
    if trusted is not None and not settings.authorities and not settings.truststore:
        trusted = tuple(entry.certificate for entry in found)
    return Material(chain, best.key, trusted, (*listed, *found))


def _load_store(path: Path, kind: str, password: Secret | None, *, as_truststore: bool) -> Pkcs12Content:
    what = f"[{kind}] keystore" + (" (as a truststore)" if as_truststore else "")
    content = _read(path, what)
    try:
        der.parse_value(content)
        store = read_pkcs12(content, password, path.name)
    except der.DerError as exc:
        raise SslConfigError(f"cannot read configured {what} [{path}] - {_shape_of(content)}") from exc
    except StoreError as exc:
        detail = ""
        if as_truststore:
            detail = "; (a keystore password was provided)" if password else "; (no password was provided)"
        raise SslConfigError(f"cannot read configured {what} [{path}] - {_WRONG_PASSWORD}{detail}") from exc
    # Java passes over keys that are not encrypted by themselves.
    return Pkcs12Content((), store.trusted) if _CLEAR_KEY in content else store


def _shape_of(content: bytes) -> str:
    if content.startswith(bytes.fromhex("feedfeed")):
        return "the sandbox reads PKCS#12 only, not JKS"
    return "toDerInputStream rejects tag type 0" if content else "null"


def _load_pem_certificates(path: Path, what: str) -> tuple[x509.Certificate, ...]:
    content = _read(path, what)
    if not content.strip():
        raise SslConfigError(f"failed to parse any certificates from [{path}]")
    if any(line.strip().decode("ascii", "replace") in _KEY_LABELS for line in content.splitlines()):
        raise SslConfigError(
            f"cannot load {what} from [{path}] due to CertificateParsingException (signed fields invalid)"
        )
    try:
        return tuple(load_certificates(content, path.name))
    except StoreError as exc:
        reason = "No certificate data found" if b"-----BEGIN" not in content else "Could not parse certificate"
        raise SslConfigError(f"cannot load {what} from [{path}] due to CertificateException ({reason})") from exc


def _load_pem_key(path: Path, passphrase: Secret | None) -> PrivateKey:
    """The first block decides, and parameters before it are passed over (`PemUtils.parsePrivateKey`)."""
    content = _read(path, _KEY)
    lines = [line.strip().decode("ascii", "replace") for line in content.splitlines()]
    labels = [line for line in lines if line.startswith("-----BEGIN") and line not in _PARAMETERS]
    if not labels:
        raise SslConfigError(f"Error parsing Private Key [{path}], file is empty")
    if labels[0] not in _KEY_LABELS:
        raise SslConfigError(f"error parsing Private Key [{path}], file does not contain a supported key format")
    block = content[content.index(labels[0].encode()) :]
    encrypted = "ENCRYPTED" in labels[0] or b"Proc-Type: 4,ENCRYPTED" in block
    password = passphrase.encode() if encrypted and passphrase else None
    try:
        with tolerating_odd_certificates():
            key = serialization.load_pem_private_key(block, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        cause = "InvalidKeySpecException (Cannot retrieve the PKCS8EncodedKeySpec)"
        if not encrypted:
            cause = "GeneralSecurityException (Error parsing key)"
        raise SslConfigError(f"cannot load PEM private key from [{path}] due to {cause}") from exc
    if isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | dsa.DSAPrivateKey):
        return key
    oid = _EDWARDS_OIDS["ed448" if "448" in type(key).__name__ else "ed25519"]
    raise SslConfigError(
        f"cannot load PEM private key from [{path}] due to GeneralSecurityException (Error parsing key algorithm "
        f"identifier. Algorithm with OID [{oid}] is not supported)"
    )


def _read(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise SslConfigError(f"cannot read configured {what} [{path}] because the file does not exist") from exc
    except PermissionError as exc:
        raise SslConfigError(f"not permitted to read the {what} file [{path}]") from exc
    except IsADirectoryError as exc:
        if what.startswith("PEM c"):
            cause = "CertificateException (java.io.IOException: Is a directory)"
            raise SslConfigError(f"cannot load {what} from [{path}] due to {cause}") from exc
        raise SslConfigError(f"cannot read configured {what} [{path}] - Is a directory") from exc
    except OSError as exc:
        raise SslConfigError(f"cannot read configured {what} [{path}] - {exc.strerror}") from exc


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False
