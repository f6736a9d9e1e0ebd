"""A corporate PKI for tests: a root and an issuing CA below it, which sign requests as they are or otherwise."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

USAGES = {"serverAuth": ExtendedKeyUsageOID.SERVER_AUTH, "clientAuth": ExtendedKeyUsageOID.CLIENT_AUTH}
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def name_of(common_name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Example"), x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    )


def pem_of(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


@dataclass
class Corporate:
    """Root and issuing CA. What `sign` is not told it takes from the request."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    words: str = "Corp"
    days: int = 3650
    root_key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    issuing_key: Key = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    issuing_hash: hashes.HashAlgorithm = field(default_factory=hashes.SHA256)

    @cached_property
    def root(self) -> x509.Certificate:
        return self._authority(f"{self.words} Root", f"{self.words} Root", self.root_key, 1, hashes.SHA256())

    @cached_property
    def issuing(self) -> x509.Certificate:
        return self._authority(f"{self.words} Issuing", f"{self.words} Root", self.issuing_key, 0, self.issuing_hash)

    def _authority(
        self, subject: str, issuer: str, key: Key, path: int, digest: hashes.HashAlgorithm
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder(name_of(issuer), name_of(subject), key.public_key(), secrets.randbits(100))
            .not_valid_before(self.now - timedelta(days=30))
            .not_valid_after(self.now + timedelta(days=self.days))
            .add_extension(x509.BasicConstraints(True, path), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        )
        return builder.sign(self.root_key, digest)  # type: ignore[arg-type]

    def sign(
        self,
        request: bytes,
        *,
        names: Sequence[x509.GeneralName] | None = None,
        usages: Sequence[str] | None = None,
        days: int = 365,
        start: timedelta = timedelta(hours=-1),
        is_ca: bool = False,
        without_signing: bool = False,
        digest: hashes.HashAlgorithm | None = None,
        public_key: Key | None = None,
    ) -> x509.Certificate:
        """The certificate for a request; without `usages` and `names` those that it asks for."""
        asked = x509.load_pem_x509_csr(request)
        sans = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        wanted = asked.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        builder = (
            x509.CertificateBuilder(
                self.issuing.subject,
                asked.subject,
                public_key.public_key() if public_key else asked.public_key(),
                secrets.randbits(100),
            )
            .not_valid_before(self.now + start)
            .not_valid_after(self.now + start + timedelta(days=days))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName(names) if names is not None else sans, critical=False)
            .add_extension(
                x509.ExtendedKeyUsage([USAGES[each] for each in usages]) if usages is not None else wanted,
                critical=False,
            )
        )
        if without_signing:
            usage = x509.KeyUsage(False, False, True, False, False, False, False, False, False)
            builder = builder.add_extension(usage, critical=True)
        return builder.sign(self.issuing_key, digest or hashes.SHA256())  # type: ignore[arg-type]
