"""Files in which certificate authorities answer: PEM with several certificates, PKCS#7 (.p7b), DER. Bytes to values."""

from __future__ import annotations

from cryptography import x509

from estui.errors import Location, StoreError
from estui.formats import der
from estui.formats.pem import parse_certificate, refuse_tail, split_pem

_SIGNED_DATA = "1.2.840.113549.1.7.2"
_TAGGED_0 = 0xA0
_LABELS = ("CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", "PKCS7", "CMS")


def load_bundle(content: bytes, path: str) -> list[x509.Certificate]:
    """Every certificate of a file, in file order; by content, whatever the name ends in.

    Microsoft's CA writes PKCS#7 into a PEM block that is labelled CERTIFICATE, so each block is looked at as well.
    Raises StoreError: none in it, damaged, or with something behind its last block; a private key beside them is no
    business of a CA's and is refused.
    """
    if content[:1] == bytes([der.SEQUENCE]):
        return _from_der(content, path, None)
    found: list[x509.Certificate] = []
    for block in split_pem(content, path):
        if block.is_private_key:
            raise StoreError(
                "holds a private key, which no answer of a CA does",
                location=Location(path, block.line),
                hint="the keys of the requests are in the workspace and stay there; is this the right file?",
            )
        if block.label in _LABELS:
            found += _from_der(block.der, path, block.line)
    if found:
        refuse_tail(content, path)
    else:
        hint = (
            "it holds a request: send it to the CA" if b"CERTIFICATE REQUEST" in content else "PEM, .p7b or DER is read"
        )
        raise StoreError("holds no certificate", location=Location(path), hint=hint)
    return found


def _from_der(content: bytes, path: str, line: int | None) -> list[x509.Certificate]:
    if not _is_pkcs7(content):
        return [parse_certificate(content, path, line)]
    try:
        found = _certificates_of(content)
    except der.DerError as exc:
        raise StoreError(
            "is a damaged PKCS#7 file, or one that is no DER",
            location=Location(path, line),
            hint="convert it: openssl pkcs7 -print_certs -in FILE -out FILE.pem (for a binary one: -inform DER)",
        ) from exc
    if not found:
        raise StoreError("is a PKCS#7 file without certificates", location=Location(path, line))
    return [parse_certificate(each, path, line) for each in found]


def _certificates_of(content: bytes) -> list[bytes]:
    """Certificates of a SignedData, whose set may be in any order, as OpenSSL and Windows write it (RFC 5652 §5.1).

    cryptography insists on the order of DER and warns of an end of its leniency. Raises DerError.
    """
    signed = der.parse_value(content).child(1, _TAGGED_0).child(0, der.SEQUENCE)
    held = next((each for each in signed.children() if each.tag == _TAGGED_0), None)
    return [each.whole for each in held.children() if each.tag == der.SEQUENCE] if held else []


def _is_pkcs7(content: bytes) -> bool:
    """Whether a value is a ContentInfo of signedData (RFC 2315 §7)."""
    try:
        first = der.parse_value(content).children()[0]
        return first.tag == der.OID and first.oid == _SIGNED_DATA
    except (der.DerError, IndexError):
        return False
