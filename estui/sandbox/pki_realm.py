"""Owns logging in by certificate: the PKI realm of a node, its CAs, its role mapping file, and the licence it needs.

Source: `PkiRealm`, `DnRoleMapper`, `PkiRealmBootstrapCheck` and `InternalRealms` of x-pack-security, 9.1.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature

from estui.errors import EstuiError
from estui.formats.pem import load_certificates
from estui.formats.yml import parse_settings
from estui.sandbox.log import NodeLog
from estui.sandbox.settings import NodeSettings, StartupError
from estui.sandbox.users import Login

LICENSED = ("trial", "gold", "platinum", "enterprise")
_SETTING = re.compile(r"xpack\.security\.authc\.realms\.pki\.([^.]+)\.(.+)")
_DEFAULT_PATTERN = "CN=(.*?)(?:,|$)"
_DEFAULT_MAPPING = "role_mapping.yml"


@dataclass
class PkiRealm:
    """One realm; `mapping` is what its file held when it was last read."""

    name: str
    authorities: tuple[x509.Certificate, ...]
    pattern: re.Pattern[str]
    mapping_file: Path
    mapping: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Role to subjects."""

    def reload(self, path: Path) -> str:
        """Reads the role mapping; why it cannot be read, or nothing."""
        try:
            content = path.read_bytes() if path.exists() else b""
            self.mapping = {key: found.items for key, found in parse_settings(content, path.name).items()}
        except (OSError, EstuiError) as exc:
            return f"org.elasticsearch.ElasticsearchException: could not read file [{path}] for role mappings: {exc}"
        return ""

    def login(self, der: bytes) -> Login | None:
        """Whoever a certificate stands for; None where it is none of this realm's."""
        certificate = x509.load_der_x509_certificate(der)
        subject = certificate.subject.rfc4514_string()
        found = self.pattern.search(subject)
        if found is None or not any(_issued(certificate, each) for each in self.authorities):
            return None
        wanted = subject.lower()
        roles = [role for role, subjects in self.mapping.items() if wanted in map(str.lower, subjects)]
        return Login(found.group(1), tuple(roles), self.name, "pki", metadata=(("pki_dn", subject),))


def _issued(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def read_realm(settings: NodeSettings, log: NodeLog) -> PkiRealm | None:
    """The node's PKI realm; None where it has none, or where it is switched off. Raises StartupError."""
    found = [match for match in map(_SETTING.fullmatch, settings.plain) if match]
    if not found or not settings.security:
        return None
    name = found[0].group(1)
    values = {match.group(2): settings.plain[match.string] for match in found if match.group(1) == name}
    if "enabled" in values and values["enabled"].text == "false":
        return None
    if "order" not in values:
        prefix = f"xpack.security.authc.realms.pki.{name}"
        raise StartupError(f"'order' is a mandatory parameter for realm config. Found invalid config for {prefix}")
    layers = ((settings.transport_tls, settings.transport), (settings.http_tls, settings.http))
    if not any(on and layer.settings.client_authentication != "none" for on, layer in layers):
        raise StartupError(
            "[1] bootstrap checks failed.\nbootstrap check failure [1] of [1]: a PKI realm is enabled but cannot be "
            "used as neither HTTP or Transport have SSL and client authentication enabled",
            kind="org.elasticsearch.node.NodeValidationException",
        )
    text = values["files.role_mapping"].text if "files.role_mapping" in values else _DEFAULT_MAPPING
    pattern = values["username_pattern"].text if "username_pattern" in values else _DEFAULT_PATTERN
    listed = values["certificate_authorities"].items if "certificate_authorities" in values else ()
    authorities = _authorities(settings, name, listed) if listed else settings.http.material.trusted or ()
    realm = PkiRealm(name, tuple(authorities), re.compile(pattern, re.IGNORECASE), settings.config / text)
    if why := realm.reload(realm.mapping_file):
        log.error("o.e.x.s.a.s.DnRoleMapper", why)
    return realm


def _authorities(settings: NodeSettings, name: str, listed: tuple[str, ...]) -> list[x509.Certificate]:
    found: list[x509.Certificate] = []
    for each in listed:
        path = settings.config / each
        try:
            found += load_certificates(path.read_bytes(), str(path))
        except (OSError, EstuiError) as exc:
            raise StartupError(
                f"failed to load SSL configuration [xpack.security.authc.realms.pki.{name}] - cannot read configured "
                f"PEM certificate_authorities [{path}] because the file does not exist",
                kind="org.elasticsearch.ElasticsearchSecurityException",
            ) from exc
    return found
