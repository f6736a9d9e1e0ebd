"""The changes of each fix, on one target: modes and owners, secrets out of ymls, names that are mistyped or gone.

Each function belongs to one or two rules of the doctor (`fixes.py`) and gives nothing where the right answer is not
sure.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from estui.decide.findings.discovery import MASTERS
from estui.decide.findings.kibana import TOKEN
from estui.decide.findings.known import meant_by
from estui.decide.findings.secure_settings import is_plain
from estui.decide.findings.settings import unknown_settings
from estui.decide.findings.tls_settings import KNOWN, LEGACY, SECURE
from estui.decide.findings.users import TOKENS, USERS, USERS_ROLES
from estui.decide.findings.view import (
    KIBANA_YML,
    NODE_KEYSTORE,
    NODE_YML,
    disk_of,
    read_like_yml,
    ssl_secrets,
    ssl_settings,
)
from estui.decide.kibana import KIBANA_KEYSTORE
from estui.decide.rung import ssl_key
from estui.decide.switching import RELOAD
from estui.model.inventory import Layer
from estui.model.observed import Fault, FileKind, FileState, NamedFile, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import Change, RemoveSecureSetting, RemoveSetting, SetAccess, SetSecureSetting, SetSetting

MOVED = "value:"
"""Begin of the placeholder of what is moved; `value:TARGET/KEY` names the yml setting that it comes from."""
_STARTUP = "secure settings and yml are read at the start"
_KEY_ROLES = ("key", "keystore.path")
_DIGEST = re.compile(r"[0-9a-fA-F]{64}")


# modes and owners


def _access(
    target: str, path: str, state: FileState, mode: int, why: str, owner: tuple[int, int] | None = None
) -> Iterator[SetAccess]:
    """A change of mode or owner, unless all is so already; of plain files only."""
    uid, gid = owner or (state.uid, state.gid)
    if state.kind is not FileKind.FILE or state.error or (state.mode, state.uid, state.gid) == (mode, uid, gid):
        return
    before = f"{state.mode:04o} {state.uid}:{state.gid}"
    yield SetAccess(target, path, mode, uid, gid, before, why)


def _closed(target: str, files: Iterable[NamedFile]) -> Iterator[SetAccess]:
    for named in files:
        if named.setting in _KEY_ROLES and named.mode & 0o007 and named.relative:
            mode = named.mode & ~0o007
            before = f"{named.mode:04o} {named.uid}:{named.gid}"
            why = "a private key is nobody else's matter"
            yield SetAccess(target, named.relative, mode, named.uid, named.gid, before, why)


def closed_keys(node: ObservedNode) -> Iterator[Change]:
    """Private keys lose the rights of everybody else."""
    for layer in Layer:
        yield from _closed(node.target, disk_of(node, layer).named)


def closed_kibana_keys(kibana: ObservedKibana) -> Iterator[Change]:
    """The same for Kibana, for both of its contexts."""
    yield from _closed(kibana.target, (*kibana.disk.named, *kibana.trust.named))


def _like_yml(node: ObservedNode, path: str, state: FileState, mode: int) -> Iterator[Change]:
    yml = node.files.get(NODE_YML)
    if yml is not None and yml.kind is FileKind.FILE and not read_like_yml(yml, state.mode, state.uid, state.gid):
        why = "the user of Elasticsearch reads it like elasticsearch.yml"
        yield from _access(node.target, path, state, mode, why, (yml.uid, yml.gid))


def owned_tls_files(node: ObservedNode) -> Iterator[Change]:
    """TLS files get owner and group of `elasticsearch.yml`, and a mode that lets the group read."""
    for layer in Layer:
        for named in disk_of(node, layer).named:
            state = node.files.get(named.relative)
            if named.mode and state is not None:
                yield from _like_yml(node, named.relative, state, 0o640)


def owned_keystore(node: ObservedNode) -> Iterator[Change]:
    """The keystore as Elasticsearch writes it: 0660, and owner and group of `elasticsearch.yml` where those differ."""
    state = node.files.get(NODE_KEYSTORE)
    if state is None:
        return
    found = list(_like_yml(node, NODE_KEYSTORE, state, 0o660))
    if not found and state.mode & 0o007:
        found = list(_access(node.target, NODE_KEYSTORE, state, state.mode & ~0o007, "it is only obfuscated"))
    yield from found


def owned_realm_files(node: ObservedNode) -> Iterator[Change]:
    """Files of the file realm, as the yml beside them."""
    for name in (USERS, USERS_ROLES, TOKENS):
        state = node.files.get(name)
        if state is not None and state.exists:
            yield from _like_yml(node, name, state, 0o660)


def closed_beat_ymls(beat: ObservedBeat) -> Iterator[Change]:
    """Beats refuse ymls that others may write."""
    for name, state in beat.files.items():
        if name.endswith(".yml") and state.mode & 0o022:
            why = "strict permission checks: nobody but the owner may write it"
            yield from _access(beat.target, name, state, state.mode & ~0o022, why)


def closed_beat_keystore(beat: ObservedBeat) -> Iterator[Change]:
    """Beats take a keystore of mode 0600 only."""
    for name, state in beat.files.items():
        if name.endswith(".keystore") and state.exists and state.mode not in (0, 0o600):
            yield from _access(beat.target, name, state, 0o600, "strict permission checks: 0600 and nothing else")


# secrets


def _opened(node: ObservedNode) -> bool:
    return node.keystore.opened or not node.keystore.present


def _moved(node: ObservedNode, key: str, name: str) -> Iterator[Change]:
    """A secret that leaves the yml for the keystore. A value from the environment stays: nobody here knows it."""
    setting = node.settings[key]
    if "${" in setting.text or setting.source or not _opened(node):
        return
    if name not in node.keystore.names:
        yield SetSecureSetting(node.target, NODE_KEYSTORE, name, f"{MOVED}{node.target}/{key}", False, _STARTUP)
    yield RemoveSetting(node.target, NODE_YML, key, None, "it is a secure setting now")


def moved_passwords(node: ObservedNode) -> Iterator[Change]:
    """Passwords of stores and keys in clear text: `keystore.password` becomes `keystore.secure_password`."""
    for layer in Layer:
        settings, secrets = ssl_settings(node, layer), ssl_secrets(node, layer)
        for secure, legacy in LEGACY.items():
            if legacy in settings and secure not in secrets:
                yield from _moved(node, ssl_key(layer, legacy), ssl_key(layer, secure))


def dropped_passwords(node: ObservedNode) -> Iterator[Change]:
    """The clear one of two, where the one in the keystore is known to open what it is for."""
    for layer in Layer:
        settings, secrets = ssl_settings(node, layer), ssl_secrets(node, layer)
        locked = any(named.fault is Fault.PASSWORD for named in disk_of(node, layer).named)
        for secure, legacy in LEGACY.items():
            if legacy in settings and secure in secrets and not locked and not settings[legacy].source:
                why = "the one in the keystore opens it"
                yield RemoveSetting(node.target, NODE_YML, ssl_key(layer, legacy), None, why)


def moved_secure_settings(node: ObservedNode) -> Iterator[Change]:
    """Secure settings that stand in the yml, where the node refuses them."""
    for key in node.settings:
        known = any(key == ssl_key(layer, name) for layer in Layer for name in SECURE)
        if known or key == "bootstrap.password":
            yield from _moved(node, key, key)


def moved_kibana_secrets(kibana: ObservedKibana) -> Iterator[Change]:
    """Kibana's secrets keep their names when they move into `kibana.keystore`."""
    if kibana.keystore.present and not kibana.keystore.opened:
        return
    for key, setting in kibana.settings.items():
        secret = key == TOKEN or key.endswith((".password", ".keyPassphrase"))
        if not secret or "${" in setting.text or not setting.text:
            continue
        placeholder, there = f"{MOVED}{kibana.target}/{key}", key in kibana.keystore.names
        yield SetSecureSetting(kibana.target, KIBANA_KEYSTORE, key, placeholder, there, "Kibana reads it at its start")
        yield RemoveSetting(kibana.target, KIBANA_YML, key, None, "it is in kibana.keystore now")


