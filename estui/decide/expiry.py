"""What ends when: every certificate of an observed cluster, and everything that could not be looked at.

Owns which contexts count, what is one certificate, and how it stands. A watch that cannot look must not say that all
is well: whatever hides a certificate is a row of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from estui.decide.findings.view import is_stock_container
from estui.decide.rung import has_tls, is_secured, ssl_key
from estui.model.certificate import CertificateFacts
from estui.model.expiry import (
    ExpiryReport,
    ExpiryRow,
    ExpiryState,
    Holder,
    ListedCertificate,
    Looked,
    NodeList,
    Sighting,
    Where,
)
from estui.model.finding import Finding, Severity
from estui.model.inventory import Layer
from estui.model.observed import (
    NamedFile,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)

CRITICAL_DAYS = 7
_NO_ANSWER = (PortState.REFUSED, PortState.TIMED_OUT, PortState.UNREACHABLE, PortState.SILENT)
_HIDES = ("folder-", "yml-")
"""Findings about a folder of which nothing can be seen; a locked keystore is told by the files it would open."""
_NO_LISTS: Mapping[str, NodeList] = {}
_ORDER = list(ExpiryState)
_UNREADABLE_DATES = 1
"""Year that stands for dates which the certificate library could not read."""


@dataclass(frozen=True)
class _Found:
    """A certificate in one place, or (without facts) something that hides certificates there."""

    holder: Holder
    sighting: Sighting
    facts: CertificateFacts | ListedCertificate | None = None
    detail: str = ""


def expiry_report(
    observed: Observed,
    now: datetime,
    *,
    warn_days: int | None = None,
    critical_days: int = CRITICAL_DAYS,
    lists: Mapping[str, NodeList] = _NO_LISTS,
    network: bool = True,
) -> ExpiryReport:
    """Everything that ends. `warn_days` is the policy's time before renewal where it is None; `lists` are the nodes'
    own lists by target, where they could be asked. Without `network` no port was to be looked at."""
    warn = observed.inventory.policy.renew_before_days if warn_days is None else warn_days
    found = [each for each in _everything(observed, lists) if network or each.sighting.where is not Where.SERVED]
    rows = sorted(_rows(found, now, warn, critical_days), key=_by_end)
    hidden = {each.sighting.target for each in found if each.facts is None}
    return ExpiryReport(
        cluster=observed.inventory.cluster,
        at=now,
        warn_days=warn,
        critical_days=critical_days,
        state=max((row.state for row in rows), key=_ORDER.index, default=ExpiryState.OK),
        rows=tuple(rows),
        targets=tuple(Looked(target, target not in hidden) for target in _targets(observed)),
    )


def _targets(observed: Observed) -> list[str]:
    return [*(thing.target for thing in observed.things), *(beat.target for beat in observed.beats)]


def _by_end(row: ExpiryRow) -> tuple[bool, datetime, str, str]:
    return row.not_after is None, row.not_after or datetime.max.replace(tzinfo=UTC), row.subject, row.detail


# how one stands


def state_of(facts: CertificateFacts, now: datetime, warn_days: int, critical_days: int) -> ExpiryState:
    """How a certificate stands at `now`, by whole days left."""
    if facts.not_before > now:
        return ExpiryState.NOT_YET_VALID
    return _state(facts.not_after, now, warn_days, critical_days)


def _state(not_after: datetime, now: datetime, warn_days: int, critical_days: int) -> ExpiryState:
    if not_after.year == _UNREADABLE_DATES:
        return ExpiryState.UNKNOWN
    days = (not_after - now).days
    if not_after <= now:
        return ExpiryState.EXPIRED
    if days <= critical_days:
        return ExpiryState.CRITICAL
    return ExpiryState.DUE if days <= warn_days else ExpiryState.OK


def _rows(found: Iterable[_Found], now: datetime, warn_days: int, critical_days: int) -> list[ExpiryRow]:
    """One row for each certificate and kind of holder, with every place; one for each thing that hides some."""
    merged: dict[tuple[object, ...], tuple[ExpiryRow, dict[Sighting, None]]] = {}
    listed: dict[tuple[object, ...], tuple[object, ...]] = {}
    for each in found:
        match each.facts:
            case CertificateFacts() as facts:
                key: tuple[object, ...] = (each.holder, facts.sha256)
                listed.setdefault((each.holder, facts.serial, _second(facts.not_after)), key)
                row = _certificate_row(each.holder, facts, now, warn_days, critical_days)
            case ListedCertificate() as entry:
                fallback = (each.holder, "listed", entry.serial, entry.subject, entry.not_after)
                key = listed.get((each.holder, entry.serial, _second(entry.not_after)), fallback)
                row = _listed_row(each.holder, entry, now, warn_days, critical_days)
            case None:
                key = (each.holder, each.sighting, each.detail)
                row = ExpiryRow(ExpiryState.UNKNOWN, each.holder, detail=each.detail)
        merged.setdefault(key, (row, {}))[1][each.sighting] = None
    return [replace(row, seen=tuple(seen)) for row, seen in merged.values()]


def _second(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


def _certificate_row(
    holder: Holder, facts: CertificateFacts, now: datetime, warn_days: int, critical_days: int
) -> ExpiryRow:
    state = state_of(facts, now, warn_days, critical_days)
    return ExpiryRow(
        state,
        holder,
        facts.subject,
        facts.issuer,
        facts.serial_hex,
        facts.sha256,
        facts.not_before,
        facts.not_after,
        facts.days_left(now),
        facts.is_ca,
        detail="its dates cannot be read" if state is ExpiryState.UNKNOWN else "",
    )


def _listed_row(
    holder: Holder, entry: ListedCertificate, now: datetime, warn_days: int, critical_days: int
) -> ExpiryRow:
    return ExpiryRow(
        _state(entry.not_after, now, warn_days, critical_days),
        holder,
        entry.subject,
        entry.issuer,
        f"{entry.serial:x}",
        not_after=entry.not_after,
        days_left=(entry.not_after - now).days,
        is_ca=entry.issuer == entry.subject and not entry.has_private_key,
    )


# where certificates are


def certificate(observed: Observed, sha256: str) -> CertificateFacts | None:
    """The facts of a certificate that was seen on a disk or a port."""
    every = (each.facts for each in _everything(observed, _NO_LISTS))
    return next((facts for facts in every if isinstance(facts, CertificateFacts) and facts.sha256 == sha256), None)


def _everything(observed: Observed, lists: Mapping[str, NodeList]) -> Iterator[_Found]:
    """Files and ports first: a node's own list then only adds to what is known by its fingerprint."""
    for node in observed.nodes:
        yield from _of_node(node, lists.get(node.target, NodeList()))
    for kibana in observed.kibana:
        yield from _of_kibana(kibana)
    for beat in observed.beats:
        yield from _of_beat(beat)
    for authority in observed.authorities:
        sighting = Sighting(f"ca/{authority.name}", "ca", Where.DISK, f"ca/{authority.name}/ca.crt")
        yield _Found(Holder.WORKSPACE, sighting, authority.certificate)
    for client in observed.clients:
        file = f"clients/{client.name}.{'pem' if client.has_key else 'crt'}"
        yield _Found(Holder.WORKSPACE, Sighting(client.target, "client", Where.DISK, file), client.certificate)
    for node in observed.nodes:
        yield from _of_list(node, lists.get(node.target, NodeList()))


