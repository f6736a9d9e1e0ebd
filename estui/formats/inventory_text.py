"""A fresh `estui.yaml` for people. `inventory.py` reads it; an existing one is never rewritten, so comments last."""

from __future__ import annotations

from collections.abc import Iterator

from estui.formats.yml_scalar import quote, spell
from estui.model.inventory import (
    BeatEntry,
    BeatLogin,
    BeatTrust,
    Commands,
    CredentialFiles,
    Inventory,
    KibanaEntry,
    Limits,
    NodeEntry,
    Policy,
    StatedSetting,
)
from estui.model.setting import SettingValue

_POLICY_COMMENT = "# policy: {key: ec-p256, leaf_days: 397, ca_days: 3650, renew_before_days: 30, format: pem}"


def write_inventory(inventory: Inventory, comment: str = "") -> bytes:
    """The bytes of a fresh `estui.yaml`, with short comments; what has its default value is left out.

    `parse_inventory` reads an equal inventory back, if every local path is absolute and without `.` and `..`.
    """
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    if lines:
        lines.append("")
    lines += [f"cluster: {spell(inventory.cluster)}", ""]
    lines += ["# Configuration folders as this host sees them; what is not written here is read from them."]
    lines += _entries("nodes", [node_lines(node) for node in inventory.nodes], always=True)
    lines += _entries("kibana", [_kibana(kibana) for kibana in inventory.kibana])
    lines += _entries("beats", [_beat(beat) for beat in inventory.beats])
    lines += ["", "# Keys and lifetimes of what estui issues.", *_policy(inventory.policy)]
    lines += _rest(inventory)
    return ("\n".join(lines) + "\n").encode()


_Pairs = Iterator[tuple[str, SettingValue]]


def _entries(key: str, entries: list[list[str]], *, always: bool = False) -> list[str]:
    if not entries:
        return [f"{key}: []"] if always else []
    lines = [f"{key}:"] if always else ["", f"{key}:"]
    for first, *others in entries:
        lines += [f"  - {first}", *(f"    {line}" for line in others)]
    return lines


def _written(pairs: _Pairs) -> list[str]:
    return [f"{key}: {spell(value)}" for key, value in pairs if value is not None and value != ()]


def node_lines(node: NodeEntry) -> list[str]:
    """One entry of `nodes`, a key a line, without dash and indent."""

    def pairs() -> _Pairs:
        yield "config", node.config
        yield "name", node.name
        yield "http", str(node.http) if node.http else None
        yield "transport", str(node.transport) if node.transport else None
        yield "names", node.names
        yield "version", str(node.version) if node.version else None
        yield "tags", node.tags
        yield "logs", node.logs
        yield from _commands(node.commands)

    return [*_written(pairs()), *_outside(node)]


def _outside(entry: NodeEntry | KibanaEntry) -> list[str]:
    stated = (("settings_elsewhere", entry.settings_elsewhere), ("environment", entry.environment))
    return [f"{key}: {_stated(each)}" for key, each in stated if each]


def _stated(settings: tuple[StatedSetting, ...]) -> str:
    """A map in one line, since an entry is also written into lists that stand in one line."""
    return "{" + ", ".join(f"{spell(each.key, in_flow=True)}: {_stated_value(each)}" for each in settings) + "}"


def _stated_value(setting: StatedSetting) -> str:
    value = quote(setting.value)
    return f"{{value: {value}, where: {quote(setting.where)}}}" if setting.where else value


def _kibana(kibana: KibanaEntry) -> list[str]:
    def pairs() -> _Pairs:
        yield "config", kibana.config
        yield "name", kibana.name
        yield "http", str(kibana.http) if kibana.http else None
        yield "on_host", kibana.on_host
        yield "data", kibana.data
        yield "names", kibana.names
        yield "version", str(kibana.version) if kibana.version else None
        yield "logs", kibana.logs
        yield from _commands(kibana.commands)

    return [*_written(pairs()), *_outside(kibana)]


def _beat(beat: BeatEntry) -> list[str]:
    def pairs() -> _Pairs:
        yield "config", beat.config
        yield "name", beat.name
        yield "kind", beat.kind
        yield "on_host", beat.on_host
        yield "data", beat.data
        yield "version", str(beat.version) if beat.version else None
        yield "trust", beat.trust.value if beat.trust is not BeatTrust.FILE else None
        yield "login", beat.login.value if beat.login is not BeatLogin.USER else None
        yield "logs", beat.logs
        yield from _commands(beat.commands)

    return _written(pairs())


def _commands(commands: Commands) -> _Pairs:
    yield "stop", commands.stop
    yield "start", commands.start
    yield "restart", commands.restart


def _policy(policy: Policy) -> list[str]:
    default = Policy()
    keys = (policy.transport_key, policy.http_key, policy.ca_key)
    same = len(set(keys)) == 1

    def pairs() -> _Pairs:
        if same and keys[0] is not default.ca_key:
            yield "key", keys[0].value
        if not same:
            yield "transport_key", policy.transport_key.value
            yield "http_key", policy.http_key.value
            yield "ca_key", policy.ca_key.value
        for name in ("leaf_days", "ca_days", "renew_before_days"):
            if getattr(policy, name) != getattr(default, name):
                yield name, getattr(policy, name)
        if policy.format is not default.format:
            yield "format", policy.format.value

    written = _written(pairs())
    return ["policy:", *(f"  {line}" for line in written)] if written else [_POLICY_COMMENT]


def _rest(inventory: Inventory) -> list[str]:
    lines: list[str] = []
    if inventory.production:
        lines += ["", "# Marked on every screen; louder confirmations.", "production: true"]
    if inventory.read_only:
        lines += ["", "# Nothing is written to a node.", "read_only: true"]
    if inventory.expect_nodes is not None:
        lines += ["", "# Nodes of the whole cluster, where it is down and cannot be asked."]
        lines += [f"expect_nodes: {inventory.expect_nodes}"]
    if inventory.folder != "estui":
        lines += [
            "",
            "# Folder that estui owns inside each configuration folder.",
            f"folder: {spell(inventory.folder)}",
        ]
    if inventory.credentials != CredentialFiles():
        credentials = inventory.credentials
        written = _written(
            iter(
                [
                    ("user", credentials.user),
                    ("password_file", credentials.password_file),
                    ("api_key_file", credentials.api_key_file),
                ]
            )
        )
        lines += ["", "# Files that hold secrets, never the secrets themselves.", "credentials:"]
        lines += [f"  {line}" for line in written]
    if inventory.keystore_password is not None:
        lines += ["", "# File with the password of elasticsearch.keystore."]
        lines += [f"keystore_password: {spell(inventory.keystore_password)}"]
    if inventory.groups:
        lines += ["", "# Tags in the order in which nodes are restarted one by one: zone by zone."]
        lines += [f"groups: {spell(inventory.groups)}"]
    if inventory.limits != Limits():
        lines += ["", "# How long a run waits for a command to end, a node to start, a port to close.", "limits:"]
        changed = {name: value for name, value in vars(inventory.limits).items() if value != getattr(Limits(), name)}
        lines += [f"  {name}: {value}" for name, value in changed.items()]
    return lines
