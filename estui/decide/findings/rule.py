"""What a rule is: texts that can be read by themselves, the versions it is for, and a function over what was seen.

Owns the way from a function over one node, Kibana or Beat to one over everything. The rules stand in the modules
beside this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from estui.model.finding import Finding, Severity
from estui.model.inventory import Layer
from estui.model.observed import Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.version import Version

V7_LAST = Version(7, 17)
V8 = Version(8, 0, 0)
V9 = Version(9, 0, 0)
NEWEST = Version(9, 1, 0)
"""The newest release whose behaviour the rules were checked against; a newer or unknown one is taken for it."""


def is_newer(version: Version) -> bool:
    """Whether a release is newer than any that is known; patches bring no new rules."""
    return (version.major, version.minor) > (NEWEST.major, NEWEST.minor)


@dataclass(frozen=True)
class Versions:
    """A range of releases: from `since` on, before `before`."""

    since: Version | None = None
    before: Version | None = None

    def include(self, version: Version | None) -> bool:
        """Whether a release is in the range; one that is not known counts as the newest."""
        asked = version or NEWEST
        return (self.since is None or asked >= self.since) and (self.before is None or asked < self.before)

    @property
    def text(self) -> str:
        if self.since and self.before:
            return f"{_short(self.since)} to before {_short(self.before)}"
        if self.since:
            return f"{_short(self.since)} and later"
        return f"before {_short(self.before)}" if self.before else "all"


ALL = Versions()
FROM_8 = Versions(since=V8)
BEFORE_8 = Versions(before=V8)


def _short(version: Version) -> str:
    return f"{version.major}.{version.minor}"


@dataclass(frozen=True)
class Facts:
    """What a rule may look at: everything that was seen, and the time."""

    observed: Observed
    now: datetime

    @cached_property
    def nodes(self) -> tuple[ObservedNode, ...]:
        """Nodes whose yml could be read: of the others a rule would only see defaults."""
        return tuple(node for node in self.observed.nodes if not _unread(node))

    @cached_property
    def kibana(self) -> tuple[ObservedKibana, ...]:
        return tuple(kibana for kibana in self.observed.kibana if not _unread(kibana))

    @cached_property
    def beats(self) -> tuple[ObservedBeat, ...]:
        return tuple(beat for beat in self.observed.beats if not _unread(beat))


_STILL_READ = ("keystore-locked", "keystore-unreadable", "kibana-keystore-in-data")
"""Problems beside which the settings were read all the same."""


def _unread(thing: ObservedNode | ObservedKibana | ObservedBeat) -> bool:
    return any(problem.rule not in _STILL_READ for problem in thing.problems)


@dataclass(frozen=True)
class Hit:
    """One place where a rule fires. What is empty here is said by the rule itself."""

    target: str
    summary: str
    where: str = ""
    hint: str = ""
    severity: Severity | None = None
    """Where the circumstances make it better or worse than usual."""
    effect: str = ""


@dataclass(frozen=True)
class Rule:
    """One mistake that can be seen: how bad it is, what happens because of it, what to do."""

    id: str
    severity: Severity
    title: str
    what_happens: str
    what_to_do: str
    source: str
    """Where the outside fact comes from."""
    versions: Versions
    check: Callable[[Facts], Iterable[Hit]]
    purpose: str
    """Docstring of the function, for those who read code."""

    def findings(self, facts: Facts) -> Iterator[Finding]:
        for hit in self.check(facts):
            yield Finding(
                rule=self.id,
                severity=hit.severity or self.severity,
                target=hit.target,
                summary=hit.summary,
                hint=hit.hint or self.what_to_do,
                where=hit.where,
                effect=hit.effect or self.what_happens,
                title=self.title,
            )


@dataclass(frozen=True)
class Text:
    """The texts of a rule, as its decorator takes them."""

    id: str
    severity: Severity
    title: str
    happens: str
    to_do: str
    source: str
    versions: Versions = ALL

    def rule(self, check: Callable[[Facts], Iterable[Hit]], purpose: str | None) -> Rule:
        return Rule(
            self.id,
            self.severity,
            self.title,
            self.happens,
            self.to_do,
            self.source,
            self.versions,
            check,
            purpose or "",
        )


def about_cluster(text: Text) -> Callable[[Callable[[Facts], Iterable[Hit]]], Rule]:
    """A rule over everything at once; it minds versions itself."""

    def made(check: Callable[[Facts], Iterable[Hit]]) -> Rule:
        return text.rule(check, check.__doc__)

    return made


def about_node(text: Text) -> Callable[[Callable[[ObservedNode, Facts], Iterable[Hit]]], Rule]:
    """A rule over one node at a time, of the releases that it is for."""

    def made(check: Callable[[ObservedNode, Facts], Iterable[Hit]]) -> Rule:
        def every(facts: Facts) -> Iterator[Hit]:
            for node in facts.nodes:
                if text.versions.include(node.version):
                    yield from check(node, facts)

        return text.rule(every, check.__doc__)

    return made


def about_layer(text: Text) -> Callable[[Callable[[ObservedNode, Layer, Facts], Iterable[Hit]]], Rule]:
    """A rule over one TLS layer of one node at a time."""

    def made(check: Callable[[ObservedNode, Layer, Facts], Iterable[Hit]]) -> Rule:
        def every(facts: Facts) -> Iterator[Hit]:
            for node in facts.nodes:
                if text.versions.include(node.version):
                    for layer in Layer:
                        yield from check(node, layer, facts)

        return text.rule(every, check.__doc__)

    return made


def about_kibana(text: Text) -> Callable[[Callable[[ObservedKibana, Facts], Iterable[Hit]]], Rule]:
    """A rule over one Kibana instance at a time."""

    def made(check: Callable[[ObservedKibana, Facts], Iterable[Hit]]) -> Rule:
        def every(facts: Facts) -> Iterator[Hit]:
            for kibana in facts.kibana:
                if text.versions.include(kibana.version):
                    yield from check(kibana, facts)

        return text.rule(every, check.__doc__)

    return made


def about_beat(text: Text) -> Callable[[Callable[[ObservedBeat, Facts], Iterable[Hit]]], Rule]:
    """A rule over one Beat at a time. Beats tell no version."""

    def made(check: Callable[[ObservedBeat, Facts], Iterable[Hit]]) -> Rule:
        def every(facts: Facts) -> Iterator[Hit]:
            for beat in facts.beats:
                yield from check(beat, facts)

        return text.rule(every, check.__doc__)

    return made
