"""New passwords of users that Beats log in with: where their keystores hold one, and what puts the new one in."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from estui.decide.beats import entry_changes
from estui.decide.beats_paths import sources
from estui.model.observed import Observed, ObservedBeat
from estui.model.plan import Change

_ALONE = re.compile(r"\$\{([^{}:]+)\}")


@dataclass(frozen=True)
class Held:
    """One login of a Beat whose password is an entry of its keystore."""

    beat: ObservedBeat
    key: str
    """The setting with the user's name."""
    user: str
    entry: str


def held(observed: Observed) -> Iterator[Held]:
    """Every such login, of the yml and of modules; a password that stands in a yml is not among them."""
    for beat in observed.beats:
        for _, settings in sources(beat):
            for key, setting in settings.items():
                if key != "username" and not key.endswith(".username"):
                    continue
                password = settings.get(f"{key.removesuffix('username')}password")
                found = _ALONE.fullmatch(password.text) if password else None
                if found and found[1] in beat.keystore.names:
                    yield Held(beat, key, setting.text, found[1])


def users(observed: Observed) -> tuple[str, ...]:
    """Users whose passwords are in keystores of Beats."""
    return tuple(dict.fromkeys(each.user for each in held(observed)))


def holders(observed: Observed, names: Sequence[str]) -> tuple[str, ...]:
    """Beats that get a new password of one of these users."""
    return tuple(dict.fromkeys(each.beat.target for each in held(observed) if each.user in names))


def refusals(observed: Observed, names: Sequence[str]) -> Iterator[str]:
    """Entries that two users share: one of them would get the other's password."""
    others: dict[tuple[str, str], set[str]] = {}
    for each in held(observed):
        others.setdefault((each.beat.target, each.entry), set()).add(each.user)
    for (target, entry), who in others.items():
        if len(who) > 1 and not who.isdisjoint(names):
            yield f"{target}: {entry} of its keystore is the password of {', '.join(sorted(who))}: give each its own"


def changes(observed: Observed, names: Sequence[str]) -> list[Change]:
    """The new passwords in the keystores of Beats, each entry once."""
    found: list[Change] = []
    done: set[tuple[str, str]] = set()
    for each in held(observed):
        if each.user in names and (each.beat.target, each.entry) not in done:
            done.add((each.beat.target, each.entry))
            why = f"the new password of {each.user}"
            more = entry_changes(each.beat, each.entry, f"password:{each.user}", why)
            found += [change for change in more if change not in found]
    return found
