"""One target in full: desired, on disk and served for each TLS context, each difference by name with its evidence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from estui.decide.views import (
    ContextView,
    Named,
    TargetView,
    beat_view,
    duration,
    kibana_view,
    node_view,
    started_at,
    version_note,
    yml_changed,
)
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Inventory
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode, OnDisk, PortState, Served
from estui.model.views import Desired, Difference
from estui.present.lines import Kind, Line
from estui.present.status import certificate_lines, left_text

_TITLES = {"server": "browsers", "elasticsearch": "Elasticsearch", "output": "output"}
_CALM = (Difference.PENDING, Difference.UNREACHABLE)
Thing = ObservedNode | ObservedKibana | ObservedBeat


def target_lines(observed: Observed, target: str, now: datetime) -> list[Line]:
    """Everything about one target, with all evidence; nothing for a name that is not there."""
    for node in observed.nodes:
        if node.target == target:
            return node_lines(node, now, observed)
    for kibana in observed.kibana:
        if kibana.target == target:
            return kibana_lines(kibana, now, observed)
    return next((beat_lines(beat, now, observed) for beat in observed.beats if beat.target == target), [])


def difference_line(named: Named, indent: str = "    ") -> Line:
    """`http NOT LOADED: 127.0.0.1:9200 serves CN=es-1, serial 4f9a…`: a name and the first of its evidence."""
    first = f": {named.evidence[0]}" if named.evidence else ""
    place = "" if named.evidence and named.evidence[0].startswith(named.where) else f"{named.where} "
    return Line(_kind(named), f"{indent}{place}{named.difference.value.upper()}{first}")


def difference_lines(named: Named, indent: str = "  ") -> list[Line]:
    """A difference with all of its evidence."""
    head, *rest = named.evidence or ("",)
    lines = [Line(_kind(named), f"{indent}{named.difference.value.upper()}: {head}")]
    return [*lines, *(Line(Kind.TEXT, f"{indent}  {each}") for each in rest)]


def _kind(named: Named) -> Kind:
    return Kind.WARN if named.difference in _CALM else Kind.BAD


def context_lines(context: ContextView, now: datetime, desired: Desired | None = None) -> list[Line]:
    """One TLS context in its three views, and the evidence of each difference."""
    names = ", ".join(dict.fromkeys(each.difference.value.upper() for each in context.differences))
    lines = [Line(Kind.TITLE, _TITLES.get(context.name, context.name) + (f": {names}" if names else ""))]
    lines.append(Line(Kind.TEXT, f"  desired  {_desired_text(context, desired)}"))
    lines += _disk_lines(context, now)
    if context.served is not None:
        lines += _served_lines(context.served, context.disk, now)
    for each in context.differences:
        lines += difference_lines(each)
    return lines


def _desired_text(context: ContextView, desired: Desired | None) -> str:
    leaf = context.desired
    if leaf is not None:
        state = "ready, not switched yet" if leaf.waiting else "put there"
        return f"serial {leaf.serial[:16]} of ca/{leaf.authority}, to {leaf.not_after[:10]}, {state} by run {leaf.run}"
    if context.link is not None:
        return f"set {context.link.image.link} of run {context.link.run}, with what it trusts"
    if context.wanted is not None and desired is not None:
        return f"{'TLS' if context.wanted else 'no TLS'} ({desired.goal}, run {desired.run})"
    return "what is there: no run has set it up"


def _disk_lines(context: ContextView, now: datetime) -> Iterator[Line]:
    disk = context.disk
    owner = ", estui's own set" if disk.managed else ""
    yield Line(Kind.TEXT, f"  on disk  {'TLS' if disk.enabled else 'no TLS'}{owner}")
    if context.place:
        yield Line(Kind.NOTE, f"    {context.place}")
    for name in disk.files:
        yield Line(Kind.TEXT, f"    {name}")
    if disk.problem:
        yield Line(Kind.BAD, f"    {disk.problem}")
    if disk.leaf:
        yield from certificate_lines(disk.leaf, now)
    trusted = ", ".join(f"{each.subject} ({left_text(each, now)})" for each in disk.trusted)
    if trusted:
        yield Line(Kind.TEXT, f"    trusts {trusted}")


def _served_lines(served: Served, disk: OnDisk, now: datetime) -> Iterator[Line]:
    state = f"{served.tls_version} {served.cipher}".strip() if served.state is PortState.TLS else served.state.value
    detail = f" ({served.detail})" if served.detail else ""
    same = served.leaf is not None and disk.leaf is not None and served.leaf.sha256 == disk.leaf.sha256
    yield Line(Kind.TEXT, f"  served   {served.address or 'no address'}: {state or 'TLS'}{detail}")
    if same:
        yield Line(Kind.TEXT, "    the certificate on disk")
    elif served.leaf:
        yield from certificate_lines(served.leaf, now)
    if served.client_certificate:
        yield Line(Kind.TEXT, "    demands a client certificate")


def _head(view: TargetView, words: str, folder: str) -> list[Line]:
    names = ", ".join(dict.fromkeys(each.difference.value.upper() for each in view.named))
    return [
        Line(Kind.TITLE, f"{view.target}  {words}" + (f"  {names}" if names else "")),
        Line(Kind.TEXT, f"folder {folder}"),
    ]


def _tail(view: TargetView, thing: Thing) -> list[Line]:
    lines = [line for each in view.differences for line in difference_lines(each, "")]
    for problem in thing.problems:
        lines.append(Line(Kind.BAD, f"{problem.where}: {problem.summary}"))
        lines += [Line(Kind.NOTE, f"  hint: {problem.hint}")] if problem.hint else []
    return lines


def _alone(thing: Thing) -> Observed:
    """An observation of one target, for callers that have no other."""
    if isinstance(thing, ObservedNode):
        return Observed(Inventory("", (thing.entry,)), (thing,))
    return Observed(Inventory("", ()), ())


def _contexts(view: TargetView, now: datetime, desired: Desired | None) -> list[Line]:
    return [line for context in view.contexts for line in context_lines(context, now, desired)]


def node_lines(node: ObservedNode, now: datetime, observed: Observed | None = None) -> list[Line]:
    """Everything about one node; with the whole observation also what the runs want there, and when it started."""
    whole = observed or _alone(node)
    view = node_view(node, whole, now)
    note = version_note(node)
    lines = _head(view, node.rung.label, node.entry.config)
    lines.append(Line(Kind.TEXT, f"version {version_text(node)}" + (f", {note}" if note else "")))
    lines.append(Line(Kind.TEXT, f"API: {_api_text(node)}"))
    lines += _time_lines(node, whole, now)
    lines += _contexts(view, now, whole.desired)
    lines += _listed_lines(node)
    lines += _outside_lines(node)
    return lines + _tail(view, node)


def version_text(node: ObservedNode) -> str:
    """`9.1.0 (API)`; of a keystore only the oldest release that writes its format is known."""
    if node.version is None:
        return "not told"
    if node.version_source.startswith("keystore"):
        return f"{node.version.major}.{node.version.minor} or later ({node.version_source})"
    return f"{node.version} ({node.version_source})" if node.version_source else str(node.version)


def _api_text(node: ObservedNode) -> str:
    api = node.api
    if not api.reachable:
        return api.detail or "no answer"
    if api.name:
        health = f", {api.health.nodes} nodes, {api.health.status}" if api.health else ""
        user = f", asked as {api.authenticated_as}" if api.authenticated_as else ""
        return f"answers as {api.name}{health}{user}" + (f" ({api.detail})" if api.detail else "")
    return api.detail or f"HTTP {api.status}"


def _time_lines(node: ObservedNode, observed: Observed, now: datetime) -> Iterator[Line]:
    for what, moment in (("started", started_at(node, observed)), ("yml changed", yml_changed(node))):
        if moment:
            ago = duration((now - moment).total_seconds())
            yield Line(Kind.TEXT, f"{what} {moment:%Y-%m-%d %H:%M:%S} UTC, {ago} ago")


def _listed_lines(node: ObservedNode) -> Iterator[Line]:
    """The node's own list: what it finds under the names that it was started with."""
    api = node.api
    if api.listed is None and not api.listed_problem:
        return
    yield Line(Kind.TITLE, "the node's own list (GET /_ssl/certificates): what it sees, not what it serves")
    if api.listed_problem:
        yield Line(Kind.BAD, f"  {api.listed_problem}")
    if api.listed == ():
        yield Line(Kind.TEXT, "  nothing")
    for each in api.listed or ():
        key = ", with its key" if each.has_key else ""
        yield Line(Kind.TEXT, f"  {each.path}: serial {each.serial:x}{key}")