def dropped_plain_entries(node: ObservedNode) -> Iterator[Change]:
    """Ordinary settings out of the keystore, where the yml has them too."""
    for name in node.keystore.names:
        if is_plain(name) and name in node.settings:
            why = "no secure setting; the yml has it"
            yield RemoveSecureSetting(node.target, NODE_KEYSTORE, name, why)


def dropped_left_overs(node: ObservedNode) -> Iterator[Change]:
    """Secure settings of a TLS context that is not there any more. What a yml still names may be wanted."""
    for layer in Layer:
        if not ssl_settings(node, layer):
            for name in ssl_secrets(node, layer):
                why = f"left over: nothing of {layer.value} TLS is set"
                yield RemoveSecureSetting(node.target, NODE_KEYSTORE, ssl_key(layer, name), why)


def dropped_bootstrap_password(node: ObservedNode) -> Iterator[Change]:
    """The first password of `elastic`, once that user is known to have one of its own."""
    known = node.api.without_password
    if known is not None and "elastic" not in known and "bootstrap.password" in node.keystore.names:
        why = "elastic has a password of its own"
        yield RemoveSecureSetting(node.target, NODE_KEYSTORE, "bootstrap.password", why)


# names and values


def _dropped(node: ObservedNode, key: str, why: str) -> Iterator[Change]:
    setting = node.settings.get(key)
    if setting is not None and not setting.source:
        yield RemoveSetting(node.target, NODE_YML, key, setting.value, why)


