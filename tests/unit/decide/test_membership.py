"""A node leaves the inventory only once it is out of the cluster, and what stays behind is said."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide import membership
from estui.decide.issued import Fate, IssuedLeaf
from estui.model.observed import NO_API, Observed, ObservedNode
from tests.unit.decide.samples import NOW, Lab, answering, node_yml


def _leaf(target: str, set_name: str, fate: Fate = Fate.INSTALLED, days: int = 90) -> IssuedLeaf:
    end = NOW + timedelta(days=days)
    return IssuedLeaf("01", f"CN={target}", (), end, "aa", target, set_name, "run", fate, ())


def _down(observed: Observed, name: str) -> tuple[Observed, ObservedNode]:
    """The cluster after that node went for good."""
    rest = answering(replace(observed, nodes=tuple(node for node in observed.nodes if node.name != name)))
    gone = next(replace(node, api=NO_API) for node in observed.nodes if node.name == name)
    return replace(observed, nodes=(*rest.nodes, gone)), gone


def test_a_member_stays_and_the_way_out_is_said(lab: Lab) -> None:
    observed = lab.three().look()
    reasons = "\n".join(membership.removal_refusals(observed, observed.nodes[2], force=True))
    assert "es-3 is a member of the cluster" in reasons
    assert '"cluster.routing.allocation.exclude._name": "es-3"' in reasons
    assert "voting" not in reasons


def test_one_that_is_gone_may_go(lab: Lab) -> None:
    observed, gone = _down(lab.three().look(), "es-3")
    assert membership.removal_refusals(observed, gone, force=False) == []


@pytest.mark.parametrize("force", [False, True])
def test_where_nobody_tells_it_takes_force(lab: Lab, force: bool) -> None:
    observed = lab.three().look(up=False)
    refused = membership.removal_refusals(observed, observed.nodes[2], force=force)
    assert bool(refused) is not force


def test_the_only_node_stays(lab: Lab) -> None:
    observed = lab.node("es-1").look()
    assert "only node" in membership.removal_refusals(observed, observed.nodes[0], force=True)[0]


def test_two_of_three_voters_are_enough_and_one_of_two_is_not(lab: Lab) -> None:
    observed, gone = _down(lab.three().look(), "es-3")
    assert not any("master-eligible" in note for note in membership.removal_notes(observed, gone, ()))
    two = replace(observed, nodes=(observed.nodes[0], gone))
    two, gone = _down(two, "es-3")
    notes = "\n".join(membership.removal_notes(two, gone, ()))
    assert "of 2 master-eligible nodes 1 would be left, and 2 are needed" in notes
    whole = answering(replace(observed, nodes=observed.nodes[:2]))
    reasons = "\n".join(membership.removal_refusals(whole, whole.nodes[1], force=False))
    assert "voting_config_exclusions?node_names=es-2" in reasons


def test_a_data_node_takes_no_vote_along(lab: Lab) -> None:
    lab.node("es-1").node("es-2", node_yml("es-2", 2, "node.roles: [data]"))
    observed, gone = _down(lab.look(), "es-2")
    assert not any("master-eligible" in note for note in membership.removal_notes(observed, gone, ()))


def test_certificates_that_are_valid_still_are_named_and_what_makes_them_worthless(lab: Lab) -> None:
    observed, gone = _down(lab.three().look(), "es-3")
    leaves = [
        _leaf("es-3", "transport"),
        _leaf("es-3", "http", Fate.REPLACED, days=200),
        _leaf("es-3", "http", Fate.EXPIRED, days=-5),
        _leaf("es-1", "http", days=500),
    ]
    assert [leaf.set_name for leaf in membership.outstanding(gone, leaves)] == ["transport", "http"]
    notes = "\n".join(membership.removal_notes(observed, gone, leaves))
    assert f"valid until {NOW + timedelta(days=200):%Y-%m-%d}" in notes
    assert "estui ca rollover start http transport --leaked" in notes
    assert "--leaked" not in "\n".join(membership.removal_notes(observed, gone, ()))


def test_who_still_names_it_is_told(lab: Lab) -> None:
    seeds = 'discovery.seed_hosts: ["127.0.0.1:9303"]'
    lab.node("es-1", node_yml("es-1", 1, seeds)).node("es-2", node_yml("es-2", 2)).node("es-3", node_yml("es-3", 3))
    lab.with_kibana('elasticsearch.hosts: ["http://127.0.0.1:9201", "http://127.0.0.1:9203"]\n')
    observed, gone = _down(lab.look(), "es-3")
    notes = "\n".join(membership.removal_notes(observed, gone, ()))
    assert "kibana/kibana-1 still names es-3" in notes
    assert "es-1 still names es-3 in discovery.seed_hosts" in notes