def _outside_lines(node: ObservedNode) -> Iterator[Line]:
    """Settings that the inventory states to come from outside the yml."""
    outside = [each for each in node.settings.values() if each.source]
    if outside:
        yield Line(Kind.TITLE, "set outside the yml, which wins over it")
    for each in outside:
        yield Line(Kind.TEXT, f"  {each.key}: {each.text}  [{each.source}]")


def kibana_lines(kibana: ObservedKibana, now: datetime, observed: Observed | None = None) -> list[Line]:
    """Everything about one Kibana instance."""
    whole = observed or _alone(kibana)
    view = kibana_view(kibana, whole, now)
    secured = kibana.setting("server.ssl.enabled") == "true"
    return [
        *_head(view, "https" if secured else "plain http", kibana.entry.config),
        Line(Kind.TEXT, f"version {kibana.version or 'not told'}"),
        Line(Kind.TEXT, f"status {kibana.status or 'no answer'}"),
        Line(Kind.TEXT, f"talks to {kibana.setting('elasticsearch.hosts') or 'no elasticsearch.hosts'}"),
        *_contexts(view, now, whole.desired),
        *_tail(view, kibana),
    ]


def beat_lines(beat: ObservedBeat, now: datetime, observed: Observed | None = None) -> list[Line]:
    """Everything about one Beat."""
    whole = observed or _alone(beat)
    view = beat_view(beat, whole)
    hosts = beat.setting("output.elasticsearch.hosts") or "no output.elasticsearch.hosts"
    return [
        *_head(view, "no port: desired and on disk only", beat.entry.config),
        Line(Kind.TEXT, f"talks to {hosts}"),
        *_contexts(view, now, whole.desired),
        *_tail(view, beat),
    ]


