"""Whether one certificate was signed by another, by name and signature."""

from __future__ import annotations

from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from estui.formats.pem import tolerating_odd_certificates
from estui.model.certificate import CertificateFacts


def is_signed_by(certificate: CertificateFacts, issuer: CertificateFacts) -> bool:
    """Whether `issuer` has the name that `certificate` gives for its issuer, and its key made the signature.

    False as well where the signature is of a kind that cannot be checked.
    """
    return certificate.issuer == issuer.subject and _verified(certificate.der, issuer.der)


@lru_cache(maxsize=4096)
def _verified(certificate: bytes, issuer: bytes) -> bool:
    try:
        with tolerating_odd_certificates():
            x509.load_der_x509_certificate(certificate).verify_directly_issued_by(
                x509.load_der_x509_certificate(issuer)
            )
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
