"""A pinned CA fingerprint (`ca_trusted_fingerprint`) of a Beat: whether the Beat looks at it (beats.md §2)."""

from __future__ import annotations

from collections.abc import Mapping

from estui.decide.beats_paths import OUTPUT
from estui.model.observed import ObservedBeat
from estui.model.setting import Setting

PIN = "ca_trusted_fingerprint"


def why_ignored(beat: ObservedBeat, settings: Mapping[str, Setting], section: str) -> str:
    """Why a Beat does not look at the pin of a section, such as `output.elasticsearch`; empty where it does."""
    if beat.version is not None and beat.version.major < 8:
        return f"Beats {beat.version} do not know it"
    mode = settings.get(f"{section}.ssl.verification_mode")
    return "verification_mode strict does not look at it" if mode is not None and mode.text == "strict" else ""


def pin_in_force(beat: ObservedBeat, settings: Mapping[str, Setting] | None = None, section: str = OUTPUT) -> str:
    """The fingerprint that counts for a section, lower-case; empty where there is none or it is ignored."""
    found = (settings if settings is not None else beat.settings).get(f"{section}.ssl.{PIN}")
    if found is None or why_ignored(beat, settings if settings is not None else beat.settings, section):
        return ""
    return found.text.lower()
