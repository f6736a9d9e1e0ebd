"""Certificates of estates that were secured by hand: two CAs, and what each node has of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from estui.formats import pem, pkcs12
from estui.model.inventory import KeyType, Layer
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.pki.authority import create_authority, issue_leaf, new_serial
from estui.pki.keys import PrivateKey, generate_key
from estui.secret import Secret

_KEY = KeyType.EC_P256


def security_settings(pkcs12_transport: bool) -> str:
    """The lines of an `elasticsearch.yml` that switch security and TLS on."""
    if pkcs12_transport:
        transport = [
            "xpack.security.transport.ssl.keystore.path: certs/transport.p12",
            "xpack.security.transport.ssl.truststore.path: certs/transport.p12",
        ]
    else:
        transport = _pem_settings("transport")
    return "\n".join(
        [
            "xpack.security.enabled: true",
            "# certificates of the internal CA, renewed by hand each spring",
            "xpack.security.transport.ssl.enabled: true",
            "xpack.security.transport.ssl.verification_mode: full",
            *transport,
            "xpack.security.http.ssl.enabled: true",
            *_pem_settings("http"),
            "",
        ]
    )


def _pem_settings(layer: str) -> list[str]:
    prefix = f"xpack.security.{layer}.ssl"
    return [
        f"{prefix}.certificate: certs/{layer}.crt",
        f"{prefix}.key: certs/{layer}.key",
        f'{prefix}.certificate_authorities: [ "certs/{layer}-ca.crt" ]',
    ]


@dataclass(frozen=True)
class Authorities:
    """Certificate and key of each layer's CA, as PEM, so that they can be handed to other processes."""

    pems: tuple[tuple[str, bytes, bytes], ...]

    @classmethod
    def made(cls) -> Authorities:
        found = []
        for layer in Layer:
            key = generate_key(_KEY)
            request = AuthorityRequest(layer.value, f"benchmark {layer.value} CA", _KEY, 3650)
            authority = create_authority(request, key=key, serial=new_serial(secrets.token_bytes(20)), now=_now())
            found.append((layer.value, pem.certificate_pem(authority), pem.private_key_pem(key)))
        return cls(tuple(found))

    def of(self, layer: Layer) -> tuple[x509.Certificate, PrivateKey]:
        _, certificate, key = next(each for each in self.pems if each[0] == layer.value)
        return pem.load_certificates(certificate, layer.value)[0], pem.load_private_key(key, None, layer.value)


def _now() -> datetime:
    return datetime.now(UTC)


def write_certificates(
    config: Path, name: str, address: str, authorities: Authorities, store_password: str
) -> dict[str, bytes]:
    """`certs/` of a node; with a password its transport layer has one PKCS#12. Returns entries of its keystore."""
    folder = config / "certs"
    folder.mkdir()
    entries: dict[str, bytes] = {}
    for layer in Layer:
        authority, authority_key = authorities.of(layer)
        key = generate_key(_KEY)
        leaf = issue_leaf(
            LeafRequest(
                name,
                layer.value,
                layer.value,
                name,
                (name, "localhost"),
                (address, "127.0.0.1"),
                ("serverAuth", "clientAuth"),
                _KEY,
                397,
            ),
            authority=authority,
            authority_key=authority_key,
            key=key,
            serial=new_serial(secrets.token_bytes(20)),
            now=_now(),
        )
        if layer is Layer.TRANSPORT and store_password:
            entry = pkcs12.KeyEntry(name, key, leaf, (authority,))
            store = pkcs12.write_store([entry], [("ca", authority)], Secret(store_password))
            (folder / "transport.p12").write_bytes(store)
            prefix = "xpack.security.transport.ssl"
            entries[f"{prefix}.keystore.secure_password"] = store_password.encode()
            entries[f"{prefix}.truststore.secure_password"] = store_password.encode()
            continue
        (folder / f"{layer.value}.crt").write_bytes(pem.certificate_pem(leaf) + pem.certificate_pem(authority))
        (folder / f"{layer.value}.key").write_bytes(pem.private_key_pem(key))
        (folder / f"{layer.value}-ca.crt").write_bytes(pem.certificate_pem(authority))
    return entries
