"""Owns the live TLS contexts of a process: made from material, swapped when the files change.

What stands in the files is `material`; sockets are `wire`. A context that was handed out stays as it is, so open
connections keep their certificate for ever, as with Elasticsearch.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from estui.sandbox.material import Material
from estui.sandbox.mismatch import pretending_key_pem
from estui.sandbox.tls_settings import SslConfigError, TlsSettings

_VERSIONS = {
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1": ssl.TLSVersion.TLSv1,
}
_DEMANDS = {"required": ssl.CERT_REQUIRED, "optional": ssl.CERT_OPTIONAL, "none": ssl.CERT_NONE}


class TlsSlot:
    """The contexts that new connections of one layer use now."""

    def __init__(self, settings: TlsSettings, material: Material) -> None:
        self.settings = settings
        self.switch(material)

    def switch(self, material: Material) -> None:
        """New connections use this material from now on.

        Raises SslConfigError, and keeps what was: OpenSSL refuses what Java might take, such as a very short key.
        """
        try:
            server, client = server_context(self.settings, material), client_context(self.settings, material)
        except ssl.SSLError as exc:
            raise SslConfigError(f"cannot initialise the SSL context: {exc.reason or exc}") from exc
        self.server, self.client = server, client


def server_context(settings: TlsSettings, material: Material) -> ssl.SSLContext:
    """Context of a listening port. With `verification_mode: none` no certificate is asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _configure(context, settings, material)
    context.verify_mode = ssl.CERT_NONE if material.trusted is None else _DEMANDS[settings.client_authentication]
    return context


def client_context(settings: TlsSettings, material: Material) -> ssl.SSLContext:
    """Context of outgoing connections: `full` checks the server's name, `certificate` its chain, `none` nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = settings.verification == "full" and material.trusted is not None
    context.verify_mode = ssl.CERT_NONE if material.trusted is None else ssl.CERT_REQUIRED
    _configure(context, settings, material)
    return context


def load_pair(context: ssl.SSLContext, chain: tuple[x509.Certificate, ...], key_pem: bytes) -> None:
    """Gives a context its own certificate chain and key; Python's ssl takes files only."""
    certificates = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in chain)
    with _private_file(certificates + key_pem) as path:
        context.load_cert_chain(path)


def trust(context: ssl.SSLContext, certificates: tuple[x509.Certificate, ...]) -> None:
    """Makes each certificate an anchor by itself, also one that is no root: what Java's trust managers do."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if certificates:
        pem = b"".join(certificate.public_bytes(serialization.Encoding.PEM) for certificate in certificates)
        context.load_verify_locations(cadata=pem.decode())


def _configure(context: ssl.SSLContext, settings: TlsSettings, material: Material) -> None:
    known = [_VERSIONS[name] for name in settings.protocols if name in _VERSIONS]
    if known:
        context.minimum_version, context.maximum_version = min(known), max(known)
    if material.trusted is not None:
        trust(context, material.trusted)
    if material.key is None or not material.chain:
        return
    public = material.chain[0].public_key()
    pem: bytes | None = None
    if material.key.public_key() != public:
        pem = pretending_key_pem(public)
    if pem is None:
        pem = material.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    load_pair(context, material.chain, pem)


@contextmanager
def _private_file(content: bytes) -> Iterator[str]:
    """A path that holds the content until the block ends: memory where the system can, else a 0600 file."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("estui-sandbox")
        try:
            os.write(descriptor, content)
            yield f"/proc/self/fd/{descriptor}"
        finally:
            os.close(descriptor)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "pair.pem")
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
        yield str(path)
