"""Rules about Kibana's TLS contexts: `server.ssl` towards browsers, `elasticsearch.ssl` towards the nodes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from estui.decide.findings.kibana import CLIENT_CERTIFICATE, CLIENT_KEY
from estui.decide.findings.rule import Facts, Hit, Text, about_kibana
from estui.decide.findings.view import at_kibana, place
from estui.model.finding import Severity
from estui.model.observed import Fault, NamedFile, ObservedKibana

_SCHEMA = "Kibana, elasticsearch_config.ts and ssl_config.ts"
_ENROLLED = re.compile(r"/data/ca_\d+\.crt$|^/var/lib/kibana/")
"""Where Kibana puts the CA of the cluster that it was enrolled in. Source: Kibana, `interactive_setup`, `kibana_config_
writer.ts`."""
_ENROLLED_HINT = "it lies in Kibana's data folder: mount that too, and write `data:` for this instance into estui.yaml"
_SETTINGS = {"certificate_authorities": "certificateAuthorities"}


@about_kibana(
    Text(
        "kibana-half-client-certificate",
        Severity.WARNING,
        "a client certificate without its key, or the other way round",
        "Kibana warns and uses neither",
        "set both elasticsearch.ssl.certificate and elasticsearch.ssl.key, or none",
        _SCHEMA,
    )
)
def half_client_certificate(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    there = [key for key in (CLIENT_CERTIFICATE, CLIENT_KEY) if key in kibana.settings]
    if len(there) == 1:
        yield Hit(kibana.target, f"only {there[0]} is set", at_kibana(kibana, there[0]))


@about_kibana(
    Text(
        "kibana-pem-and-keystore",
        Severity.FATAL,
        "PEM files and a keystore for the same context",
        "Kibana refuses to start: cannot use [key] when [keystore.path] is specified",
        "keep one of the two",
        _SCHEMA,
    )
)
def pem_and_keystore(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for prefix in ("server.ssl", "elasticsearch.ssl"):
        pem = next((f"{prefix}.{name}" for name in ("key", "certificate") if f"{prefix}.{name}" in kibana.settings), "")
        if pem and f"{prefix}.keystore.path" in kibana.settings:
            yield Hit(kibana.target, f"both {pem} and {prefix}.keystore.path", at_kibana(kibana, pem))


@about_kibana(
    Text(
        "kibana-tls-without-certificate",
        Severity.FATAL,
        "server.ssl is on without a certificate",
        "Kibana refuses to start: must specify [certificate] and [key] -- or [keystore.path] -- when ssl is enabled",
        "set server.ssl.certificate and server.ssl.key: estui plan https",
        _SCHEMA,
    )
)
def tls_without_certificate(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    pem = {"server.ssl.certificate", "server.ssl.key"} <= set(kibana.settings)
    if kibana.setting("server.ssl.enabled") == "true" and not pem and "server.ssl.keystore.path" not in kibana.settings:
        yield Hit(kibana.target, "server.ssl has no certificate", at_kibana(kibana, "server.ssl.enabled"))


@about_kibana(
    Text(
        "kibana-client-authentication-without-tls",
        Severity.FATAL,
        "Kibana asks browsers for certificates without TLS",
        "Kibana refuses to start: must enable ssl to use [clientAuthentication]",
        "set server.ssl.enabled: true, or remove server.ssl.clientAuthentication",
        _SCHEMA,
    )
)
def client_authentication_without_tls(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    key = "server.ssl.clientAuthentication"
    if kibana.setting(key) in ("optional", "required") and kibana.setting("server.ssl.enabled") != "true":
        yield Hit(kibana.target, f"{key} is {kibana.setting(key)}", at_kibana(kibana, key))


@about_kibana(
    Text(
        "kibana-verification-none",
        Severity.ERROR,
        "Kibana does not verify Elasticsearch's certificates",
        "Kibana gives its password to whoever answers",
        "set elasticsearch.ssl.certificateAuthorities, and remove verificationMode: estui plan https",
        _SCHEMA,
    )
)
def verification_none(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    key = "elasticsearch.ssl.verificationMode"
    if kibana.setting(key) == "none":
        yield Hit(kibana.target, f"{key} is none", at_kibana(kibana, key))


def _files(kibana: ObservedKibana) -> Iterator[tuple[str, NamedFile]]:
    """Files of both contexts, each with the whole name of its setting."""
    for prefix, disk in (("server.ssl", kibana.disk), ("elasticsearch.ssl", kibana.trust)):
        for named in disk.named:
            yield f"{prefix}.{_SETTINGS.get(named.setting, named.setting)}", named


@about_kibana(
    Text(
        "kibana-file-unusable",
        Severity.FATAL,
        "a TLS file of Kibana that is not there or not what its setting says",
        "Kibana refuses to start: ENOENT, EACCES, or PEM routines: no start line",
        "put the right file there; names are absolute, as Kibana's own host sees them",
        "Kibana reads certificates once, at start (7.6 and later)",
    )
)
def file_unusable(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for key, named in _files(kibana):
        if named.fault in (Fault.MISSING, Fault.BROKEN, Fault.NOT_A_FILE, Fault.PASSWORD):
            yield Hit(kibana.target, named.detail, at_kibana(kibana, key))


@about_kibana(
    Text(
        "kibana-file-unseen",
        Severity.NOTE,
        "a TLS file of Kibana that lies outside of the mounted folder",
        "Kibana reads it from anywhere on its host; nothing in it could be checked here",
        "mount the folder that holds it, or move the file into the configuration folder",
        "the folder as this host sees it",
    )
)
def file_unseen(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for key, named in _files(kibana):
        if named.fault in (Fault.OUTSIDE, Fault.UNREADABLE):
            hint = _ENROLLED_HINT if _ENROLLED.search(named.name) else ""
            yield Hit(kibana.target, named.detail, at_kibana(kibana, key), hint)


@about_kibana(
    Text(
        "kibana-key-readable",
        Severity.WARNING,
        "a private key of Kibana that everybody on the host can read",
        "Kibana does not care",
        "chmod o= the file; 0640 with the group of kibana.yml is usual",
        "file mode",
    )
)
def key_readable(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for _, named in _files(kibana):
        if named.setting in ("key", "keystore.path") and named.mode & 0o007:
            where = place(kibana.entry.config, named.relative)
            yield Hit(kibana.target, f"{named.name} has mode {named.mode:04o}", where)


@about_kibana(
    Text(
        "kibana-key-of-another-certificate",
        Severity.FATAL,
        "certificate and key of Kibana do not belong together",
        "Kibana refuses to start: key values mismatch",
        "put the right key beside the certificate: estui rotate",
        "OpenSSL: X509_R_KEY_VALUES_MISMATCH",
    )
)
def key_of_another_certificate(kibana: ObservedKibana, facts: Facts) -> Iterator[Hit]:
    for prefix, disk in (("server.ssl", kibana.disk), ("elasticsearch.ssl", kibana.trust)):
        if disk.leaf is not None and disk.key_sha256 and disk.key_sha256 != disk.leaf.key_sha256:
            summary = f"{prefix}: the key is not that of {disk.leaf.subject}"
            yield Hit(kibana.target, summary, at_kibana(kibana, f"{prefix}.certificate"))


RULES = (
    half_client_certificate,
    pem_and_keystore,
    tls_without_certificate,
    client_authentication_without_tls,
    verification_none,
    file_unusable,
    file_unseen,
    key_readable,
    key_of_another_certificate,
)
