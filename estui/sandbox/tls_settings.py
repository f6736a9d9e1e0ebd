"""Owns the settings of one TLS context of a node: reading them and the combinations that Elasticsearch refuses.

Files are read by `material`; contexts are made by `tls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from estui.errors import EstuiError
from estui.model.setting import Setting
from estui.secret import Secret

KNOWN_PROTOCOLS = ("TLSv1.3", "TLSv1.2", "TLSv1.1", "TLSv1", "SSLv3", "SSLv2Hello")
DEFAULT_PROTOCOLS = ("TLSv1.3", "TLSv1.2")
_MODES = ("none", "certificate", "full")
_CLIENT_MODES = ("none", "optional", "required")
_STORE_ENDINGS = (".p12", ".pfx", ".pkcs12")


class SslConfigError(EstuiError):
    """Elasticsearch's `SslConfigException`: the summary is its message."""


class SettingValueError(EstuiError):
    """A value that cannot be parsed: the summary is the message of Elasticsearch's `IllegalArgumentException`."""


@dataclass(frozen=True)
class TlsSettings:
    """One TLS context. Paths are as written in the yml; `prefix` is without the last dot."""

    prefix: str
    enabled: bool
    verification: str
    client_authentication: str
    protocols: tuple[str, ...]
    certificate: str | None = None
    key: str | None = None
    passphrase: Secret | None = None
    authorities: tuple[str, ...] = ()
    keystore: str | None = None
    keystore_type: str = "PKCS12"
    keystore_password: Secret | None = None
    truststore: str | None = None
    truststore_type: str = "PKCS12"
    truststore_password: Secret | None = None

    @property
    def has_key_material(self) -> bool:
        return self.certificate is not None or self.keystore is not None


@dataclass(frozen=True)
class _Source:
    prefix: str
    plain: Mapping[str, Setting]
    secure: Mapping[str, bytes]

    def text(self, name: str) -> str | None:
        found = self.plain.get(f"{self.prefix}.{name}")
        return found.text if found is not None and found.text else None

    def items(self, name: str) -> tuple[str, ...]:
        found = self.plain.get(f"{self.prefix}.{name}")
        return found.items if found is not None else ()

    def mode(self, name: str, default: str, known: tuple[str, ...]) -> str:
        """A word of a closed list. Raises SettingValueError."""
        found = (self.text(name) or default).lower()
        if found not in known:
            raise SettingValueError(f"Failed to parse value for setting [{self.prefix}.{name}]")
        return found

    def password(self, secure: str, legacy: str) -> Secret | None:
        """Of a store or key: from the secure settings, or in clear from the yml (deprecated since 7.17)."""
        stored, written = self.secure.get(f"{self.prefix}.{secure}"), self.text(legacy)
        if stored is not None and written is not None:
            raise SslConfigError(f"cannot specify both [{secure}] and [{legacy}]")
        if stored is not None:
            return Secret(stored.decode("utf-8", "replace"))
        return Secret(written) if written is not None else None


def read_tls_settings(
    prefix: str, plain: Mapping[str, Setting], secure: Mapping[str, bytes], *, client_authentication: str
) -> TlsSettings:
    """Settings of the context `prefix` (without the last dot); the default of client authentication is the layer's.

    Raises SslConfigError: a combination or value that Elasticsearch refuses. SettingValueError: a mode it knows not.
    Source: `SslConfigurationLoader` of libs/ssl-config, 9.1.0.
    """
    source = _Source(prefix, plain, secure)
    protocols = source.items("supported_protocols") or DEFAULT_PROTOCOLS
    certificate, key, keystore = source.text("certificate"), source.text("key"), source.text("keystore.path")
    _check_pair(certificate, key, keystore)
    passphrase = source.password("secure_key_passphrase", "key_passphrase") if key else None
    keystore_password = source.password("keystore.secure_password", "keystore.password") if keystore else None
    verification = source.mode("verification_mode", "full", _MODES)
    client = source.mode("client_authentication", client_authentication, _CLIENT_MODES)
    authorities, truststore = source.items("certificate_authorities"), source.text("truststore.path")
    if authorities and truststore:
        raise SslConfigError("cannot specify both [certificate_authorities] and [truststore.path]")
    truststore_password = source.password("truststore.secure_password", "truststore.password") if truststore else None
    if not set(protocols) & set(KNOWN_PROTOCOLS):
        raise SslConfigError(
            "java.lang.IllegalArgumentException: no supported SSL/TLS protocol was found in the configured supported "
            f"protocols: [{', '.join(protocols)}]"
        )
    return TlsSettings(
        prefix=prefix,
        enabled=source.text("enabled") == "true",
        verification=verification,
        client_authentication=client,
        protocols=protocols,
        certificate=certificate,
        key=key,
        passphrase=passphrase,
        authorities=authorities,
        keystore=keystore,
        keystore_type=_store_type(source.text("keystore.type"), keystore),
        keystore_password=keystore_password,
        truststore=truststore,
        truststore_type=_store_type(source.text("truststore.type"), truststore),
        truststore_password=truststore_password,
    )


def _check_pair(certificate: str | None, key: str | None, keystore: str | None) -> None:
    if certificate and keystore:
        raise SslConfigError("cannot specify both [certificate] and [keystore.path]")
    if certificate and not key:
        raise SslConfigError("cannot specify [certificate] without also setting [key]")
    if key and not certificate:
        raise SslConfigError("cannot specify [key] without also setting [certificate]")


def server_complaint(settings: TlsSettings, plain: Mapping[str, Setting], secure: Mapping[str, bytes]) -> str:
    """What `SSLService.validateServerConfiguration` says about a context, or the empty text."""
    prefix = settings.prefix
    if settings.enabled:
        if settings.has_key_material:
            return ""
        return (
            f"invalid SSL configuration for {prefix} - server ssl configuration requires a key and certificate, but "
            f"these have not been configured; you must set either [{prefix}.keystore.path], or both [{prefix}.key] "
            f"and [{prefix}.certificate]"
        )
    if f"{prefix}.enabled" in plain:
        return ""
    names = sorted(name for name in (*plain, *secure) if name.startswith(f"{prefix}."))
    if not names:
        return ""
    return (
        f"invalid configuration for {prefix} - [{prefix}.enabled] is not set, but the following settings have been "
        f"configured in elasticsearch.yml : [{','.join(names)}]"
    )


def _store_type(text: str | None, path: str | None) -> str:
    # `SslConfigurationKeys`/`KeyStoreUtil.inferKeyStoreType`: by the end of the name, anything else is JKS.
    if text:
        return text
    return "PKCS12" if path and path.lower().endswith(_STORE_ENDINGS) else "jks"
