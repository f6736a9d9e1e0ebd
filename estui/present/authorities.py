"""What was done with a certificate authority, and what it issued, as lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from estui.decide.issued import Fate, IssuedLeaf
from estui.model.observed import AuthorityFacts
from estui.present.lines import Kind, Line, count

_KINDS = {Fate.INSTALLED: Kind.GOOD, Fate.REPLACED: Kind.TEXT, Fate.OUTSTANDING: Kind.WARN, Fate.EXPIRED: Kind.NOTE}


def fate_text(leaf: IssuedLeaf) -> str:
    """`installed: es-1 http`, `replaced, valid until 2027-12-27`, `outstanding until …`, `expired on …`."""
    end = f"{leaf.not_after:%Y-%m-%d}"
    return {
        Fate.INSTALLED: f"installed: {', '.join(leaf.installed)}, until {end}",
        Fate.REPLACED: f"replaced, valid until {end}",
        Fate.OUTSTANDING: f"outstanding until {end}",
        Fate.EXPIRED: f"expired on {end}",
    }[leaf.fate]


def issued_lines(leaves: Sequence[IssuedLeaf]) -> list[Line]:
    """One line for each leaf: serial, what for, and where it is now."""
    width = max((len(f"{leaf.target} {leaf.set_name}") for leaf in leaves), default=0)
    return [
        Line(
            _KINDS[leaf.fate],
            f"{leaf.serial[:16]:16}  {f'{leaf.target} {leaf.set_name}':{width}}  {leaf.subject}  {fate_text(leaf)}",
        )
        for leaf in leaves
    ]


def renewed_lines(before: AuthorityFacts, after: AuthorityFacts, holders: Sequence[str]) -> list[Line]:
    """The new life, and what remains to be done."""
    old, new = before.certificate, after.certificate
    lines = [
        Line(Kind.GOOD, f"CA {after.name} ends {new.not_after:%Y-%m-%d} instead of {old.not_after:%Y-%m-%d}"),
        Line(Kind.TEXT, f"same key and name, serial {new.serial_hex}, sha256 {new.sha256}"),
    ]
    if old.key_usage is None and new.key_usage is not None:
        lines.append(Line(Kind.TEXT, "it has a KeyUsage now, which the old one lacked"))
    if not holders:
        return lines
    return [
        *lines,
        Line(
            Kind.WARN,
            f"the old certificate (until {old.not_after:%Y-%m-%d}) is still what these trust: {', '.join(holders)}",
        ),
        Line(Kind.TEXT, "estui rotate --all gives them the new one, and leaves that may live longer"),
        Line(Kind.NOTE, "clients that estui cannot see, and whoever pins the old fingerprint, need it before that day"),
    ]


def noted_lines(notes: Iterable[str]) -> list[Line]:
    """What should be known about something that was let in."""
    return [Line(Kind.WARN, f"note: {note}") for note in notes]


def resealed_line(files: int) -> Line:
    """After a change of the passphrase."""
    return Line(Kind.GOOD, f"new passphrase: {count(files, 'file')} sealed anew; copies made before keep the old one")
