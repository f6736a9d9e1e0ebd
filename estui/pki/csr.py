"""Certificate requests (PKCS#10, RFC 2986): what an external CA is asked for."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from estui.formats.pem import PrivateKey
from estui.model.plan import LeafRequest
from estui.pki.authority import hash_for, key_usage, leaf_name, subject_names, usage_ids


def build_request(request: LeafRequest, key: PrivateKey) -> x509.CertificateSigningRequest:
    """A request signed by its key, with names, KeyUsage and EKU as extensionRequest (RFC 2985 §5.4.2).

    Raises CertificateError: no name, a name or usage that cannot be.
    """
    usage = key_usage(digital_signature=True, key_encipherment=isinstance(key, rsa.RSAPrivateKey))
    builder = (
        x509.CertificateSigningRequestBuilder(leaf_name(request))
        .add_extension(x509.SubjectAlternativeName(subject_names(request)), critical=False)
        .add_extension(usage, critical=True)
    )
    if request.usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usage_ids(request)), critical=False)
    return builder.sign(key, hash_for(key))


def request_pem(request: x509.CertificateSigningRequest) -> bytes:
    """PEM text of a request."""
    return request.public_bytes(serialization.Encoding.PEM)
