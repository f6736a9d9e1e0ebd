"""Clients that estui does not manage, on an opened workspace: the way to this cluster for them, and the search through
their files for what still means an old CA or plain HTTP. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from estui.decide.client_way import cluster_addresses
from estui.engine import Engine, rollover
from estui.errors import UsageError
from estui.formats.client_references import Wanted
from estui.model.observed import AuthorityFacts, Observed, ObservedBeat, ObservedKibana
from estui.model.reference import SearchResult
from estui.observe.references import search

_CA_SETTINGS = ("certificate_authorities", "certificateAuthorities")


def authorities_sought(engine: Engine, observed: Observed, names: Sequence[str] = ()) -> tuple[AuthorityFacts, ...]:
    """The CAs of these names; without any, those that go in the rollover under way, else all of the workspace.

    Raises UsageError: no such CA.
    """
    state = rollover.current(engine) if not names else None
    wanted = tuple(names) or (tuple(old for old, _ in state.goal.successors) if state and state.open else ())
    known = {each.name: each for each in observed.authorities}
    missing = [name for name in wanted if name not in known]
    if missing:
        raise UsageError(f"the workspace has no CA {missing[0]}", hint="estui ca list")
    return tuple(known[name] for name in wanted) if wanted else observed.authorities


def search_folders(
    engine: Engine, observed: Observed, folders: Sequence[Path], names: Sequence[str] = ()
) -> SearchResult:
    """Where the files in these folders mean one of the CAs, or the cluster by `http://`.

    Raises UsageError: a folder that is not there, or no CA of a name.
    """
    gone = [str(folder) for folder in folders if not folder.exists()]
    if gone:
        raise UsageError(f"there is no {gone[0]}", hint="name a folder or file that this host sees")
    sought = authorities_sought(engine, observed, names)
    wanted = Wanted(
        authorities={digest: each.name for each in sought for digest in each.digests},
        keys={each.certificate.key_sha256: each.name for each in sought},
        addresses=frozenset(cluster_addresses(observed)),
    )
    return search(folders, wanted, dict(_files_holding(observed, sought)))


def _files_holding(observed: Observed, sought: Sequence[AuthorityFacts]) -> Iterator[tuple[str, str]]:
    """CA files that Kibana and the Beats name, as their own hosts see them, which other clients may read as well."""
    things: tuple[ObservedKibana | ObservedBeat, ...] = (*observed.kibana, *observed.beats)
    for thing in things:
        for each in sought:
            if any(facts.sha256 in each.digests for facts in thing.trust.trusted):
                named = (file for file in thing.trust.named if file.setting in _CA_SETTINGS)
                yield from ((file.name, each.name) for file in named if file.name.startswith("/"))
