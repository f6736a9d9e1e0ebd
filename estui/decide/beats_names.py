"""Names that a Beat's files take from somewhere else, as `${NAME}`: which of them nobody who is in sight holds.

A Beat looks in its own yml, then in its keystore, then in the environment of its process (beats.md §1.1), which estui
does not see.
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.beats_paths import sources
from estui.formats.beats_values import references
from estui.model.observed import ObservedBeat
from estui.model.setting import Setting

_OWN_NAMES = ("path.config", "path.data", "path.home", "path.logs", "beat.hostname", "beat.name", "beat.version")
"""Names that a Beat knows by itself."""
_TEMPLATES = ("data.", "kubernetes.", "docker.")
"""What autodiscover puts into its templates, event by event."""


def names_used(beat: ObservedBeat) -> Iterator[tuple[str, str, Setting]]:
    """Each name that is neither a setting of the yml nor the Beat's own: the name, the yml, the setting. Those that
    bring a default along (`${NAME:default}`) are passed over."""
    for path, settings in sources(beat):
        for setting in settings.values():
            for item in setting.items:
                for name in references(item, demanded=True):
                    if name not in beat.settings and name not in _OWN_NAMES and not name.startswith(_TEMPLATES):
                        yield name, path, setting


def unheld(beat: ObservedBeat) -> Iterator[tuple[str, str, Setting]]:
    """Those of them that its keystore does not hold either."""
    return (found for found in names_used(beat) if found[0] not in beat.keystore.names)
