"""The three views of every target side by side, and the name of each difference with its evidence (design §5).

Desired is what the runs of the workspace left (`act/left.py`), on disk what the folder holds, served what a fresh
connection met. A name is only as strong as its evidence, which is told with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from estui.decide.drift import file_differences, leaf_differences
from estui.decide.findings.rule import NEWEST, is_newer
from estui.decide.findings.view import NODE_YML, at, at_beat, at_kibana
from estui.decide.hosts import member_of
from estui.decide.loading import NodeView, why_not_loaded
from estui.decide.rung import ANONYMOUS_ROLES, SECURITY, has_tls, is_secured, ssl_key
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.model.observed import (
    ABSENT,
    NOT_ASKED,
    AuthorityFacts,
    Observed,
    ObservedBeat,
    ObservedKibana,
    ObservedNode,
    OnDisk,
    PortState,
    Served,
)
from estui.model.views import Desired, DesiredFile, DesiredLeaf, Difference
from estui.pki.issuers import is_signed_by

RELOAD_S = 5.0
"""`resource.reload.interval.high`: how often a node looks at its files (elastic-stack-security.md §6.3)."""
POLLS = 3
"""Polls after which a usable file that is there has been loaded (real-elasticsearch.md §7)."""
RELOAD = "resource.reload.enabled"
_GONE = (PortState.REFUSED, PortState.TIMED_OUT, PortState.UNREACHABLE, PortState.SILENT)


@dataclass(frozen=True)
class Named:
    """One difference: its name, where it is (`transport`, `http`, … or a file), and what shows it."""

    difference: Difference
    where: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True)
class ContextView:
    """One TLS context of one target in its three views; `served` is None where it has no port."""

    name: str
    """`transport`, `http`; of Kibana `server` (browsers) and `elasticsearch`; of a Beat `output`."""
    desired: DesiredLeaf | None
    wanted: bool | None
    """Whether it speaks TLS by the last plan; None where no plan says so."""
    disk: OnDisk
    served: Served | None
    differences: tuple[Named, ...] = ()
    place: str = ""
    """File, line and setting by which the yml has it so."""
    link: DesiredFile | None = None
    """How a run left the link to its set, where the set has a link."""


@dataclass(frozen=True)
class TargetView:
    """One target: its contexts, and what differs about its folder as a whole."""

    target: str
    contexts: tuple[ContextView, ...]
    differences: tuple[Named, ...] = ()

    @property
    def named(self) -> tuple[Named, ...]:
        """Every difference: those of the contexts, then those of the folder."""
        return (*(each for context in self.contexts for each in context.differences), *self.differences)


def views_of(observed: Observed, now: datetime) -> tuple[TargetView, ...]:
    """Nodes, Kibana instances and Beats, each in three views."""
    return (
        *(node_view(node, observed, now) for node in observed.nodes),
        *(kibana_view(each, observed, now) for each in observed.kibana),
        *(beat_view(each, observed) for each in observed.beats),
    )


# nodes


def node_view(node: ObservedNode, observed: Observed, now: datetime) -> TargetView:
    """One node. `now` tells whether it had the time to load a file."""
    contexts = tuple(_layer(node, layer, observed, now) for layer in Layer)
    whole = (*_security(node, observed), *file_differences(node, node.keystore, observed.desired))
    return TargetView(node.target, contexts, tuple(Named(*each) for each in whole))


def _layer(node: ObservedNode, layer: Layer, observed: Observed, now: datetime) -> ContextView:
    disk, served = node.disk.get(layer, OnDisk()), node.port(layer)
    wanted, touched = _wanted(observed.desired, node.entry.config, layer.value)
    found = [
        *_unreachable(layer.value, served),
        *_scheme(node, layer, observed),
        *_leaf(node, layer, observed, now),
        *_to_named(layer.value, leaf_differences(wanted, disk)),
    ]
    place = at(node, ssl_key(layer, "enabled"))
    link = _link(observed.desired, node.entry.config, layer.value)
    return ContextView(layer.value, wanted, touched, disk, served, tuple(found), place, link)


def _wanted(desired: Desired | None, root: str, name: str) -> tuple[DesiredLeaf | None, bool | None]:
    """The leaf that a run left for a set, and whether the last goal has TLS there."""
    if desired is None or not desired.of(root):
        return None, None
    leaf = desired.leaf(root, name)
    return leaf, True if leaf else (name in desired.layers if desired.run else None)


def _link(desired: Desired | None, root: str, name: str) -> DesiredFile | None:
    files = desired.of(root) if desired else ()
    return next((each for each in files if each.image.link and each.path.endswith(f"/{name}/current")), None)


def _to_named(where: str, found: Iterator[tuple[Difference, tuple[str, ...]]]) -> Iterator[Named]:
    for difference, evidence in found:
        yield Named(difference, where, evidence)


def _unreachable(where: str, served: Served) -> Iterator[Named]:
    if served.state in _GONE:
        detail = f": {served.detail}" if served.detail else ""
        yield Named(Difference.UNREACHABLE, where, (f"{served.address} {served.state.value}{detail}",))


def _scheme(node: ObservedNode, layer: Layer, observed: Observed) -> Iterator[Named]:
    """A port that speaks TLS where the yml has none, or the other way round."""
    served, key = node.port(layer), ssl_key(layer, "enabled")
    on_disk = is_secured(node) is not False and has_tls(node, layer)
    if served.state is PortState.PLAIN and on_disk:
        seen = f"{served.address} answers in plain text ({served.detail})", f"the yml has TLS: {at(node, key)}"
        yield Named(Difference.PLAIN_TEXT, layer.value, (*seen, *_since_start(node, observed)))
        yield from _elsewhere(node, observed, layer.value, seen)
    if served.state is PortState.TLS and not on_disk and not node.problems:
        seen = f"{served.address} speaks TLS ({_leaf_words(served)})", f"the yml has none: {at(node, key)}"
        yield from _elsewhere(node, observed, layer.value, seen)
        if not _started_after_yml(node, observed):
            yield Named(Difference.NOT_LOADED, layer.value, (*seen, *_since_start(node, observed)))


def _elsewhere(node: ObservedNode, observed: Observed, where: str, seen: tuple[str, ...]) -> Iterator[Named]:
    """The name for a contradiction that a restart would not end, as far as start and change are known."""
    if _started_after_yml(node, observed):
        hint = "set by -E, by a variable (ES_SETTING_*) or elsewhere: state it under settings_elsewhere: in estui.yaml"
        yield Named(Difference.ELSEWHERE, where, (*seen, *_since_start(node, observed), hint))


def started_at(node: ObservedNode, observed: Observed) -> datetime | None:
    """When the node's process started, where some node tells it."""
    member = member_of(node, observed)
    return datetime.fromtimestamp(member.started_ms / 1000, UTC) if member and member.started_ms else None


