"""The power goes at every point of an apply; what a file system may have kept by then is enough to go either way."""

from __future__ import annotations

import hashlib
from collections import Counter as Tally
from collections.abc import Collection, Iterable, Iterator

import pytest

from estui.act.fs import RealFs
from estui.errors import EstuiError
from estui.model.plan import CreateAuthority
from tests.faults.points import Watched
from tests.faults.powerloss import Disk, Event, Recorder, check_model
from tests.faults.runs import Stage, plant, scratch
from tests.faults.sweep import sweep
from tests.faults.test_kill import NODES, SMALL
from tests.unit.act.folders import PASSPHRASE, Tree


def recorded(stage: Stage) -> Recorder:
    """The apply of this stage, call by call; made once."""
    found: Recorder | None = getattr(stage, "recorder", None)
    if found is None:
        stage.reset()
        found = Recorder(stage.base)
        stage.apply(RealFs(Watched(found)))
        check_model(found, stage.base)
        assert stage.check() == "planned"
        stage.recorder = found  # type: ignore[attr-defined]
        stage.seen = set()  # type: ignore[attr-defined]
    return found


def digest(state: Tree) -> bytes:
    return hashlib.sha256(repr(sorted(state.items())).encode()).digest()


def recovers(stage: Stage, state: Tree, *, complete: bool) -> str:
    """The outcome of one way back from one state; a run that is done is undone as well."""
    plant(stage.base, state)
    stage.recover(complete=complete)
    outcome = stage.check()
    if outcome == "planned":
        check_authorities(stage)
        if not complete:
            stage.engine().rollback()
            outcome = stage.check()
    return outcome


def check_authorities(stage: Stage) -> None:
    """No leaf is switched in whose CA could be lost."""
    workspace = stage.cluster.workspace
    for change in stage.plan.changes:
        if isinstance(change, CreateAuthority):
            certificate = workspace.authority_certificate(change.request.name)
            key = workspace.authority_key(change.request.name, PASSPHRASE)
            assert certificate.public_key() == key.public_key()


def try_loss(stage: Stage, point: int) -> Tally[str]:
    """Every state that the power may leave after the event of this number."""
    recorder = recorded(stage)
    disk = Disk(recorder)
    for event in recorder.events[: point + 1]:
        disk.apply(event)
    outcomes: Tally[str] = Tally()
    for state in disk.states(point):
        known: set[bytes] = stage.seen  # type: ignore[attr-defined]
        if digest(state) in known:
            continue
        known.add(digest(state))
        for complete in (True, False):
            outcomes[recovers(stage, state, complete=complete)] += 1
    return outcomes


def points_of(nodes: int, **plan: object) -> list[int]:
    """Numbers of the events after which something may be lost; a sync takes possibilities away and adds none."""
    with scratch() as base:
        events = recorded(Stage(base, nodes, **plan)).events
    return [number for number, event in enumerate(events) if event.call != "fsync"]


def test_a_sample_of_losses_of_power() -> None:
    points = points_of(1, **SMALL)
    sweep("power loss, sample", points[3::17], try_loss, 1, **SMALL)


@pytest.mark.faults
def test_the_power_goes_at_every_point_of_three_nodes() -> None:
    outcomes = sweep("power loss, three nodes, each completed and undone", points_of(NODES), try_loss, NODES)
    assert outcomes["planned"]
    assert outcomes["original"]


# every sync is needed

REPORTS = ("/report.json", "/.report.json.estui-new", "/report.md", "/.report.md.estui-new")
LISTS = ("/audit.jsonl", "/issued.jsonl", *REPORTS)
"""Lists and reports that recovery does not read."""


def without(events: list[Event], left_out: Collection[int]) -> list[Event]:
    return [event for number, event in enumerate(events) if number not in left_out]


def closing(events: list[Event], number: int) -> int:
    """The next sync of the same file or folder; until then a state exists that this one would have ruled out."""
    node = events[number].node
    later = (at for at in range(number + 1, len(events)) if events[at].call == "fsync" and events[at].node == node)
    return next(later, len(events))


def is_list(event: Event) -> bool:
    return event.path.removesuffix(" (deleted)").endswith(LISTS)


def is_of_lists(events: list[Event], number: int) -> bool:
    """Whether all that a sync covers is the content or the names of such lists."""
    node = events[number].node
    covered = []
    for event in reversed(events[:number]):
        if event.call == "fsync" and event.node == node:
            break
        if node in (event.node, event.folder):
            covered.append(event)
    return bool(covered) and all(is_list(event) for event in covered)