def _of_node(node: ObservedNode, own: NodeList) -> Iterator[_Found]:
    yield from _hidden_folder(Holder.NODE, node.target, node.problems)
    told = {entry.path for entry in own.certificates}
    layers = [(layer.value, node.disk.get(layer, OnDisk())) for layer in Layer if _speaks_tls(node, layer)]
    others = [(name, disk) for name, disk in node.extra if disk.enabled]
    for name, disk in (*layers, *others):
        yield from _of_context(Holder.NODE, node.target, name, disk, told)
    for layer in Layer:
        yield from _of_port(
            Holder.NODE, node.target, layer.value, node.port(layer), expected=_may_speak_tls(node, layer)
        )


def _speaks_tls(node: ObservedNode, layer: Layer) -> bool:
    return has_tls(node, layer) and is_secured(node) is not False


def _may_speak_tls(node: ObservedNode, layer: Layer) -> bool:
    """Whether a port that gives no answer hides a certificate: by the yml, or where the yml says nothing."""
    taken = "${" in (node.setting(ssl_key(layer, "enabled")) or "")
    return _speaks_tls(node, layer) or bool(node.problems) or is_stock_container(node) or taken


def _of_kibana(kibana: ObservedKibana) -> Iterator[_Found]:
    yield from _hidden_folder(Holder.KIBANA, kibana.target, kibana.problems)
    for name, disk in (("server", kibana.disk), ("elasticsearch", kibana.trust)):
        if disk.enabled:
            yield from _of_context(Holder.KIBANA, kibana.target, name, disk)
    expected = kibana.disk.enabled or bool(kibana.problems)
    yield from _of_port(Holder.KIBANA, kibana.target, "server", kibana.served, expected=expected)


