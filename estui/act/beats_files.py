"""What a Beat's keystore holds after a run: its entries of before, and what the plan puts in."""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Mapping

from estui.act.context import Context
from estui.act.items import BEFORE
from estui.decide.beats_steps import is_beat
from estui.errors import ApplyError, EstuiError, Location
from estui.formats.beats_keystore import IV_LENGTH, SALT_LENGTH, read_beats_keystore, write_beats_keystore
from estui.formats.beats_values import change_on_reading
from estui.model.observed import FileState
from estui.model.plan import Place, Plan, SetSecureSetting
from estui.observe.beat_folder import observe_beat_folder, read_entries
from estui.secret import Secret

MODE = 0o600
"""Beats refuse a keystore of any other mode (strict permission checks, beats.md §1.1)."""


def keystore_content(place: Place, path: str, state: FileState, values: Mapping[str, Secret | bytes | None]) -> bytes:
    """The new file; the magic of a FIPS build stays. StoreError: the old one cannot be read."""
    found = read_beats_keystore(state.content, f"{place.root}/{path}") if state.exists else None
    entries: dict[str, Secret] = dict(found.entries) if found else {}
    for name, value in values.items():
        entries.pop(name, None)
        if value is not None:
            entries[name] = value if isinstance(value, Secret) else Secret(value.decode())
    return write_beats_keystore(
        entries,
        salt=secrets.token_bytes(SALT_LENGTH),
        iv=secrets.token_bytes(IV_LENGTH),
        is_fips=found.is_fips if found else False,
    )


def carried_entry(context: Context, target: str, name: str) -> Secret:
    """An entry of the keystore in the data folder, which the new one takes along. ApplyError: it is gone."""
    root = context.plan.place(target).root
    entry = next((each for each in context.inventory.beats if each.config == root), None)
    if entry is None:
        raise ApplyError(f"{target} is not in estui.yaml any more", hint="plan again")
    beat = observe_beat_folder(entry, folder=context.plan.folder, digest_key=context.digests.key)
    entries = read_entries(entry, beat.kind, beat.settings).entries
    if name not in entries:
        raise ApplyError(
            f"the entry {name} is gone from its keystore", location=Location(entry.data or root), hint="plan again"
        )
    return entries[name]


_PASSWORD = "password:"  # noqa: S105 - a placeholder's kind, not a secret


def _passwords(plan: Plan) -> Iterator[SetSecureSetting]:
    """Entries of Beats' keystores that are a user's password."""
    for change in plan.changes:
        if isinstance(change, SetSecureSetting) and is_beat(change.target) and change.secret.startswith(_PASSWORD):
            yield change


def held(context: Context, user: str, run: str = "") -> Iterator[Secret]:
    """What keystores of the plan's Beats hold as the password of a user: now, or before a run replaced it."""
    for change in _passwords(context.plan):
        if change.secret != f"{_PASSWORD}{user}":
            continue
        with contextlib.suppress(EstuiError):
            if not run:
                yield carried_entry(context, change.target, change.name)
                continue
            path = f"{context.plan.folder}/{BEFORE}/{run}/{change.path}"
            state = context.fs.read(context.plan.place(change.target).root, path)
            entries = read_beats_keystore(state.content, path).entries if state.exists else {}
            if change.name in entries:
                yield entries[change.name]


def require_unchanged(user: str, value: Secret) -> Secret:
    """The same secret. ApplyError with the reason where a Beat would read it as something else (beats.md §1.2)."""
    why = change_on_reading(value)
    if why:
        raise ApplyError(
            f"the password of {user} would not arrive as it is: {why}",
            hint="choose one that begins with a letter and has letters and digits only",
        )
    return value