def yml_changed(node: ObservedNode) -> datetime | None:
    """When the yml was last written."""
    changed = node.files.get(NODE_YML, ABSENT).changed_s
    return datetime.fromtimestamp(changed, UTC) if changed else None


def _started_after_yml(node: ObservedNode, observed: Observed) -> bool:
    start, changed = started_at(node, observed), yml_changed(node)
    return bool(start and changed and start > changed)


def _since_start(node: ObservedNode, observed: Observed) -> Iterator[str]:
    """Start and last change of the yml, and what follows from them."""
    start, changed = started_at(node, observed), yml_changed(node)
    if start and changed:
        later = "after" if start > changed else "before"
        yield (
            f"it was started {start:%Y-%m-%d %H:%M:%S} UTC, {later} the yml was last changed "
            f"({changed:%Y-%m-%d %H:%M:%S})" + ("" if start > changed else ": it waits for a restart")
        )
    else:
        yield "either it was not restarted since the yml changed, or it is set elsewhere (its start time is not told)"


def _security(node: ObservedNode, observed: Observed) -> Iterator[tuple[Difference, str, tuple[str, ...]]]:
    """Security that is on or off against the yml."""
    written, told = is_secured(node), node.api.secured
    if told is None or written is None or told == written or node.problems or ANONYMOUS_ROLES in node.settings:
        return
    seen = (
        f"security is {'on' if told else 'off'} at {node.http_address}",
        f"the yml says otherwise: {at(node, SECURITY)}",
    )
    for each in _elsewhere(node, observed, "security", seen):
        yield each.difference, each.where, each.evidence
        return
    yield Difference.NOT_LOADED, "security", (*seen, *_since_start(node, observed))


# what is served against what is on disk