def _of_beat(beat: ObservedBeat) -> Iterator[_Found]:
    yield from _hidden_folder(Holder.BEAT, beat.target, beat.problems)
    if beat.trust.enabled:
        yield from _of_context(Holder.BEAT, beat.target, "output", beat.trust)


def _hidden_folder(holder: Holder, target: str, problems: Iterable[Finding]) -> Iterator[_Found]:
    for finding in problems:
        if finding.severity is Severity.FATAL and finding.rule.startswith(_HIDES):
            sighting = Sighting(target, "folder", Where.DISK, finding.where)
            yield _Found(holder, sighting, detail=finding.summary)


def _of_context(holder: Holder, target: str, name: str, disk: OnDisk, told: Iterable[str] = ()) -> Iterator[_Found]:
    """Leaf, chain and trusted CAs of a TLS context, and the files of it that could not be read; `told` are files
    whose content the node lists by itself."""
    in_store = any(named.setting == "keystore.path" for named in disk.named) and not _files(disk, "certificate")
    own = Where.STORE if in_store else Where.DISK
    for facts in disk.chain:
        yield _Found(holder, Sighting(target, name, own, _files(disk, "certificate", "keystore.path")), facts)
    trusting = _files(disk, "certificate_authorities", "truststore.path") or _files(disk, "keystore.path")
    for facts in disk.trusted:
        yield _Found(holder, Sighting(target, name, Where.TRUST, trusting), facts)
    known = set(told)
    for named in disk.named:
        if named.fault and named.setting != "key" and named.name not in known:
            where = Where.TRUST if named.setting in ("certificate_authorities", "truststore.path") else own
            yield _Found(holder, Sighting(target, name, where, _path(named)), detail=named.detail)


def _files(disk: OnDisk, *settings: str) -> str:
    """Files that these settings name, as they lie in the folder."""
    return ", ".join(dict.fromkeys(_path(named) for named in disk.named if named.setting in settings))


def _path(named: NamedFile) -> str:
    return named.relative or named.name


def _of_port(holder: Holder, target: str, name: str, served: Served, *, expected: bool) -> Iterator[_Found]:
    """The chain as served; a port that should serve one and gave no answer hides it."""
    sighting = Sighting(target, name, Where.SERVED, str(served.address or ""))
    for facts in served.chain:
        yield _Found(holder, sighting, facts)
    if served.state is PortState.TLS and not served.chain:
        yield _Found(holder, sighting, detail=f"the {name} port shows no certificate: {served.detail}")
    elif served.state is PortState.NOT_ASKED and expected:
        yield _Found(holder, sighting, detail=f"the {name} port was not asked: its address is not known")
    elif served.state in _NO_ANSWER and expected:
        words = ", ".join(part for part in (served.state.value, served.detail) if part)
        yield _Found(holder, sighting, detail=f"the {name} port does not answer: {words}")


def _of_list(node: ObservedNode, own: NodeList) -> Iterator[_Found]:
    """What a node lists by itself, in the context whose file it is."""
    contexts = [*((layer.value, disk) for layer, disk in node.disk.items()), *node.extra]
    names = {named.name: name for name, disk in reversed(contexts) for named in disk.named}
    for entry in own.certificates:
        yield _Found(
            Holder.NODE, Sighting(node.target, names.get(entry.path, "other"), Where.LISTED, entry.path), entry
        )
    if own.problem:
        sighting = Sighting(node.target, "list", Where.LISTED, str(node.http_address or ""))
        yield _Found(Holder.NODE, sighting, detail=f"the node does not list its certificates: {own.problem}")
