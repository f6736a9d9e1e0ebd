"""A plan is made only for an inventory that is the cluster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide import compare
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Address, Layer
from estui.model.observed import ApiFacts, Member, Observed, PortState, Served
from estui.pki.facts import certificate_facts
from tests.corporate import Corporate
from tests.unit.decide.samples import NOW, OFF, Lab, changed_node, node_yml

BASIC = Goal(Scenario.BASIC)


def reasons(observed: Observed, goal: Goal = BASIC) -> str:
    return "\n".join(compare.refusals(observed, goal))


def test_three_nodes_that_know_one_another_are_fine(lab: Lab) -> None:
    assert reasons(lab.three().look()) == ""


def test_a_stranger_is_named(lab: Lab) -> None:
    lab.three()
    observed = lab.look()
    lab.nodes.pop()
    fewer = replace(observed, nodes=observed.nodes[:2])
    assert "a node es-3 that the inventory lacks" in reasons(fewer)


def test_swapped_mounts_are_named_with_both_names(lab: Lab) -> None:
    observed = lab.three().look()
    swapped = changed_node(observed, "es-1", lambda node: replace(node, api=replace(node.api, name="es-2")))
    assert "says node.name es-1, but 127.0.0.1:9201 answers as es-2" in reasons(swapped)


def test_different_cluster_uuids_are_refused_and_an_unformed_one_is_not(lab: Lab) -> None:
    observed = lab.three().look()
    other = changed_node(observed, "es-1", lambda node: replace(node, api=replace(node.api, cluster_uuid="u-2")))
    assert "UUIDs u-1, u-2" in reasons(other)
    unformed = changed_node(observed, "es-1", lambda node: replace(node, api=replace(node.api, cluster_uuid="_na_")))
    assert reasons(unformed) == ""


def test_different_cluster_names_are_refused(lab: Lab) -> None:
    lab.node("es-1").node("es-2", node_yml("es-2", 2).replace("lab", "other"))
    assert "different clusters: lab, other" in reasons(lab.look())


def test_one_name_twice_is_refused_for_nodes_and_for_kibana(lab: Lab) -> None:
    lab.node("es-1").node("copy", node_yml("es-1"))
    lab.with_kibana("", "k-1", name=None).with_kibana("", "k-2", name=None)
    found = reasons(lab.look())
    assert "2 folders of the inventory carry the node name es-1" in found
    assert "2 Kibana folders go by the name kibana/config" in found


def test_a_nameless_node_that_is_down_has_to_be_named(lab: Lab) -> None:
    lab.node("es-1", OFF)
    assert "node.name is not set and the node does not answer" in reasons(lab.look(up=False))


def test_an_address_that_cannot_be_told_has_to_be_stated(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "network.host: 0.0.0.0"))
    assert "write `http: HOST:PORT`" in reasons(lab.look())


def test_an_unknown_version_matters_only_where_it_decides(lab: Lab) -> None:
    lab.version = None
    lab.node("es-1", node_yml("es-1", security=""))
    assert "the version is unknown" in reasons(lab.look(up=False))
    lab.put("es-1", "elasticsearch.yml", node_yml("es-1").encode())
    assert "version" not in reasons(lab.look(up=False))


@pytest.mark.parametrize(
    "line", ["xpack.security.enabled: ${SECURITY}", "xpack.security.http.ssl.enabled: ${TLS:false}"]
)
def test_a_deciding_setting_from_the_environment_is_refused(lab: Lab, line: str) -> None:
    lab.node("es-1", node_yml("es-1", 1, line, security=""))
    assert "is taken from the environment" in reasons(lab.look())


def test_a_cluster_that_is_down_needs_a_number_and_the_right_one(lab: Lab) -> None:
    observed = lab.three().look(up=False)
    assert "--expect-nodes" in reasons(observed)
    assert reasons(observed, replace(BASIC, expect_nodes=3)) == ""
    assert "5 nodes are expected" in reasons(observed, replace(BASIC, expect_nodes=5))
    assert reasons(replace(observed, inventory=replace(observed.inventory, expect_nodes=3))) == ""


def test_a_stated_number_counts_also_where_the_cluster_answers(lab: Lab) -> None:
    assert "4 nodes are expected" in reasons(lab.three().look(), replace(BASIC, expect_nodes=4))


def test_a_node_that_is_away_is_known_as_missing_but_forbids_nothing(lab: Lab) -> None:
    observed = lab.three().look()
    two = tuple(Member(name) for name in ("es-1", "es-2"))
    nodes = tuple(
        replace(node, api=replace(node.api, members=two) if node.name != "es-3" else ApiFacts(reachable=False))
        for node in observed.nodes
    )
    away = replace(observed, nodes=nodes)
    assert reasons(away) == ""
    assert compare.missing_members(away) == ["es-3"]
    assert [node.name for node in compare.unproven(away)] == ["es-3"]


def test_a_broken_folder_comes_first_with_file_and_line(lab: Lab) -> None:
    lab.node("es-1", "node.name: es-1\nbroken: [\n").node("es-2", OFF)
    found = compare.refusals(lab.look(up=False), BASIC)
    assert len(found) >= 2
    assert "elasticsearch.yml:" in found[0]


def test_a_locked_keystore_alone_forbids_nothing_here(lab: Lab) -> None:
    lab.node("es-1", None, secure={}, keystore_password="hunter2")
    observed = lab.look()
    assert observed.nodes[0].keystore.protected
    assert reasons(observed) == ""


def test_an_unknown_target_of_only_is_named(lab: Lab) -> None:
    assert "the inventory has no es-9" in reasons(lab.three().look(), Goal(Scenario.BASIC, only=("es-9",)))


def test_a_stated_http_address_does_for_a_wildcard(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "network.host: 0.0.0.0"), http=Address("es-1.example.net", 9200))
    assert reasons(lab.look()) == ""


def serving(observed: Observed, *names: str) -> Observed:
    """Nobody tells who is a member, and every HTTP port shows a leaf with these host names."""
    leaf = replace(certificate_facts(Corporate(now=NOW).root), dns_names=names)
    served = {Layer.HTTP: Served(None, PortState.TLS, chain=(leaf,))}
    return replace(observed, nodes=tuple(replace(node, served=served) for node in observed.nodes))


def test_a_leaf_without_names_is_told_as_the_reason_why_nobody_was_asked(lab: Lab) -> None:
    """`elasticsearch-certutil cert` makes such a leaf unless it is told names: credentials would change nothing."""
    observed = serving(lab.three().look(up=False))
    found = reasons(observed)
    assert "the HTTP certificate of es-1, es-2, es-3 has no names (subjectAltName)" in found
    assert "--expect-nodes" in found
    assert "give credentials" not in found
    assert reasons(observed, replace(BASIC, expect_nodes=3)) == ""


def test_a_leaf_for_another_name_is_told_with_both(lab: Lab) -> None:
    found = reasons(serving(lab.three().look(up=False), "es.example.net"))
    assert "es-2 serves a certificate for es.example.net and not for 127.0.0.1" in found
    assert "give credentials" not in found


def test_a_leaf_that_is_for_the_host_leaves_credentials_as_the_reason(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1"), http=Address("es.example.net", 9200))
    assert "give credentials" in reasons(serving(lab.look(up=False), "es.example.net"))