def _leaf_words(served: Served) -> str:
    leaf = served.leaf
    return f"{leaf.subject}, serial {leaf.serial_hex[:16]}" if leaf else served.detail or "no certificate"


def _leaf(node: ObservedNode, layer: Layer, observed: Observed, now: datetime) -> Iterator[Named]:
    """A certificate that is not the one on disk: foreign, older, or not shown by this mount."""
    disk, served = node.disk.get(layer, OnDisk()), node.port(layer)
    if served.leaf is None or (disk.leaf is not None and disk.leaf.sha256 == served.leaf.sha256):
        return
    if disk.leaf is None and not disk.enabled:
        return  # told by `_scheme`
    seen = f"{served.address} serves {_leaf_words(served)}", _disk_words(disk)
    if not known_issuer(served, disk, observed.authorities):
        yield Named(
            Difference.FOREIGN,
            layer.value,
            (*seen, f"issued by {served.leaf.issuer}, a CA known neither here nor there"),
        )
        return
    reason = why_not_loaded(node, layer, NodeView(node.api.listed or (), node.api.listed_problem, _was_listed(node)))
    listed = _sees_another(node, disk)
    if listed or (not _was_listed(node) and _had_time(node, layer, observed, now)):
        age = tuple(_file_ages(node, layer, now))
        why = (reason.text,) if listed else ("hot reload is on and the pair fits, so the node would have loaded it",)
        yield Named(Difference.STALE_MOUNT, layer.value, (*seen, *age, *why, reason.hint))
        return
    yield Named(Difference.NOT_LOADED, layer.value, (*seen, *_file_ages(node, layer, now), reason.text, reason.hint))


def _disk_words(disk: OnDisk) -> str:
    name = disk.files[0] if disk.files else "the folder"
    if disk.leaf is None:
        return f"{name}: {disk.problem or 'no certificate'}"
    return f"{name} holds {disk.leaf.subject}, serial {disk.leaf.serial_hex[:16]}"


def known_issuer(served: Served, disk: OnDisk, authorities: tuple[AuthorityFacts, ...]) -> bool:
    """Whether what is served leads to a CA of the workspace or of the folder."""
    known: list[CertificateFacts] = [
        *(each.certificate for each in authorities),
        *disk.trusted,
        *(each for each in disk.chain if each.is_ca),
    ]
    if not known:
        return True  # nobody to compare with: nothing is said
    digests = {each.sha256 for each in known}
    return any(
        each.sha256 in digests or any(is_signed_by(each, issuer) for issuer in known) for each in served.chain
    ) or (disk.leaf is not None and served.leaf is not None and served.leaf.key_sha256 == disk.leaf.key_sha256)


def _was_listed(node: ObservedNode) -> bool:
    return node.api.listed is not None or bool(node.api.listed_problem)


def _sees_another(node: ObservedNode, disk: OnDisk) -> bool:
    """Whether the node, which reads its files anew for its list, finds other certificates under the same names."""
    if node.api.listed is None or disk.leaf is None:
        return False
    names = {each.name for each in disk.named if each.setting in ("certificate", "keystore.path")}
    seen = {each.serial for each in node.api.listed if each.path in names}
    return bool(seen) and disk.leaf.serial not in seen


def _changed_s(node: ObservedNode, layer: Layer) -> float:
    """Last change of the layer's files, or of the links that lead to them; 0 where it is not known."""
    disk = node.disk.get(layer, OnDisk())
    names = {each.relative for each in disk.named if each.relative}
    links = {f"{name.rpartition('/')[0]}" for name in names}
    return max((node.files.get(name, ABSENT).changed_s for name in (*names, *links)), default=0.0)


def _had_time(node: ObservedNode, layer: Layer, observed: Observed, now: datetime) -> bool:
    """Whether a node that sees these files would have loaded them: hot reload is on, certificate and key belong
    together, they are older than three polls, and neither the yml nor a missing restart explains it."""
    disk, changed = node.disk.get(layer, OnDisk()), _changed_s(node, layer)
    yml = node.files.get(NODE_YML, ABSENT).changed_s
    if not changed or node.setting(RELOAD) == "false" or not disk.leaf or disk.leaf.key_sha256 != disk.key_sha256:
        return False
    if any(each.fault is not None for each in disk.named):
        return False
    start = started_at(node, observed)
    explained = start.timestamp() < yml if start else yml >= changed - RELOAD_S
    return not explained and now.timestamp() - changed > POLLS * RELOAD_S


