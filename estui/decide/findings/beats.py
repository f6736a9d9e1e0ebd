"""Rules about Beats: their output's settings, its user, whom they trust, and the mode of the yml (beats.md §2).

Their keystore and keys are `beats_keystore`'s.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from estui.decide.beats_paths import modules, sources
from estui.decide.beats_pins import PIN, why_ignored
from estui.decide.findings.rule import Facts, Hit, Text, about_beat
from estui.decide.findings.view import at_beat, client_authentication, listed, place, tls_on
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import Fault, ObservedBeat
from estui.model.setting import Setting

OUTPUT = "output.elasticsearch"
_PREFIXES = (
    f"{OUTPUT}.ssl",
    "setup.kibana.ssl",
    "monitoring.elasticsearch.ssl",
    "xpack.monitoring.elasticsearch.ssl",
)
_MODULES = ("elasticsearch", "kibana", "logstash", "beat")
"""Modules of Metricbeat that ask the stack for its figures."""
_OPTIONS = (
    *("enabled", "certificate_authorities", "certificate", "key", "key_passphrase", "key_passphrase_path"),
    *("verification_mode", PIN, "ca_sha256", "supported_protocols", "cipher_suites"),
    *("curve_types", "renegotiation", "restart_on_cert_change.enabled", "restart_on_cert_change.period"),
    *("certificate_reload.enabled", "certificate_reload.period", "disable_legacy_pem_support"),
)
_MODES = ("full", "strict", "certificate", "none")
_GO = "elastic-agent-libs, tlscommon; seen with filebeat 7.17.29"
_OTHERS = ("elastic", "kibana_system", "kibana", "logstash_system", "beats_system", "apm_system")
_ROLES = ("monitoring_user", "superuser", "kibana_admin", "remote_monitoring_agent", "remote_monitoring_collector")


def _tls_options(beat: ObservedBeat) -> Iterator[tuple[str, str, Setting, str]]:
    """Whole name, last part, setting and place of each TLS option, also of modules that talk to the stack."""
    for key, setting in beat.settings.items():
        for prefix in _PREFIXES:
            if key.startswith(f"{prefix}."):
                yield key, key.removeprefix(f"{prefix}."), setting, at_beat(beat, key)
    for path, item, settings in modules(beat, _MODULES):
        for key, setting in settings.items():
            if key.startswith(f"{item}.ssl."):
                yield key, key.removeprefix(f"{item}.ssl."), setting, place(beat.entry.config, path, setting)


def _all_settings(beat: ObservedBeat) -> Iterator[tuple[str, Setting, str]]:
    """Settings of the yml and of the modules that are switched on, each with its place."""
    for key, setting in beat.settings.items():
        yield key, setting, at_beat(beat, key)
    for path, settings in beat.modules.items():
        for key, setting in settings.items():
            yield key, setting, place(beat.entry.config, path, setting)


@about_beat(
    Text(
        "beat-setting-unknown",
        Severity.WARNING,
        "a TLS option that Beats do not know",
        "the Beat ignores it in silence",
        "correct the name; Kibana's names (certificateAuthorities) are not those of Beats",
        _GO,
    )
)
def setting_unknown(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key, name, _, where in _tls_options(beat):
        if name not in _OPTIONS:
            near = difflib.get_close_matches(name, _OPTIONS, 1)
            hint = f"did you mean {near[0]}?" if near else ""
            yield Hit(beat.target, f"{key} is not known", where, hint)


@about_beat(
    Text(
        "beat-verification-invalid",
        Severity.FATAL,
        "a verification mode that Beats do not know",
        "the Beat exits: unknown verification mode; a number is taken by newer ones, and can switch checks off",
        "write full, strict, certificate or none, in lower case",
        _GO,
    )
)
def verification_invalid(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key, name, setting, where in _tls_options(beat):
        text = setting.text or "full"
        if name == "verification_mode" and text not in _MODES and "${" not in text:
            yield Hit(beat.target, f"{key} is {text!r}", where)


@about_beat(
    Text(
        "beat-verification-none",
        Severity.ERROR,
        "a Beat does not verify certificates",
        "the Beat gives its password to whoever answers; ca_sha256 is ignored too",
        "set certificate_authorities, and remove verification_mode",
        _GO,
    )
)
def verification_none(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key, setting, where in _all_settings(beat):
        if key.endswith(".ssl.verification_mode") and setting.text == "none":
            yield Hit(beat.target, f"{key} is none", where)


@about_beat(
    Text(
        "beat-fingerprint-form",
        Severity.ERROR,
        "a CA fingerprint that is no hex SHA-256 without colons",
        "the handshake fails: encoding/hex: invalid byte, or unknown authority",
        "openssl x509 -fingerprint -sha256 -noout -in ca.crt, and take the colons out",
        _GO,
    )
)
def fingerprint_form(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key, name, setting, where in _tls_options(beat):
        if name == PIN and "${" not in setting.text and not _is_hex_digest(setting.text):
            yield Hit(beat.target, f"{key} is not 64 hex digits", where)


def _is_hex_digest(text: str) -> bool:
    return len(text) == 64 and all(digit in "0123456789abcdefABCDEF" for digit in text)


@about_beat(
    Text(
        "beat-user",
        Severity.WARNING,
        "a Beat publishes as a user that is not meant for that",
        "elastic may do everything; the other built-in users may not write events: 403",
        "make a user with the role of a publisher (create_doc, auto_configure, monitor), and no more",
        "grant privileges for publishing (elastic.co documentation)",
    )
)
def user(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    key = f"{OUTPUT}.username"
    name = beat.setting(key)
    if name in _OTHERS:
        yield Hit(beat.target, f"{key} is {name}", at_beat(beat, key))


@about_beat(
    Text(
        "beat-user-is-role",
        Severity.ERROR,
        "a role in the place of a user",
        "Elasticsearch answers 401: there is no such user",
        "the built-in user for monitoring is remote_monitoring_user",
        "a page of the documentation calls monitoring_user a user; it is a role",
    )
)
def user_is_role(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key, setting, where in _all_settings(beat):
        if key.endswith(".username") and setting.text in _ROLES:
            yield Hit(beat.target, f"{key} is {setting.text}, which is a role", where)


@about_beat(
    Text(
        "beat-setup-user",
        Severity.WARNING,
        "a Beat publishes as its set-up user",
        "Elasticsearch does not care; the agent may manage indices and dashboards all the time",
        "use the set-up user for `setup` only, and a publisher afterwards",
        "grant privileges for setup (elastic.co documentation)",
    )
)
def setup_user(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    key = f"{OUTPUT}.username"
    name = beat.setting(key) or ""
    if name.endswith("_setup"):
        yield Hit(beat.target, f"{key} is {name}", at_beat(beat, key))


@about_beat(
    Text(
        "beat-password-in-yml",
        Severity.NOTE,
        "a password in clear text in the Beat's yml",
        "the Beat does not care; whoever reads the file has the password",
        "BEAT keystore add ES_PWD, and write ${ES_PWD}; a value that looks like a number is changed on the way",
        "beats keystore (elastic.co documentation)",
    )
)
def password_in_yml(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key in beat.settings:
        text = beat.setting(key) or ""
        if key.endswith((".password", ".key_passphrase", ".api_key")) and text and "${" not in text:
            yield Hit(beat.target, f"{key} is in clear text", at_beat(beat, key))


@about_beat(
    Text(
        "beat-client-certificate-missing",
        Severity.ERROR,
        "Elasticsearch demands client certificates, and the Beat has none",
        "the Beat fails after the handshake: remote error: tls: certificate required",
        "set ssl.certificate and ssl.key of the output, or client_authentication of the nodes to optional",
        _GO,
    )
)
def client_certificate_missing(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    demanding = [
        node.target
        for node in facts.nodes
        if tls_on(node, Layer.HTTP) and client_authentication(node, Layer.HTTP) == "required"
    ]
    key = f"{OUTPUT}.ssl.certificate"
    if demanding and f"{OUTPUT}.hosts" in beat.settings and key not in beat.settings:
        yield Hit(beat.target, f"{listed(demanding)} demand one", at_beat(beat, key))


@about_beat(
    Text(
        "beat-file-unusable",
        Severity.FATAL,
        "a TLS file of a Beat that is not there or not what its setting says",
        "the Beat exits: no such file or directory, or is not a certificate; one bad entry of a list fails all",
        "put the right file there; write absolute names, as the Beat's own host sees them",
        _GO,
    )
)
def file_unusable(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for named in beat.trust.named:
        absolute = named.name.startswith("/")
        if named.fault in (Fault.BROKEN, Fault.NOT_A_FILE) or (named.fault is Fault.MISSING and absolute):
            yield Hit(beat.target, named.detail, at_beat(beat, f"{OUTPUT}.ssl.{named.setting}"))


@about_beat(
    Text(
        "beat-path-relative",
        Severity.WARNING,
        "a relative name of a TLS file",
        "the Beat looks in the folder in which its process was started, wherever that is",
        "write an absolute name",
        _GO,
    )
)
def path_relative(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for named in beat.trust.named:
        if not named.name.startswith(("/", "${")):
            summary = f"{named.name} is relative"
            yield Hit(beat.target, summary, at_beat(beat, f"{OUTPUT}.ssl.{named.setting}"))


@about_beat(
    Text(
        "beat-yml-writable",
        Severity.FATAL,
        "the Beat's yml can be written by its group or by everybody",
        "the Beat exits: config file can only be writable by the owner",
        "chmod go-w the file",
        "strict permission checks; seen with filebeat 7.17.29: 0660 is refused",
    )
)
def yml_writable(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for name, state in beat.files.items():
        if name.endswith(".yml") and state.mode & 0o022:
            yield Hit(beat.target, f"{name} has mode {state.mode:04o}", place(beat.entry.config, name))


@about_beat(
    Text(
        "beat-fingerprint-ignored",
        Severity.ERROR,
        "a pinned CA fingerprint that this Beat does not look at",
        "it is ignored in silence, and the Beat fails: x509: certificate signed by unknown authority",
        "write ssl.certificate_authorities with the CA file instead",
        "seen with Beats 7.17.0 and 7.17.29, which lack ca_trusted_fingerprint; strict asks the CA files only",
    )
)
def fingerprint_ignored(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for key, name, setting, where in _tls_options(beat):
        why = why_ignored(beat, _settings_of(beat, setting), key.removesuffix(f".ssl.{PIN}")) if name == PIN else ""
        if why:
            yield Hit(beat.target, f"{key}: {why}", where)


def _settings_of(beat: ObservedBeat, setting: Setting) -> Mapping[str, Setting]:
    """All settings of the yml that a setting stands in."""
    return next(found for _, found in sources(beat) if found.get(setting.key) is setting)


RULES = (
    setting_unknown,
    verification_invalid,
    verification_none,
    fingerprint_form,
    user,
    user_is_role,
    setup_user,
    password_in_yml,
    client_certificate_missing,
    file_unusable,
    path_relative,
    yml_writable,
    fingerprint_ignored,
)