def views_json(views: Sequence[TargetView]) -> list[dict[str, object]]:
    """The same for programs: every context in its three views, every difference with its evidence."""
    return [
        {
            "target": view.target,
            "contexts": [_context_json(context) for context in view.contexts],
            "differences": [
                {"name": each.difference.value, "where": each.where, "evidence": each.evidence} for each in view.named
            ],
        }
        for view in views
    ]


def _leaf_json(leaf: CertificateFacts | None) -> dict[str, object] | None:
    """A certificate for programs; its serial as hex, since a number of 20 bytes does not survive JSON."""
    if leaf is None:
        return None
    return {
        "subject": leaf.subject,
        "issuer": leaf.issuer,
        "serial": leaf.serial_hex,
        "not_before": leaf.not_before,
        "not_after": leaf.not_after,
        "sha256": leaf.sha256,
        "names": leaf.names,
        "key_type": leaf.key_type,
    }


def _context_json(context: ContextView) -> dict[str, object]:
    disk, served = context.disk, context.served
    return {
        "name": context.name,
        "desired": context.desired,
        "desired_tls": context.wanted,
        "on_disk": {
            "tls": disk.enabled,
            "files": disk.files,
            "managed": disk.managed,
            "place": context.place,
            "problem": disk.problem,
            "leaf": _leaf_json(disk.leaf),
        },
        "served": None
        if served is None
        else {
            "address": str(served.address) if served.address else None,
            "state": served.state.value,
            "detail": served.detail,
            "tls_version": served.tls_version,
            "cipher": served.cipher,
            "client_certificate": served.client_certificate,
            "leaf": _leaf_json(served.leaf),
        },
    }
