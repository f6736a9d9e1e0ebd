"""A Beat's configuration folder: its yml, its modules, its keystore, and estui's own folder in it.

Paths in the yml are absolute as the Beat's own host sees them. The data folder is only looked into, for the keystore
that lies there by default (file-formats.md §8.2); estui writes none of it.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from estui.errors import StoreError
from estui.formats.beats_keystore import FIPS_VERSION, PLAIN_VERSION, BeatsKeystore, read_beats_keystore
from estui.formats.beats_modules import MODULES_FOLDER, list_name
from estui.formats.beats_values import change_on_reading
from estui.formats.es_keystore import entries_digest
from estui.model.inventory import BeatEntry
from estui.model.observed import FileKind, FileState, KeystoreFacts, ObservedBeat, OnDisk
from estui.model.setting import Setting
from estui.model.version import Version
from estui.observe.certificates import beat_tls, read_context
from estui.observe.config_folder import (
    BEATS,
    MountedFolder,
    files_of_interest,
    folder_problem,
    hanging,
    own_files,
    read_settings,
    resolved,
    stated_name,
)
from estui.observe.files import read_state

OWN_SETS = ("elasticsearch",)
COMMAS_ARE_PLAIN = Version(8, 3)
"""The first release that takes a secret with a comma or a bracket as it is (beats#31694)."""


@dataclass(frozen=True)
class _Found:
    """The keystore that a yml means."""

    state: FileState
    path: Path
    in_data: bool


def observe_beat_folder(entry: BeatEntry, *, folder: str, digest_key: bytes = b"") -> ObservedBeat:
    """What a Beat's folder holds; its kind is stated or told by the yml that is there. `digest_key` keys the digest
    of the keystore's entries.

    Never raises for the folder's sake: what forbids a plan is in `problems`.
    """
    root = Path(entry.config)
    kind = entry.kind or kind_of(root)
    target = f"beat/{_name(entry, '')}"
    problem = folder_problem(root, f"{kind}.yml", target)
    if problem is not None:
        return ObservedBeat(entry, _name(entry, ""), files_of_interest(root, ()), problems=(problem,), kind=kind)
    modules = _module_names(root)
    names = (f"{kind}.yml", f"{kind}.keystore", f"{kind}.keystore.tmp", *modules, *own_files(folder, OWN_SETS))
    files = files_of_interest(root, names)
    settings, problems = read_settings(files[f"{kind}.yml"], root / f"{kind}.yml", target)
    listed: dict[str, Mapping[str, Setting]] = {}
    for name in modules:
        listed[name], more = read_settings(files[name], root / name, target, list_name(name))
        problems += more
    found = _keystore(entry, kind, settings, files)
    old = entry.version is None or entry.version < COMMAS_ARE_PLAIN
    facts, altered = _keystore_facts(found, digest_key, old=old)
    mounted = _mounted(entry, kind)
    contexts = beat_tls("output.elasticsearch.ssl", settings)
    return ObservedBeat(
        entry=entry,
        name=_name(entry, stated_name(settings, "name")),
        files={**files, **mounted.named_files((contexts,))},
        settings=settings,
        problems=problems,
        trust=read_context(contexts, mounted.follow, f"{folder}/{OWN_SETS[0]}/current"),
        kind=kind,
        keystore=facts,
        keystore_in_data=found.in_data,
        altered=altered,
        modules=listed,
        version=entry.version,
    )


def section_trust(beat: ObservedBeat, settings: Mapping[str, Setting], section: str, *, folder: str) -> OnDisk:
    """Certificates behind the `ssl` settings of any section, such as `modules.0`, as far as their files lie in the
    mounted folder."""
    found = beat_tls(f"{section}.ssl", settings)
    return read_context(found, _mounted(beat.entry, beat.kind).follow, f"{folder}/{OWN_SETS[0]}/current")


def _mounted(entry: BeatEntry, kind: str) -> MountedFolder:
    return MountedFolder(Path(entry.config), (entry.on_host,) if entry.on_host else (f"/etc/{kind}",))


def read_entries(entry: BeatEntry, kind: str, settings: Mapping[str, Setting]) -> BeatsKeystore:
    """Entries of the keystore that the yml means; none where there is no such file in reach.

    Raises StoreError: it cannot be read.
    """
    root = Path(entry.config)
    found = _keystore(entry, kind, settings, files_of_interest(root, (f"{kind}.keystore",)))
    state = resolved(found.state, found.path)
    return read_beats_keystore(state.content, str(found.path)) if state.exists else BeatsKeystore()


def hanging_beat(entry: BeatEntry, seconds: float) -> ObservedBeat:
    """A Beat whose folder did not answer in time."""
    name = _name(entry, "")
    return ObservedBeat(entry, name, {}, problems=(hanging(entry.config, f"beat/{name}", seconds),))


def kind_of(root: Path) -> str:
    """Kind of the Beat whose yml lies in the folder; the most common one where there is none, for the message."""
    return next((beat for beat in BEATS if read_state(root / f"{beat}.yml").kind is FileKind.FILE), BEATS[0])


def _name(entry: BeatEntry, stated: str) -> str:
    return entry.name or stated or Path(entry.config).name


def _module_names(root: Path) -> tuple[str, ...]:
    """Files of modules that are switched on; those that are not end in `.disabled`."""
    try:
        names = sorted(each.name for each in (root / MODULES_FOLDER).iterdir())
    except OSError:
        return ()
    return tuple(f"{MODULES_FOLDER}/{name}" for name in names if name.endswith((".yml", ".yaml")))


def _keystore(entry: BeatEntry, kind: str, settings: Mapping[str, Setting], files: Mapping[str, FileState]) -> _Found:
    """Where `keystore.path` leads as far as that is mounted; by default `${path.data}/<beat>.keystore`."""
    root, file = Path(entry.config), f"{kind}.keystore"
    stated = settings["keystore.path"].text if "keystore.path" in settings else ""
    homes = (entry.on_host or f"/etc/{kind}", "${path.config}")
    if stated and any(_same_path(stated, f"{home}/{file}") for home in (*homes, entry.config)):
        return _Found(files[file], root / file, in_data=False)
    if entry.data and (not stated or _same_path(stated, f"${{path.data}}/{file}")):
        path = Path(entry.data) / file
        return _Found(read_state(path), path, in_data=True)
    return _Found(FileState(FileKind.ABSENT), root / file, in_data=bool(stated))


def _same_path(one: str, other: str) -> bool:
    return posixpath.normpath(one.replace("\\", "/")) == posixpath.normpath(other.replace("\\", "/"))


def _keystore_facts(
    found: _Found, digest_key: bytes, *, old: bool
) -> tuple[KeystoreFacts, tuple[tuple[str, str], ...]]:
    state = resolved(found.state, found.path)
    if state.kind is FileKind.ABSENT:
        return KeystoreFacts(present=False), ()
    if state.error:
        return KeystoreFacts(present=True, error=f"cannot be read: {state.error}"), ()
    try:
        keystore = read_beats_keystore(state.content, str(found.path))
    except StoreError as exc:
        return KeystoreFacts(present=True, error=exc.summary), ()
    entries = keystore.entries
    altered = ((name, change_on_reading(value, old=old)) for name, value in sorted(entries.items()))
    digest = entries_digest({name: value.encode() for name, value in entries.items()}, digest_key)
    facts = KeystoreFacts(
        present=True,
        version=FIPS_VERSION if keystore.is_fips else PLAIN_VERSION,
        opened=True,
        names=tuple(sorted(entries)),
        entries_digest=digest,
    )
    return facts, tuple((name, why) for name, why in altered if why)
