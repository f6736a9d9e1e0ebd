"""The cluster as it answers, and folders that cannot be used."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.views import version_note
from estui.model.finding import Finding, Severity
from estui.model.observed import Health, Observed
from estui.model.version import Version
from tests.unit.decide.findings.builders import Case, answers, check, fire, kibana, names, node, seen

TWO = answers("es-1", "es-2")
GOOD = seen(node("", api=TWO), node("", "es-2", api=TWO))
UNNAMED = node("", name_stated=False)


def problem(rule: str) -> Observed:
    found = Finding(rule, Severity.FATAL, "es-1", "is broken", "mend it", "/mnt/es-1")
    if rule.startswith("kibana"):
        return seen(kibana(problems=(found,)))
    return seen(node("", problems=(found,)))


FOLDERS = (
    "folder-missing",
    "folder-unreadable",
    "folder-not-a-folder",
    "yml-missing",
    "yml-broken",
    "keystore-locked",
    "keystore-unreadable",
    "kibana-keystore-in-data",
)
CASES = [
    Case("members-missing", seen(node("", api=answers("es-1")), node("", "es-2")), GOOD, "es-2: not in the cluster"),
    Case("members-unknown", seen(node("", api=TWO)), GOOD, "unknown: es-2"),
    Case(
        "cluster-uuids-differ", seen(node("", api=TWO), node("", "es-2", api=answers("es-2", cluster_uuid="u2"))), GOOD
    ),
    Case("health-red", seen(node("", api=replace(TWO, health=Health("red", 2, 2, 5)))), GOOD, "5 shards unassigned"),
    Case("health-yellow", seen(node("", api=replace(TWO, health=Health("yellow", 2, 2, 5)))), GOOD, "5 shards"),
    Case("allocation-off", seen(node("", api=replace(TWO, allocation="primaries"))), GOOD, "primaries"),
    Case("version-unknown", seen(node("", version=None)), GOOD),
    Case("version-newer", seen(node("", version=Version(10, 0, 0))), GOOD, "10.0.0 is judged as 9.1"),
    Case("versions-differ", seen(node("", version=Version(8, 19)), node("", "es-2")), GOOD, "8.19.0"),
    Case("name-not-stated", seen(UNNAMED), GOOD),
    *(Case(rule, problem(rule), GOOD, "is broken") for rule in FOLDERS),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_allocation_that_is_set_to_all_is_fine() -> None:
    assert fire("allocation-off", seen(node("", api=replace(TWO, allocation="all")))) == []


def test_a_cluster_that_cannot_be_asked_misses_nobody() -> None:
    for rule in ("members-missing", "members-unknown", "cluster-uuids-differ", "health-red"):
        assert fire(rule, seen(node(""), node("", "es-2"))) == []


def test_a_node_whose_yml_is_broken_is_not_judged_by_defaults() -> None:
    broken = Finding("yml-broken", Severity.FATAL, "es-1", "is broken")
    locked = Finding("keystore-locked", Severity.FATAL, "es-1", "is locked")
    assert fire("security-not-stated", seen(node("", problems=(broken,)))) == []
    assert len(fire("security-not-stated", seen(node("", problems=(locked,))))) == 1


@pytest.mark.parametrize(
    "version", [Version(7, 17, 5), Version(8, 19), Version(9, 1, 7), Version(9, 2), Version(10, 0)]
)
def test_doctor_and_status_agree_about_what_is_newer_than_known(version: Version) -> None:
    """Both by the minor release: a patch brings no new rules."""
    one = node("", version=version)
    newer = version.major > 9 or (version.major == 9 and version.minor > 1)
    assert bool(fire("version-newer", seen(one))) is bool(version_note(one)) is newer


def test_allocation_is_given_back_in_both_scopes() -> None:
    """A transient setting wins over the persistent one."""
    (found,) = fire("allocation-off", seen(node("", api=replace(TWO, allocation="primaries"))))
    assert "persistent" in found.hint
    assert "transient" in found.hint


def test_some_folders_of_a_cluster_need_not_be_all_of_it() -> None:
    observed = seen(node("", api=TWO))
    assert [found.severity for found in fire("members-unknown", observed)] == [Severity.WARNING]
    alone = replace(observed, inventory=replace(observed.inventory, cluster=""))
    assert [found.severity for found in fire("members-unknown", alone)] == [Severity.NOTE]
