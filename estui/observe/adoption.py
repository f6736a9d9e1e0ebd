"""Certificate authorities that no yml names: loose files of a configuration folder, JKS stores, files that were given;
and private keys of CAs, read when they are imported.

Owns which files are opened, within which bounds, and with whose passwords. What the ymls name is `certificates`'s.
Reads only; a private key leaves through `read_authority_key` alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from estui.errors import Location, StoreError, UsageError
from estui.formats.es_keystore import read_secure_settings
from estui.formats.jks import convert_command, is_jks, read_jks
from estui.formats.kibana_keystore import read_kibana_keystore
from estui.formats.pem import PrivateKey, refuse_tail
from estui.model.adoption import FilePlace, FoundFile, Thing, contexts_of
from estui.model.certificate import CertificateFacts
from estui.model.observed import (
    FileKind,
    FileState,
    NamedFile,
    Observed,
    ObservedKibana,
    ObservedNode,
)
from estui.observe.certificates import format_of
from estui.observe.files import follow, read_state
from estui.observe.parallel import run_all
from estui.observe.stores import Opened, Passwords, open_file, tried
from estui.pki.facts import certificate_facts
from estui.pki.keys import public_key_sha256
from estui.secret import Secret

CA_PASSWORD_OPTION = "--ca-password-file"  # noqa: S105 - an option's name
SUFFIXES = (".p12", ".pfx", ".pkcs12", ".jks", ".pem", ".crt", ".cer", ".der", ".key")
STORE_SUFFIXES = (".p12", ".pfx", ".pkcs12", ".jks")
LOOSE_LIMIT = 1024 * 1024
"""Bytes above which a loose file is not opened: a CA with its key has a few thousand."""
MOST_FILES = 300
"""Loose files that are opened in one configuration folder."""
MOST_NAMES = 5000
"""Names that are looked at in one folder."""
FOLDER_TIMEOUT_S = 60.0
_AUTHORITY_NAME = re.compile(r"(^|[^a-z])(ca|root|authority)([^a-z]|$)")
_PASSWORD_NAME = re.compile(r"\.ssl\..*(password|passphrase)$", re.IGNORECASE)


def look_for_authorities(
    observed: Observed, *, keystore_password: Secret | None = None, ca_password: Secret | None = None
) -> tuple[FoundFile, ...]:
    """Loose files that tell of a CA, and JKS stores, of every target. Never raises for a file's sake.

    A bounded look: the configuration folder and its `certs`, and one level below each.
    """
    things: list[Thing] = [thing for thing in (*observed.things, *observed.beats) if _can_be_read(thing)]
    tasks = [
        partial(_look_at, thing, all_passwords(thing, keystore_password, ca_password), observed.inventory.folder)
        for thing in things
    ]
    found = run_all(tasks, within_s=FOLDER_TIMEOUT_S, late=lambda index: [_hanging(things[index])])
    return tuple(file for files in found for file in files)


def _can_be_read(thing: Thing) -> bool:
    """Whether the observation found the folder: one that hangs is not asked again."""
    return thing.files.get(".", FileState(FileKind.ABSENT)).exists


def _hanging(thing: Thing) -> FoundFile:
    return FoundFile(thing.entry.config, ".", thing.target, problem="the configuration folder does not answer in time")


# passwords


def all_passwords(thing: Thing, keystore_password: Secret | None, ca_password: Secret | None) -> dict[str, Secret]:
    """Passwords of the stores and keys of one target by setting: secure settings, then its yml; then the one given."""
    found = {key: value for key, value in _secure(thing, keystore_password).items() if _PASSWORD_NAME.search(key)}
    for key, setting in thing.settings.items():
        if _PASSWORD_NAME.search(key) and setting.text:
            found.setdefault(key, Secret(setting.text))
    return found | ({CA_PASSWORD_OPTION: ca_password} if ca_password else {})


def _secure(thing: Thing, password: Secret | None) -> dict[str, Secret]:
    """Secure settings; none where they cannot be opened, which the observation of the target tells."""
    try:
        if isinstance(thing, ObservedNode) and (content := _content(thing, "elasticsearch.keystore")):
            entries = read_secure_settings(content, password, "elasticsearch.keystore").entries
            return {name: Secret(value.decode(errors="replace")) for name, value in entries.items()}
        if isinstance(thing, ObservedKibana) and (content := _content(thing, "kibana.keystore")):
            values = read_kibana_keystore(content, None, "kibana.keystore")
            return {name: Secret(value) for name, value in values.items() if isinstance(value, str)}
    except StoreError:
        return {}
    return {}


def _content(thing: Thing, name: str) -> bytes:
    return thing.files[name].content if name in thing.files else b""


# one folder


def _look_at(thing: Thing, passwords: Passwords, own_folder: str) -> list[FoundFile]:
    root = Path(thing.entry.config)
    named = {each.relative: each for disk in contexts_of(thing).values() for each in disk.named if each.relative}
    reread = [name for name, each in named.items() if _tells_more(each)]
    loose = [name for name in _loose_names(root, own_folder) if name not in named]
    files = (_read_loose(root, name, thing.target, passwords) for name in (*reread, *loose))
    return [file for file in files if file is not None]


def _tells_more(named: NamedFile) -> bool:
    """Whether a file that a yml names holds what its observation left out: the closed keys of a JKS store, a private
    key among CA certificates."""
    beside = named.format == "PEM" and named.keys > 0 and named.setting != "key"
    return beside or named.format == "JKS"


def _loose_names(root: Path, own_folder: str) -> list[str]:
    """Certificate and key files of the folder and of `certs`, and one level below each, by relative path."""
    found: list[str] = []
    folders = ["", "certs/"]
    for folder in folders:
        for name, is_folder in _names(root / folder):
            path = f"{folder}{name}"
            if name.startswith(".") or path == own_folder:
                continue
            if not is_folder:
                found += [path] if name.lower().endswith((*SUFFIXES, ".zip")) else []
            elif path != "certs":
                below = [inner for inner, is_deeper in _names(root / path) if not is_deeper]
                found += [f"{path}/{inner}" for inner in below if inner.lower().endswith(SUFFIXES)]
    return list(dict.fromkeys(found))[:MOST_FILES]


def _names(folder: Path) -> Iterator[tuple[str, bool]]:
    """Names in a folder, sorted, and whether each is a folder itself; a link to one is none."""
    try:
        with os.scandir(folder) as entries:
            listed = [
                (entry.name, entry.is_dir(follow_symlinks=False))
                for entry, _ in zip(entries, range(MOST_NAMES), strict=False)
            ]
    except OSError:
        return
    yield from sorted(listed)


def _read_loose(root: Path, name: str, target: str, passwords: Passwords) -> FoundFile | None:
    """What a loose file tells of CAs; None where that is nothing worth a line."""
    path = str(root / name)
    file = FoundFile(path, name, target)
    looks = bool(_AUTHORITY_NAME.search(name.lower()))
    if name.lower().endswith(".zip"):
        hint = f"unpack it, and give what is in it: --ca {name.removesuffix('.zip')}/…"
        return replace(file, problem="is not unpacked, so nobody looked into it", hint=hint) if looks else None
    followed = follow(root, name, limit=LOOSE_LIMIT)
    if followed.problem:
        return replace(file, problem=followed.problem) if looks else None
    content = followed.state.content
    try:
        return _found_jks(file, content) if is_jks(content) else _found(file, content, passwords)
    except StoreError as exc:
        if not looks and not name.lower().endswith(STORE_SUFFIXES):
            return None
        attempts = tried(passwords) if exc.hint.startswith("tried: ") else ()
        hint = f"give its password with {CA_PASSWORD_OPTION}" if attempts else exc.hint
        return replace(file, format=format_of(content), problem=exc.summary, hint=hint, tried=attempts)


def _found(file: FoundFile, content: bytes, passwords: Passwords) -> FoundFile | None:
    opened = open_file(content, file.path, passwords)
    authorities = tuple(each for each in opened.certificates if each.is_ca)
    keys = _authority_keys(opened)
    if not authorities and not keys:
        return None
    facts = replace(
        file, format=format_of(content), authorities=authorities, keys=keys, clear=bool(keys) and opened.clear
    )
    if opened.locked:
        hint = f"give its passphrase with {CA_PASSWORD_OPTION}"
        return replace(facts, problem="a private key in it stays closed", hint=hint, tried=tried(passwords))
    return facts


def _authority_keys(opened: Opened) -> tuple[str, ...]:
    """Digests of the keys that may belong to a CA: those of a leaf beside them are no concern here."""
    leaves = {each.key_sha256 for each in opened.certificates if not each.is_ca}
    digests = (public_key_sha256(key) for key in opened.keys)
    return tuple(digest for digest in digests if digest not in leaves)


def _found_jks(file: FoundFile, content: bytes) -> FoundFile:
    store = read_jks(content, file.path)
    chains = [tuple(certificate_facts(each) for each in entry.certificates) for entry in store.entries if entry.is_key]
    trusted = tuple(
        certificate_facts(each) for entry in store.entries if not entry.is_key for each in entry.certificates
    )
    own: list[CertificateFacts] = [each for chain in chains for each in chain]
    return replace(
        file,
        format="JKS",
        authorities=tuple(dict.fromkeys(each for each in (*own, *trusted) if each.is_ca)),
        closed=tuple(chain[0].key_sha256 for chain in chains if chain and chain[0].is_ca),
        aliases=tuple(entry.alias for entry in store.entries),
        problem="is a JKS store: its certificates are read, its keys are not",
        hint=f"convert it: {convert_command(file.path)}",
    )


# files that were given


def read_given(paths: Sequence[str], ca_password: Secret | None = None) -> tuple[FoundFile, ...]:
    """CA files that the operator named, each read whole or not at all.

    Raises UsageError: it does not exist; StoreError: it cannot be read or opened, has something behind its last PEM
    block, or tells of no CA.
    """
    return tuple(_read_one_given(path, ca_password) for path in paths)


def _read_one_given(path: str, ca_password: Secret | None) -> FoundFile:
    state = read_state(Path(os.path.realpath(Path(path).expanduser())), limit=LOOSE_LIMIT)
    place = Location(path)
    if state.kind is FileKind.ABSENT:
        raise UsageError("does not exist", location=place, hint="--ca names files: PKCS#12, or certificate and key")
    if state.error or state.kind is not FileKind.FILE:
        raise StoreError(state.error or f"is a {state.kind.value}, not a file", location=place)
    passwords = {CA_PASSWORD_OPTION: ca_password} if ca_password else {}
    opened = open_file(state.content, path, passwords)
    if opened.locked:
        hint = f"tried: {', '.join(tried(passwords))}"
        raise StoreError("wrong or missing passphrase of the private key", location=place, hint=hint)
    refuse_tail(state.content, path)
    authorities = tuple(each for each in opened.certificates if each.is_ca)
    keys = _authority_keys(opened)
    if opened.certificates and not authorities:
        listed = ", ".join(each.subject for each in opened.certificates)
        raise StoreError(f"holds no CA: {listed} has no CA flag (BasicConstraints)", location=place)
    resolved = os.path.abspath(Path(path).expanduser())  # noqa: PTH100 - resolve() would follow links
    return FoundFile(
        resolved, path, format=format_of(state.content), authorities=authorities, keys=keys, clear=opened.clear
    )


def read_authority_key(place: FilePlace, key_sha256: str, passwords: Passwords) -> PrivateKey:
    """The private key with this public half, from where a report found it.

    Raises StoreError: it is not there any more, or no password fits.
    """
    state = read_state(Path(os.path.realpath(place.path)))
    if state.error or state.kind is not FileKind.FILE:
        raise StoreError(state.error or "is not there any more", location=Location(place.path))
    for key in open_file(state.content, place.path, passwords).keys:
        if public_key_sha256(key) == key_sha256:
            return key
    raise StoreError("does not hold the key of this CA any more", location=Location(place.path), hint="look again")