def dropped_masters(node: ObservedNode) -> Iterator[Change]:
    """For the very first start of a cluster only."""
    yield from _dropped(node, MASTERS, "for the first start of a new cluster only")


def dropped_reload(node: ObservedNode) -> Iterator[Change]:
    """Hot reload is on by default."""
    yield from _dropped(node, RELOAD, "without it the node loads new certificates by itself")


def dropped_default_password(node: ObservedNode) -> Iterator[Change]:
    """A setting of 6.x."""
    yield from _dropped(node, "xpack.security.authc.accept_default_password", "it does not exist any more")


def _renamed(node: ObservedNode, key: str, meant: str) -> Iterator[Change]:
    setting = node.settings[key]
    secret = any(word in name for name in (key, meant) for word in ("pass", "secret", "token"))
    if meant and meant not in node.settings and not setting.source and not secret:
        yield RemoveSetting(node.target, NODE_YML, key, setting.value, "it is no setting")
        yield SetSetting(node.target, NODE_YML, meant, setting.value, None, f"was written as {key}")


def renamed_settings(node: ObservedNode) -> Iterator[Change]:
    """Mistyped names, as the one that they are near to."""
    for key in unknown_settings(node):
        yield from _renamed(node, key, meant_by(key))


def renamed_tls_settings(node: ObservedNode) -> Iterator[Change]:
    """The same below `ssl.`; a value that may be a secret is not carried over in clear."""
    for layer in Layer:
        for name, setting in ssl_settings(node, layer).items():
            near = difflib.get_close_matches(name, KNOWN, 1, 0.85)
            if name not in KNOWN and name not in SECURE and near and "pass" not in name:
                yield from _renamed(node, setting.key, ssl_key(layer, near[0]))


def shortened_names(node: ObservedNode) -> Iterator[Change]:
    """Names of TLS files without `config/` in front, where that file is there."""
    for layer in Layer:
        for named in disk_of(node, layer).named:
            rest = named.name.removeprefix("./").removeprefix("config/")
            state, key = node.files.get(rest), ssl_key(layer, named.setting)
            setting = node.settings.get(key)
            if named.fault is not Fault.MISSING or rest == named.name or state is None or not state.exists:
                continue
            if setting is not None and not setting.source and not isinstance(setting.value, tuple):
                why = "names are relative to the configuration folder itself"
                yield SetSetting(node.target, NODE_YML, key, rest, setting.value, why)


def dropped_kibana_security(kibana: ObservedKibana) -> Iterator[Change]:
    """Kibana follows Elasticsearch since 8.0."""
    key = "xpack.security.enabled"
    if key in kibana.settings:
        yield RemoveSetting(kibana.target, KIBANA_YML, key, kibana.settings[key].value, "Kibana follows Elasticsearch")


def https_public_url(kibana: ObservedKibana) -> Iterator[Change]:
    """The address in links, with the scheme that is spoken."""
    key = "server.publicBaseUrl"
    url = kibana.setting(key) or ""
    if url.startswith("http://"):
        value = f"https://{url.removeprefix('http://')}"
        yield SetSetting(kibana.target, KIBANA_YML, key, value, url, "Kibana speaks HTTPS")


def plain_fingerprints(beat: ObservedBeat) -> Iterator[Change]:
    """Fingerprints of CAs as `openssl` prints them, without their colons."""
    for key, setting in beat.settings.items():
        plain = setting.text.replace(":", "").strip()
        if key.endswith(".ca_trusted_fingerprint") and plain != setting.text and _DIGEST.fullmatch(plain):
            why = "Beats want 64 hex digits without colons"
            yield SetSetting(beat.target, beat.yml, key, plain, setting.value, why)
