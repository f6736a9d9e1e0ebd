"""What became of the leaves that a CA issued: its own records against what lies on the targets now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from estui.decide.authorities import SERVER_SET
from estui.errors import StoreError
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.model.observed import Observed, OnDisk


class Fate(StrEnum):
    """Where an issued leaf is now."""

    INSTALLED = "installed"
    REPLACED = "replaced"
    """Another leaf stands where it was installed. It stays valid until it ends."""
    OUTSTANDING = "outstanding"
    """Valid, and nowhere to be seen."""
    EXPIRED = "expired"


@dataclass(frozen=True)
class IssuedLeaf:
    """One record of `issued.jsonl`, and what became of it."""

    serial: str
    subject: str
    names: tuple[str, ...]
    not_after: datetime
    sha256: str
    target: str
    """What it was issued for; `set_name` likewise."""
    set_name: str
    run: str
    fate: Fate
    installed: tuple[str, ...] = ()
    """Targets and sets that hold it now, such as `es-1 http`."""


def issued_leaves(records: Sequence[Mapping[str, object]], observed: Observed, now: datetime) -> tuple[IssuedLeaf, ...]:
    """Every leaf that a CA issued, oldest first. Raises StoreError: a record without a date."""
    places = list(_leaves_on_disk(observed))
    return tuple(_issued(record, places, now) for record in records)


def _leaves_on_disk(observed: Observed) -> Iterator[tuple[str, str, CertificateFacts]]:
    """Target, set and leaf of everything that has one, whether it is in use or not."""
    for node in observed.nodes:
        for layer in Layer:
            leaf = node.disk.get(layer, OnDisk()).leaf
            if leaf is not None:
                yield node.target, layer.value, leaf
    for each in observed.kibana:
        if each.disk.leaf is not None:
            yield each.target, SERVER_SET, each.disk.leaf
        if each.trust.leaf is not None:
            yield each.target, "elasticsearch", each.trust.leaf


def _moment(record: Mapping[str, object]) -> datetime:
    try:
        return datetime.fromisoformat(str(record.get("not_after")))
    except ValueError as exc:
        serial = record.get("serial", "?")
        raise StoreError(f"issued.jsonl: the record of serial {serial} has no date", hint="restore it") from exc


def _issued(
    record: Mapping[str, object], places: Sequence[tuple[str, str, CertificateFacts]], now: datetime
) -> IssuedLeaf:
    names = record.get("names")
    sha256, target, set_name = (str(record.get(key, "")) for key in ("sha256", "target", "set"))
    not_after = _moment(record)
    installed = tuple(f"{name} {each}" for name, each, leaf in places if leaf.sha256 == sha256)
    if installed:
        fate = Fate.INSTALLED
    elif not_after <= now:
        fate = Fate.EXPIRED
    elif any((name, each) == (target, set_name) for name, each, _ in places):
        fate = Fate.REPLACED
    else:
        fate = Fate.OUTSTANDING
    return IssuedLeaf(
        serial=str(record.get("serial", "")),
        subject=str(record.get("subject", "")),
        names=tuple(str(name) for name in names) if isinstance(names, list) else (),
        not_after=not_after,
        sha256=sha256,
        target=target,
        set_name=set_name,
        run=str(record.get("run", "")),
        fate=fate,
        installed=installed,
    )