def idle(recorder: Recorder) -> set[int]:
    """Syncs of what was synced already: of use only after a crash between a change and its own sync."""
    disk, found = Disk(recorder), set()
    for number, event in enumerate(recorder.events):
        if event.call == "fsync" and disk.has_nothing_to_sync(event.node):
            found.add(number)
        disk.apply(event)
    return found


def is_covered(recorder: Recorder, number: int) -> bool:
    """Whether nothing but more of the same file comes before its next sync: no act depends on this one."""
    events, end, none = recorder.events, closing(recorder.events, number), idle(recorder)
    between = range(number + 1, end)
    return end < len(events) and all(
        at in none or is_list(events[at]) or events[at].node == events[number].node for at in between
    )


def states_without(recorder: Recorder, number: int) -> Iterator[Tree]:
    """States that may be left where one sync is left out, latest first; all that it does not cover is kept."""
    events = without(recorder.events, {number})
    for point in reversed(range(number, closing(recorder.events, number))):
        disk = Disk(recorder)
        for event in events[:point]:
            disk.apply(event)
        disk.sync_all_but(recorder.events[number].node)
        yield from disk.states(point)


def breaks(stage: Stage, states: Iterable[Tree]) -> bool:
    """Whether some recovery from some of these states breaks a promise."""
    tried: set[bytes] = set()
    for state in states:
        if digest(state) in tried:
            continue
        tried.add(digest(state))
        for complete in (False, True):
            try:
                recovers(stage, state, complete=complete)
            except (AssertionError, KeyError, EstuiError):
                return True
    return False


def announced_at(recorder: Recorder) -> int:
    """Number of the event that announces the first switch."""
    return next(at for at, event in enumerate(recorder.events) if b'"act": "committing"' in event.content)


def try_without(stage: Stage, number: int) -> str:
    recorder = recorded(stage)
    events = recorder.events
    if is_of_lists(events, number):
        return "of a list that recovery does not read"
    if number in idle(recorder):
        return "of what is synced already"
    if is_covered(recorder, number):
        return "followed by another of the same file"
    if breaks(stage, states_without(recorder, number)):
        return "missed"
    if b'"act": "ended"' in events[number - 1].content:
        return "of the last record, which an end of the run writes again"
    assert closing(events, number) < announced_at(recorder), f"sync {number} of {events[number].path} can be left out"
    return "made good by a later one before anything is switched"


@pytest.mark.faults
def test_no_sync_can_be_left_out() -> None:
    """Each is missed by some recovery, or it is told why not."""
    with scratch() as base:
        events = recorded(Stage(base, 1, **SMALL)).events
    numbers = [number for number, event in enumerate(events) if event.call == "fsync"]
    outcomes = sweep("syncs left out one by one", numbers, try_without, 1, **SMALL)
    assert outcomes["missed"] > 20


def try_without_site(stage: Stage, site: str) -> str:
    """No method of the seam can do without its syncs."""
    recorder = recorded(stage)
    left_out = {at for at, event in enumerate(recorder.events) if event.call == "fsync" and event.site == site}
    assert left_out
    events = without(recorder.events, left_out)

    def states() -> Iterator[Tree]:
        for point in range(len(events), 0, -1):
            disk = Disk(recorder)
            for event in events[:point]:
                disk.apply(event)
            yield from disk.states(point)

    assert breaks(stage, states()), f"no recovery misses the syncs of {site}"
    return "missed"


SITES = (
    *("append file", "append folder", "create file", "create folder", "make_folder folder", "keep folder"),
    *("switch_link folder", "rename_all folder", "remove folder"),
)
"""All but `move_new`, which names the mark: its folder is synced again while only an undo is possible."""


@pytest.mark.faults
def test_no_method_of_the_seam_can_do_without_its_syncs() -> None:
    sweep("syncs left out method by method", SITES, try_without_site, 1, **SMALL)


def test_a_state_that_lost_a_rename_is_noticed() -> None:
    """The model is no rubber stamp: without the sync after the last rename its test fails."""
    with scratch() as base:
        stage = Stage(base, 1, **SMALL)
        recorder = recorded(stage)
        events = recorder.events
        last = max(at for at, event in enumerate(events) if event.call == "rename" and "/n1" in event.path)
        number = next(at for at in range(last, len(events)) if events[at].call == "fsync")
        assert breaks(stage, states_without(recorder, number))
