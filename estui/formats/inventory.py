"""`estui.yaml`: the inventory as people write it.

Owns: reading it with a message of file, line and key for everything that is not understood, and writing a fresh one.
Leaves to others: YAML itself (`yml_tree.py`), whether the folders exist, and the default values (`model/inventory.py`).
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import TypeVar

from estui.errors import Location, SettingsError
from estui.formats import yml_tree
from estui.formats.inventory_text import write_inventory
from estui.formats.outside import holds_secret
from estui.formats.yml_scalar import plain_value
from estui.formats.yml_tree import Alias, Document, Node, Pair, Scalar, read_document
from estui.model.inventory import (
    Address,
    BeatEntry,
    BeatLogin,
    BeatTrust,
    Commands,
    CredentialFiles,
    Inventory,
    KeyType,
    KibanaEntry,
    Limits,
    NodeEntry,
    Policy,
    StatedSetting,
    StoreFormat,
)
from estui.model.version import Version

__all__ = ["joined", "parse_inventory", "write_inventory"]

_SERVICE = ("config", "name", "stop", "start", "restart")
_OUTSIDE = ("settings_elsewhere", "environment", "logs")
_NODE = (*_SERVICE, "http", "transport", "names", "version", "tags", *_OUTSIDE)
_STATED = ("value", "where")
_KIBANA = (*_SERVICE, "http", "on_host", "data", "names", "version", *_OUTSIDE)
_BEAT = (*_SERVICE, "kind", "on_host", "data", "version", "logs", "trust", "login")
_POLICY = ("key", *(field.name for field in fields(Policy)))
_CREDENTIALS = tuple(field.name for field in fields(CredentialFiles))
_LIMITS = tuple(field.name for field in fields(Limits))
_TOP = tuple(field.name for field in fields(Inventory) if field.name != "lines")
_SECRETS = frozenset({"password", "passphrase", "api_key", "apikey", "secret", "token", "keystore_passphrase"})

_ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://)?(?:\[([^\[\]\s/]+)\]|([^\[\]\s/:@]+)):([0-9]{1,5})/?", re.IGNORECASE)
_WHOLE_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

_Word = TypeVar("_Word", bound=StrEnum)


@functools.lru_cache(maxsize=4)  # a command reads it several times, and with a thousand nodes each takes a while
def parse_inventory(content: bytes, path: str, base: str) -> Inventory:
    """The inventory in the bytes of an `estui.yaml`.

    Relative paths on this host (`config`, `data`, `logs`, `password_file`, `api_key_file`, `keystore_password`) are
    joined to `base`, the absolute folder of the file, by text alone: links are not followed. `on_host` stays as it is.
    A key without a value counts as absent.
    Raises SettingsError: broken YAML; an unknown key, with the nearest known one; a value of the wrong kind; a
    secret instead of the name of a file; a folder or a name that is there twice.
    """
    document = read_document(content, path)
    if document.root is None:
        raise SettingsError(
            "the inventory is empty", hint="write `cluster:` and `nodes:`, or run estui init", location=Location(path)
        )
    top = _Map(document, document.root, "", _TOP, base)
    for key in ("cluster", "nodes"):
        if not top.has(key):
            hint = "name the cluster" if key == "cluster" else "list the configuration folders of its nodes"
            raise SettingsError(f"{key} is missing", hint=hint, location=Location(path, None, key))
    lines: list[tuple[str, int]] = []
    nodes = [_node(entry) for entry in top.entries("nodes", _NODE, lines)]
    kibana = [_kibana(entry) for entry in top.entries("kibana", _KIBANA, lines)]
    beats = [_beat(entry) for entry in top.entries("beats", _BEAT, lines)]
    _refuse_repeats(path, lines, nodes, kibana, beats)
    return Inventory(
        cluster=top.required("cluster"),
        nodes=tuple(nodes),
        kibana=tuple(kibana),
        beats=tuple(beats),
        policy=_policy(top.map("policy", _POLICY)),
        production=top.flag("production"),
        read_only=top.flag("read_only"),
        expect_nodes=top.number("expect_nodes"),
        folder=_folder(top),
        credentials=_credentials(top.map("credentials", _CREDENTIALS)),
        keystore_password=top.local("keystore_password"),
        limits=_limits(top.map("limits", _LIMITS)),
        groups=_groups(top, nodes),
        lines=tuple(lines),
    )


def _groups(top: _Map, nodes: Sequence[NodeEntry]) -> tuple[str, ...]:
    groups = top.texts("groups")
    known = {tag for node in nodes for tag in node.tags}
    missing = [group for group in groups if group not in known]
    if missing:
        raise top.error("groups", f"no node has the tag {missing[0]}", "name tags of nodes, in the order of restarts")
    return groups


class _Map:
    """One map of the file: typed reads of its keys, each with its own message."""

    def __init__(
        self, document: Document, node: yml_tree.Mapping, prefix: str, known: Sequence[str], base: str
    ) -> None:
        self._document = document
        self._prefix = prefix
        self._base = base
        self._pairs = {pair.key.text: pair for pair in node.pairs}
        self._line = document.line(node.start)
        for key in self._pairs:
            self._check_known(key, known)

    def _check_known(self, key: str, known: Sequence[str]) -> None:
        if key in known:
            return
        if key.lower() in _SECRETS:
            raise self.error(key, "a secret does not belong here", _file_hint(key))
        near = difflib.get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}?" if near else "known here: " + ", ".join(sorted(known))
        raise self.error(key, "unknown key", hint)

    def error(self, key: str, summary: str, hint: str) -> SettingsError:
        pair = self._pairs.get(key)
        line = self._document.line(pair.key.start) if pair else self._line
        return SettingsError(summary, hint=hint, location=Location(self._document.path, line, self._prefix + key))

    def has(self, key: str) -> bool:
        return self._value(key) is not None

    def _value(self, key: str) -> yml_tree.Scalar | yml_tree.Sequence | yml_tree.Mapping | None:
        pair = self._pairs.get(key)
        if pair is None:
            return None
        value = _resolved(pair)
        return None if _is_null(value) else value

    def text(self, key: str) -> str | None:
        value = self._value(key)
        if value is None:
            return None
        if not isinstance(value, Scalar) or not value.text.strip():
            raise self.error(key, "has to be a text", f"write `{key}: …` in one line")
        return value.text

    def required(self, key: str) -> str:
        found = self.text(key)
        if found is None:
            raise self.error(key, f"{key} is missing", f"write `{key}: …`")
        return found

    def local(self, key: str) -> str | None:
        """Path on this host, absolute."""
        found = self.text(key)
        if found is None:
            return None
        if found.startswith("~"):
            raise self.error(key, "~ is not followed here", "write the whole path")
        return joined(self._base, found)

    def flag(self, key: str) -> bool:
        value = self._value(key)
        if value is None:
            return False
        if not isinstance(value, Scalar) or value.text not in ("true", "false"):
            raise self.error(key, "has to be true or false", f"write `{key}: true`")
        return value.text == "true"

    def number(self, key: str) -> int | None:
        value = self._value(key)
        if value is None:
            return None
        if not isinstance(value, Scalar) or not _WHOLE_NUMBER.fullmatch(value.text):
            raise self.error(key, "has to be a whole number, 1 or more", f"write `{key}: 3`")
        return int(value.text)

    def word(self, key: str, words: type[_Word]) -> _Word | None:
        found = self.text(key)
        if found is None:
            return None
        if found not in list(words):
            raise self.error(key, "unknown word", "one of: " + ", ".join(words))
        return words(found)

    def texts(self, key: str, hint: str = "") -> tuple[str, ...]:
        value = self._value(key)
        if value is None:
            return ()
        items = [_resolved(item) for item in value.items] if isinstance(value, yml_tree.Sequence) else [value]
        texts = tuple(item.text for item in items if isinstance(item, Scalar) and not _is_null(item))
        if not isinstance(value, yml_tree.Sequence) or len(texts) != len(items):
            raise self.error(key, "has to be a list of texts", hint or f"write `{key}: [one, another]`")
        return texts

    def command(self, key: str) -> tuple[str, ...]:
        hint = f"write a list of arguments, no shell runs it: {key}: [systemctl, {key}, elasticsearch]"
        return self.texts(key, hint)

    def commands(self) -> Commands:
        return Commands(self.command("stop"), self.command("start"), self.command("restart"))

    def address(self, key: str) -> Address | None:
        found = self.text(key)
        if found is None:
            return None
        match = _ADDRESS.fullmatch(found)
        if not match or not 0 < int(match[3]) < 65536:
            raise self.error(
                key, "has to be host:port", f'such as `{key}: es-1.example.net:9200` or "[2001:db8::1]:9200"'
            )
        return Address(match[1] or match[2], int(match[3]))

    def version(self, key: str) -> Version | None:
        found = self.text(key)
        version = Version.parse(found) if found is not None else None
        if found is not None and version is None:
            raise self.error(key, "has to be a version", "such as `version: 8.19.0`")
        return version

    def stated(self, key: str) -> tuple[StatedSetting, ...]:
        """Settings or variables by name: a value, or `{value: …, where: …}`."""
        value = self._value(key)
        if value is None:
            return ()
        if not isinstance(value, yml_tree.Mapping):
            raise self.error(key, "has to be a map", f"write a line `name: value` for each below `{key}:`")
        inner = _Map(self._document, value, f"{self._prefix}{key}.", tuple(pair.key.text for pair in value.pairs), "")
        return tuple(inner.stated_one(pair) for pair in value.pairs)

    def stated_one(self, pair: Pair) -> StatedSetting:
        """One line of such a map."""
        key, value = pair.key.text, _resolved(pair)
        if holds_secret(key):
            raise self.error(key, "a secret does not belong here", "leave it out: estui does not need to know it")
        place = str(self._document.location(pair.key.start, self._prefix + key))
        if isinstance(value, Scalar):
            return StatedSetting(key, value.text, place=place)
        if isinstance(value, yml_tree.Mapping):
            fields = _Map(self._document, value, f"{self._prefix}{key}.", _STATED, "")
            return StatedSetting(key, fields.required("value"), fields.text("where") or "", place)
        raise self.error(key, "has to be one text", f"write `{key}: …`; several values with commas between them")

    def map(self, key: str, known: Sequence[str]) -> _Map:
        value = self._value(key)
        if value is None:
            value = yml_tree.Mapping(0, 0, (), is_flow=False)
        if not isinstance(value, yml_tree.Mapping):
            raise self.error(key, "has to be a map", "known in it: " + ", ".join(known))
        return _Map(self._document, value, f"{self._prefix}{key}.", known, self._base)

    def entries(self, key: str, known: Sequence[str], lines: list[tuple[str, int]]) -> Iterator[_Map]:
        """The entries of a list of folders; a bare text is a folder."""
        value = self._value(key)
        if value is None:
            return
        if not isinstance(value, yml_tree.Sequence):
            raise self.error(key, "has to be a list", "write one `- config: /path/to/config` a line")
        for number, item in enumerate(value.items):
            entry = _resolved(item)
            place = f"{key}[{number}]"
            lines.append((place, self._document.line(item.start)))
            if isinstance(entry, Scalar) and not _is_null(entry):
                name = Scalar(entry.start, entry.start, "config", "")
                entry = yml_tree.Mapping(entry.start, entry.end, (Pair(name, entry),), is_flow=False)
            if not isinstance(entry, yml_tree.Mapping):
                raise SettingsError(
                    "has to be a folder or a map",
                    hint="write `- config: /path/to/config`",
                    location=self._document.location(item.start, place),
                )
            yield _Map(self._document, entry, f"{place}.", known, self._base)


def _resolved(place: Pair | Node) -> yml_tree.Scalar | yml_tree.Sequence | yml_tree.Mapping:
    node = place.value if isinstance(place, Pair) else place
    return node.target if isinstance(node, Alias) else node


def _is_null(node: Node) -> bool:
    return isinstance(node, Scalar) and node.is_plain and plain_value(node.text) is None


def _file_hint(key: str) -> str:
    wanted = "api_key_file" if "api" in key.lower() else "password_file"
    return f"put it in a file of mode 0600 and name that: credentials: {{{wanted}: /path/to/file}}"


def joined(base: str, path: str) -> str:
    """`path` below `base`, without `.`, `..` and doubled slashes; an absolute path stands for itself."""
    whole = path if path.startswith("/") else f"{base}/{path}"
    parts: list[str] = []
    for part in whole.split("/"):
        if part == ".." and (whole.startswith("/") or (parts and parts[-1] != "..")):
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return ("/" if whole.startswith("/") else "") + "/".join(parts)


def _config(entry: _Map) -> str:
    config = entry.local("config")
    if config is None:
        raise entry.error("config", "config is missing", "write `config: /path/to/config`, the configuration folder")
    return config


def _node(entry: _Map) -> NodeEntry:
    return NodeEntry(
        config=_config(entry),
        name=entry.text("name"),
        http=entry.address("http"),
        transport=entry.address("transport"),
        names=entry.texts("names"),
        version=entry.version("version"),
        tags=entry.texts("tags"),
        commands=entry.commands(),
        settings_elsewhere=entry.stated("settings_elsewhere"),
        environment=entry.stated("environment"),
        logs=entry.local("logs"),
    )


def _kibana(entry: _Map) -> KibanaEntry:
    return KibanaEntry(
        config=_config(entry),
        name=entry.text("name"),
        http=entry.address("http"),
        on_host=entry.text("on_host"),
        data=entry.local("data"),
        names=entry.texts("names"),
        version=entry.version("version"),
        commands=entry.commands(),
        settings_elsewhere=entry.stated("settings_elsewhere"),
        environment=entry.stated("environment"),
        logs=entry.local("logs"),
    )


def _beat(entry: _Map) -> BeatEntry:
    return BeatEntry(
        config=_config(entry),
        name=entry.text("name"),
        kind=entry.text("kind"),
        on_host=entry.text("on_host"),
        data=entry.local("data"),
        commands=entry.commands(),
        logs=entry.local("logs"),
        version=entry.version("version"),
        trust=entry.word("trust", BeatTrust) or BeatTrust.FILE,
        login=entry.word("login", BeatLogin) or BeatLogin.USER,
    )


def _policy(policy: _Map) -> Policy:
    every = policy.word("key", KeyType)
    default = Policy()
    return Policy(
        transport_key=policy.word("transport_key", KeyType) or every or default.transport_key,
        http_key=policy.word("http_key", KeyType) or every or default.http_key,
        ca_key=policy.word("ca_key", KeyType) or every or default.ca_key,
        leaf_days=policy.number("leaf_days") or default.leaf_days,
        ca_days=policy.number("ca_days") or default.ca_days,
        renew_before_days=policy.number("renew_before_days") or default.renew_before_days,
        format=policy.word("format", StoreFormat) or default.format,
    )


def _limits(limits: _Map) -> Limits:
    default = Limits()
    return Limits(**{name: limits.number(name) or getattr(default, name) for name in _LIMITS})


def _credentials(credentials: _Map) -> CredentialFiles:
    return CredentialFiles(
        user=credentials.text("user"),
        password_file=credentials.local("password_file"),
        api_key_file=credentials.local("api_key_file"),
    )


def _folder(top: _Map) -> str:
    folder = top.text("folder")
    if folder is None:
        return "estui"
    if "/" in folder or folder in (".", ".."):
        raise top.error("folder", "has to be one name, not a path", "such as `folder: estui`")
    return folder


def _refuse_repeats(
    path: str,
    lines: Sequence[tuple[str, int]],
    *kinds: Iterable[NodeEntry | KibanaEntry | BeatEntry],
) -> None:
    """One folder belongs to one entry; a name to one entry of its kind."""
    places = iter(lines)
    folders: dict[str, int] = {}
    for kind in kinds:
        names: dict[str, int] = {}
        for entry in kind:
            place, line = next(places)
            for key, seen, value in (("config", folders, entry.config), ("name", names, entry.name)):
                if value is None:
                    continue
                if value in seen:
                    raise SettingsError(
                        f"the same {key} as in line {seen[value]}",
                        hint="remove one of the two" if key == "config" else "names tell the entries apart: change one",
                        location=Location(path, line, f"{place}.{key}"),
                    )
                seen[value] = line