def _file_ages(node: ObservedNode, layer: Layer, now: datetime) -> Iterator[str]:
    changed = _changed_s(node, layer)
    if changed:
        yield f"its files changed {duration(now.timestamp() - changed)} ago"


def duration(seconds: float) -> str:
    """`12 s`, `4 min`, `3 h`, `5 d`."""
    for limit, size, unit in ((120, 1, "s"), (7200, 60, "min"), (172_800, 3600, "h")):
        if seconds < limit:
            return f"{max(seconds, 0) / size:.0f} {unit}"
    return f"{seconds / 86400:.0f} d"


# Kibana and Beats


def kibana_view(kibana: ObservedKibana, observed: Observed, now: datetime) -> TargetView:
    """One Kibana: what browsers meet, and whom it trusts. It reads its files at the start only."""
    leaf, _ = _wanted(observed.desired, kibana.entry.config, "server")
    own = [
        *_unreachable("server", kibana.served),
        *_kibana_served(kibana, observed),
        *_to_named("server", leaf_differences(leaf, kibana.disk)),
    ]
    trust, _ = _wanted(observed.desired, kibana.entry.config, "elasticsearch")
    places = at_kibana(kibana, "server.ssl.enabled"), at_kibana(kibana, "elasticsearch.hosts")
    links = [_link(observed.desired, kibana.entry.config, name) for name in ("server", "elasticsearch")]
    contexts = (
        ContextView("server", leaf, None, kibana.disk, kibana.served, tuple(own), places[0], links[0]),
        ContextView("elasticsearch", trust, None, kibana.trust, None, (), places[1], links[1]),
    )
    whole = file_differences(kibana, kibana.keystore, observed.desired)
    return TargetView(kibana.target, contexts, tuple(Named(*each) for each in whole))


def _kibana_served(kibana: ObservedKibana, observed: Observed) -> Iterator[Named]:
    disk, served = kibana.disk, kibana.served
    on_disk = kibana.setting("server.ssl.enabled") == "true"
    restart = "Kibana reads its files at the start only: restart it"
    if served.state is PortState.PLAIN and on_disk:
        yield Named(Difference.PLAIN_TEXT, "server", (f"{served.address} answers in plain text", restart))
    if served.state is not PortState.TLS or served.leaf is None:
        return
    first = f"{served.address} serves {_leaf_words(served)}"
    seen = first, _disk_words(disk)
    if not on_disk and not kibana.problems:
        place = at_kibana(kibana, "server.ssl.enabled")
        yield Named(Difference.NOT_LOADED, "server", (first, f"the yml has no TLS: {place}", restart))
    elif disk.leaf is not None and disk.leaf.sha256 != served.leaf.sha256:
        known = known_issuer(served, disk, observed.authorities)
        name = Difference.NOT_LOADED if known else Difference.FOREIGN
        yield Named(name, "server", (*seen, restart if known else f"issued by {served.leaf.issuer}"))


def beat_view(beat: ObservedBeat, observed: Observed) -> TargetView:
    """One Beat: it serves nothing, so there is what it should have and what it has."""
    leaf, _ = _wanted(observed.desired, beat.entry.config, "elasticsearch")
    whole = file_differences(beat, None, observed.desired)
    place = at_beat(beat, "output.elasticsearch.hosts")
    link = _link(observed.desired, beat.entry.config, "elasticsearch")
    context = ContextView("output", leaf, None, beat.trust, None, (), place, link)
    return TargetView(beat.target, (context,), tuple(Named(*each) for each in whole))


# versions


def version_note(node: ObservedNode) -> str:
    """What the version of a node means here; empty where it is one that the rules were checked against."""
    version = node.version
    if version is None:
        return f"unknown: treated as {NEWEST.major}.{NEWEST.minor}, the newest that is known"
    if is_newer(version):
        return f"newer than any that is known: treated as {NEWEST.major}.{NEWEST.minor}"
    return ""


__all__ = [
    "NOT_ASKED",
    "ContextView",
    "Named",
    "TargetView",
    "beat_view",
    "duration",
    "kibana_view",
    "known_issuer",
    "node_view",
    "started_at",
    "version_note",
    "views_of",
    "yml_changed",
]
