"""Rules about Kibana: who it is to Elasticsearch, its secrets and values. Its TLS files are in `kibana_tls`, whether it
trusts the nodes in `clients`."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.rule import FROM_8, V8, Facts, Hit, Text, about_cluster, about_kibana
from estui.decide.findings.view import at_kibana, client_authentication, listed, place, secured, tls_on
from estui.decide.kibana_wishes import differing_keys, missing_keys
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ObservedKibana

USERNAME, PASSWORD, TOKEN = "elasticsearch.username", "elasticsearch.password", "elasticsearch.serviceAccountToken"
CLIENT_CERTIFICATE, CLIENT_KEY = "elasticsearch.ssl.certificate", "elasticsearch.ssl.key"
CLIENT_STORE = "elasticsearch.ssl.keystore.path"
_SCHEMA = "Kibana, elasticsearch_config.ts and ssl_config.ts"
_VALUES = {
    "elasticsearch.ssl.verificationMode": ("full", "certificate", "none"),
    "server.ssl.clientAuthentication": ("none", "optional", "required"),
    "server.ssl.enabled": ("true", "false"),
}
_KEY_LENGTH = 32
"""Characters that Kibana wants in an encryption key at least."""


def _has(kibana: ObservedKibana, key: str) -> bool:
    return key in kibana.settings or key in kibana.keystore.names


def _major_8(kibana: ObservedKibana) -> bool:
    return kibana.version is None or kibana.version >= V8


def has_client_certificate(kibana: ObservedKibana) -> bool:
    return CLIENT_STORE in kibana.settings or {CLIENT_CERTIFICATE, CLIENT_KEY} <= set(kibana.settings)


@about_kibana(
    Text(
        "kibana-user-elastic",
        Severity.FATAL,
        "Kibana uses the superuser elastic",
        "8.0 and later refuse to start: value of elastic is forbidden; 7.x warns",
        "set elasticsearch.username to kibana_system: estui plan minimal",
        _SCHEMA,
    )
)
def user_elastic(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    if kibana.setting(USERNAME) == "elastic":
        severity = None if _major_8(kibana) else Severity.WARNING
        yield Hit(kibana.target, f"{USERNAME} is elastic", at_kibana(kibana, USERNAME), severity=severity)


@about_kibana(
    Text(
        "kibana-user-kibana",
        Severity.WARNING,
        "Kibana uses the old user kibana",
        "Kibana works and warns; setting kibana_system's password does not set kibana's",
        "set elasticsearch.username to kibana_system",
        "deprecated since 7.8; seen on Elasticsearch 9.1.0: two users, two passwords",
    )
)
def user_kibana(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    if kibana.setting(USERNAME) == "kibana":
        yield Hit(kibana.target, f"{USERNAME} is kibana", at_kibana(kibana, USERNAME))


@about_kibana(
    Text(
        "kibana-token-and-user",
        Severity.FATAL,
        "Kibana has a service token and a user name",
        "Kibana refuses to start: serviceAccountToken cannot be specified when username is also set",
        "keep one of the two",
        _SCHEMA,
    )
)
def token_and_user(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    if _has(kibana, TOKEN) and _has(kibana, USERNAME):
        yield Hit(kibana.target, f"both {TOKEN} and {USERNAME} are set", at_kibana(kibana, USERNAME))


@about_kibana(
    Text(
        "kibana-password-is-number",
        Severity.WARNING,
        "a secret in kibana.keystore that is not text",
        "Kibana took it for JSON when it was added: leading zeros and the way a number is written are lost",
        'add it again in double quotes: kibana-keystore add elasticsearch.password, then "0123"',
        "kibana-keystore add parses values as JSON (8.x and 9.x)",
    )
)
def password_is_number(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for name in kibana.keystore.not_text:
        if name.lower().endswith(("password", "passphrase", "token", "encryptionkey")):
            yield Hit(kibana.target, f"{name} is not text", place(kibana.entry.config, "kibana.keystore"))


@about_kibana(
    Text(
        "kibana-password-in-yml",
        Severity.WARNING,
        "a secret in clear text in kibana.yml",
        "Kibana does not care; whoever reads the file has the password",
        "kibana-keystore add NAME, then remove the line",
        "kibana-keystore (elastic.co documentation)",
    )
)
def password_in_yml(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for key in kibana.settings:
        secret = key == TOKEN or key.endswith((".password", ".keyPassphrase"))
        if secret and "${" not in (kibana.setting(key) or ""):
            hint = f"kibana-keystore add {key}, then remove the line"
            yield Hit(kibana.target, f"{key} is in clear text", at_kibana(kibana, key), hint)


@about_kibana(
    Text(
        "kibana-without-credentials",
        Severity.ERROR,
        "Elasticsearch asks for credentials, and Kibana has none",
        "Kibana does not become available: 401 missing authentication credentials",
        "estui plan minimal gives it the user kibana_system",
        "seen on Elasticsearch 9.1.0",
    )
)
def without_credentials(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    if not facts.nodes or not all(secured(node) for node in facts.nodes):
        return
    if kibana.keystore.present and not kibana.keystore.opened:
        return
    complete = _has(kibana, USERNAME) and _has(kibana, PASSWORD)
    if not complete and not _has(kibana, TOKEN) and not has_client_certificate(kibana):
        missing = PASSWORD if _has(kibana, USERNAME) else USERNAME
        yield Hit(kibana.target, f"{missing} is not set", at_kibana(kibana, missing))


@about_kibana(
    Text(
        "kibana-certificate-and-user",
        Severity.WARNING,
        "Kibana has a client certificate and a user name",
        "the user name wins: the certificate opens the connection and says nothing about who Kibana is",
        "remove elasticsearch.username and the password, if the PKI realm shall decide",
        "mutual TLS between Kibana and Elasticsearch (elastic.co documentation)",
    )
)
def certificate_and_user(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    pki = any(key.startswith("xpack.security.authc.realms.pki.") for node in facts.nodes for key in node.settings)
    meant = kibana.trust.managed  # estui gives it one to pass the handshake, and leaves it its user
    if pki and has_client_certificate(kibana) and _has(kibana, USERNAME) and not meant:
        yield Hit(kibana.target, f"a client certificate and {USERNAME}", at_kibana(kibana, USERNAME))


@about_kibana(
    Text(
        "kibana-client-certificate-missing",
        Severity.ERROR,
        "Elasticsearch demands client certificates, and Kibana has none",
        "Elasticsearch refuses Kibana in the handshake: Empty client certificate chain",
        "give it one (estui plan mutual), or set client_authentication to optional",
        "seen on Elasticsearch 9.1.0",
    )
)
def client_certificate_missing(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    demanding = [
        node.target
        for node in facts.nodes
        if tls_on(node, Layer.HTTP) and client_authentication(node, Layer.HTTP) == "required"
    ]
    if demanding and not has_client_certificate(kibana):
        yield Hit(kibana.target, f"{listed(demanding)} demand one", at_kibana(kibana, CLIENT_CERTIFICATE))


@about_kibana(
    Text(
        "kibana-value-invalid",
        Severity.FATAL,
        "a setting with a value that Kibana does not know",
        "Kibana refuses to start: types that failed validation",
        "use one of the values that are named",
        _SCHEMA,
    )
)
def value_invalid(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for key, known in _VALUES.items():
        text = kibana.setting(key)
        if text is not None and text not in known and "${" not in text:
            yield Hit(kibana.target, f"{key} is {text!r}", at_kibana(kibana, key), f"one of {', '.join(known)}")


@about_kibana(
    Text(
        "kibana-setting-removed",
        Severity.FATAL,
        "xpack.security.enabled in kibana.yml",
        "8.0 and later refuse to start: Unknown configuration key(s)",
        "remove it: Kibana follows Elasticsearch",
        "removed in Kibana 8.0",
        FROM_8,
    )
)
def setting_removed(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    if "xpack.security.enabled" in kibana.settings:
        yield Hit(
            kibana.target, "xpack.security.enabled does not exist any more", at_kibana(kibana, "xpack.security.enabled")
        )


@about_kibana(
    Text(
        "kibana-encryption-key-short",
        Severity.FATAL,
        "an encryption key with fewer than 32 characters",
        "Kibana refuses to start: value has length [...] but it must have a minimum length of [32]",
        "kibana-encryption-keys generate makes good ones",
        "xpack.security.encryptionKey (elastic.co documentation)",
    )
)
def encryption_key_short(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for key in kibana.settings:
        text = kibana.setting(key) or ""
        if key.endswith(".encryptionKey") and len(text) < _KEY_LENGTH and "${" not in text:
            yield Hit(kibana.target, f"{key} has {len(text)} characters", at_kibana(kibana, key))


@about_kibana(
    Text(
        "kibana-encryption-key-unset",
        Severity.NOTE,
        "Kibana makes a new session key at each start",
        "everybody is logged out when Kibana restarts, and several instances do not share sessions",
        "estui plan https --kibana-keys gives all instances the same ones, in kibana.keystore",
        "xpack.security.encryptionKey (elastic.co documentation)",
    )
)
def encryption_key_unset(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    key = "xpack.security.encryptionKey"
    unknown = kibana.keystore.present and not kibana.keystore.opened
    if not _has(kibana, key) and not unknown and facts.nodes and all(secured(node) for node in facts.nodes):
        severity = Severity.WARNING if len(facts.observed.kibana) > 1 else None
        yield Hit(kibana.target, f"{key} is not set", at_kibana(kibana, key), severity=severity)


@about_cluster(
    Text(
        "kibana-encryption-keys-differ",
        Severity.ERROR,
        "Kibana instances with different encryption keys",
        "what one instance encrypted (sessions, alert rules, connectors, reports) the others cannot read",
        "give all of them the same; estui plan https --kibana-keys gives it to those that have none",
        "Kibana in production: several instances (elastic.co documentation)",
    )
)
def encryption_keys_differ(facts: Facts) -> Iterator[Hit]:
    for name, owners in differing_keys(facts.observed):
        yield Hit(owners[0].target, f"{name} is another one on {listed(each.target for each in owners[1:])}", "")
    for kibana in facts.kibana:
        owned = {name for other in facts.kibana for name, _ in other.shared}
        unread = kibana.keystore.present and not kibana.keystore.opened
        for name in () if unread else missing_keys(kibana):
            if name in owned:
                at, severity = at_kibana(kibana, name), Severity.WARNING
                yield Hit(kibana.target, f"{name} is not set, and on other instances it is", at, severity=severity)


@about_kibana(
    Text(
        "kibana-public-url",
        Severity.NOTE,
        "server.publicBaseUrl says http, and Kibana speaks https",
        "links in alerts and reports lead nowhere",
        "write https:// into server.publicBaseUrl",
        "server.publicBaseUrl (elastic.co documentation)",
    )
)
def public_url(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    url = kibana.setting("server.publicBaseUrl") or ""
    if url.startswith("http://") and kibana.setting("server.ssl.enabled") == "true":
        yield Hit(kibana.target, f"server.publicBaseUrl is {url}", at_kibana(kibana, "server.publicBaseUrl"))


RULES = (
    user_elastic,
    user_kibana,
    token_and_user,
    password_is_number,
    password_in_yml,
    without_credentials,
    certificate_and_user,
    client_certificate_missing,
    value_invalid,
    setting_removed,
    encryption_key_short,
    encryption_key_unset,
    encryption_keys_differ,
    public_url,
)
