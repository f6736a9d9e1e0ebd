"""What is worth knowing about a certificate, without the certificate library."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class CertificateFacts:
    """A certificate as people read it. Dates are UTC and aware; fingerprints are lower-case hex without colons."""

    subject: str
    """RFC 4514 text, such as `CN=es-1`."""
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    sha256: str
    """Of the whole DER."""
    key_sha256: str
    """Of the SubjectPublicKeyInfo: equal for a certificate and its key."""
    key_type: str
    """`ec-p256`, `rsa-2048`, …: the words of `KeyType` where there is one."""
    dns_names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    is_ca: bool = False
    key_usage: tuple[str, ...] | None = None
    """None where the extension is absent."""
    extended_key_usage: tuple[str, ...] | None = None
    signature_hash: str | None = None
    der: bytes = b""

    @property
    def names(self) -> tuple[str, ...]:
        """All SANs, host names first."""
        return self.dns_names + self.addresses

    @property
    def serial_hex(self) -> str:
        return f"{self.serial:x}"

    def days_left(self, now: datetime) -> int:
        """Whole days until the certificate ends; negative once it has."""
        return (self.not_after - now).days

    def days_ended(self, now: datetime) -> int:
        """Whole days since the certificate ended; negative while it has not."""
        return (now - self.not_after).days

    def allows(self, usage: str) -> bool:
        """Whether EKU permits `serverAuth` or `clientAuth`: absent means everything (RFC 5280 §4.2.1.12)."""
        return self.extended_key_usage is None or usage in self.extended_key_usage
