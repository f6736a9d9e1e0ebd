"""The login that a Beat's own files give it, with every `${NAME}` put in as the Beat itself does."""

from __future__ import annotations

from collections.abc import Mapping

from estui.errors import ProbeError
from estui.formats.beats_values import expanded
from estui.model.observed import ObservedBeat
from estui.model.setting import Setting
from estui.observe.beat_folder import read_entries
from estui.observe.http import ApiKey, Basic, Credentials
from estui.secret import Secret

OUTPUT = "output.elasticsearch"


def beat_login(
    beat: ObservedBeat, section: str = OUTPUT, settings: Mapping[str, Setting] | None = None
) -> Credentials | None:
    """Credentials of a section, None where it has none; `settings` are those of the module's file where it is not in
    the Beat's own yml.

    Names are looked for in the yml, then in the keystore (beats.md §1.1); the process' environment is not seen.
    Raises SettingsError: the Beat would stop over a value, or a name that neither holds. StoreError: its keystore
    cannot be read. ProbeError: a user without a password.
    """
    entries = read_entries(beat.entry, beat.kind, beat.settings).entries
    old = beat.version is not None and beat.version.major < 8

    def held(name: str) -> str | None:
        if name in beat.settings:
            return beat.settings[name].text
        return entries[name].reveal() if name in entries else None

    def value(name: str) -> str | None:
        key = f"{section}.{name}"
        found = (beat.settings if settings is None else settings).get(key)
        return expanded(found.text, held, key=key, old=old) if found and found.text else None

    key, user, password = value("api_key"), value("username"), value("password")
    if key:
        return ApiKey(Secret(key))
    if user and password is None:
        raise ProbeError(f"{section}.password is missing beside the user {user}")
    return Basic(user, Secret(password or "")) if user else None
