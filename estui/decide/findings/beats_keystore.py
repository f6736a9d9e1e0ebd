"""Rules about a Beat's keystore and keys: what does not arrive as it was stored, who holds a name, which forms of files
its build reads (beats.md §1, §2)."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.beats_names import names_used, unheld
from estui.decide.beats_paths import keystore_file
from estui.decide.findings.rule import Facts, Hit, Text, about_beat
from estui.decide.findings.view import place
from estui.formats.beats_keystore import FIPS_VERSION
from estui.model.finding import Severity
from estui.model.observed import ObservedBeat

_SEEN = "strict permission checks; seen with filebeat 7.17.29: 0640, 0400 and 0700 are refused"
_ENCRYPTED, _LEGACY = b"-----BEGIN ENCRYPTED PRIVATE KEY", b"DEK-Info:"


def _at_keystore(beat: ObservedBeat) -> str:
    home = beat.entry.data if beat.keystore_in_data and beat.entry.data else beat.entry.config
    return place(home, keystore_file(beat))


@about_beat(
    Text(
        "beat-keystore-mode",
        Severity.FATAL,
        "the Beat's keystore has another mode than 0600",
        "the Beat exits: can only be writable and readable by the owner",
        "chmod 0600 the file",
        _SEEN,
    )
)
def keystore_mode(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    for name, state in beat.files.items():
        if name.endswith(".keystore") and state.exists and state.mode not in (0, 0o600):
            yield Hit(beat.target, f"{name} has mode {state.mode:04o}", place(beat.entry.config, name))


@about_beat(
    Text(
        "beat-keystore-leftover",
        Severity.WARNING,
        "a half-written keystore of a Beat was left behind",
        "the Beat's own `keystore add` takes over its mode, and then the Beat may refuse its keystore",
        "remove the file whose name ends in .keystore.tmp",
        _SEEN,
    )
)
def keystore_leftover(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    name = f"{keystore_file(beat)}.tmp"
    state = beat.files.get(name)
    if state is not None and state.exists:
        hint = f"rm {place(beat.entry.config, name)}"
        yield Hit(beat.target, f"{name} is left over", place(beat.entry.config, name), hint)


@about_beat(
    Text(
        "beat-secret-altered",
        Severity.ERROR,
        "a secret that a Beat changes on reading",
        "Elasticsearch gets another one (0123 arrives as 83, 1e5 as 100000, on as true) and answers 401; before 8.3 a "
        "comma stops the Beat, and its message can show the secret",
        "set another password, of letters and digits that begins with a letter, and store that one",
        "go-ucfg parses a value again after ${NAME} is put in; seen with filebeat 7.17.29 and 9",
    )
)
def secret_altered(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    used = {name: setting.key for name, _, setting in names_used(beat)}
    for name, why in beat.altered:
        if name in used:
            yield Hit(beat.target, f"{name}, which {used[name]} is, does not arrive: {why}", _at_keystore(beat))


@about_beat(
    Text(
        "beat-name-unknown",
        Severity.WARNING,
        "a ${NAME} that neither the yml nor the keystore of a Beat holds",
        "unless the environment of its process has it, the Beat exits: missing field accessing",
        "BEAT keystore add NAME; or give it to the process (an environment file of the service)",
        "beats keystore (elastic.co documentation); seen with filebeat 7.17.29",
    )
)
def name_unknown(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    if not beat.keystore.opened:
        return  # its keystore may lie in a data folder that is not mounted
    for name, path, setting in unheld(beat):
        summary = f"{setting.key} asks for ${{{name}}}, which is not in its keystore"
        yield Hit(beat.target, summary, place(beat.entry.config, path, setting), f"{beat.kind} keystore add {name}")


@about_beat(
    Text(
        "beat-key-encrypted",
        Severity.ERROR,
        "an encrypted client key in a form that this Beat does not read",
        "the Beat exits: failed to parse private key, or no PEM blocks",
        "write it without a passphrase, mode 0600: openssl pkey -in client.key -out plain.key",
        "elastic-agent-libs, tlscommon; 7.17 reads DEK-Info keys only, a FIPS build no encrypted key",
    )
)
def key_encrypted(beat: ObservedBeat, facts: Facts) -> Iterator[Hit]:
    is_fips = beat.keystore.version == FIPS_VERSION
    is_old = beat.version is not None and beat.version.major < 8
    for named in beat.trust.named:
        state = beat.files.get(named.relative)
        if named.setting != "key" or state is None or not (is_fips or is_old):
            continue
        if _ENCRYPTED in state.content or (is_fips and _LEGACY in state.content):
            whose = (
                "a FIPS build reads no encrypted key" if is_fips else "Beats 7.17 do not read PKCS#8 with a passphrase"
            )
            yield Hit(beat.target, f"{named.name} is encrypted: {whose}", place(beat.entry.config, named.relative))


RULES = (keystore_mode, keystore_leftover, secret_altered, name_unknown, key_encrypted)
