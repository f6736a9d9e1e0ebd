"""Leaves of an external CA in plans: in place of those in use, within a scenario, and who would refuse them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography import x509

from estui.decide.csr import wanted_requests
from estui.decide.external import imported_for
from estui.errors import PlanError
from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import AuthorityFacts, ImportedLeaf, Observed
from estui.model.plan import CreateAuthority, Plan, PublishSet, Restart, SetSetting
from estui.pki.csr import build_request, request_pem
from estui.pki.facts import certificate_facts
from estui.pki.keys import generate_key
from tests.corporate import Corporate
from tests.unit.decide.samples import NOW, Lab

EXTERNAL = Goal(Scenario.HTTPS, external=True)
SETS = ("transport", "http")


def imported(observed: Observed, corporate: Corporate, csr: str = "set-1", **otherwise: object) -> list[ImportedLeaf]:
    """An answer for every leaf that basic + HTTPS needs, as the plan of an untouched cluster asks for them."""
    found = []
    for request in wanted_requests(observed, (), None):
        asked = request_pem(build_request(request, generate_key(request.key)))
        leaf = certificate_facts(corporate.sign(asked, **otherwise))  # type: ignore[arg-type]
        chain = (leaf, certificate_facts(corporate.issuing))
        found.append(ImportedLeaf(csr, request.target, request.set_name, "corporate", chain))
    return found


def keyless(observed: Observed, corporate: Corporate, *more: ImportedLeaf) -> Observed:
    """The same workspace with the corporate CA, whose key is elsewhere, and imported leaves."""
    own = [each for each in observed.authorities if each.name != "corporate"]
    external = AuthorityFacts("corporate", certificate_facts(corporate.root), has_key=False)
    return replace(observed, authorities=(*own, external), imported=(*observed.imported, *more))


def sets(plan: Plan) -> dict[str, PublishSet]:
    return {f"{change.target} {change.set_name}": change for change in plan.changes if isinstance(change, PublishSet)}


@pytest.fixture
def corporate() -> Corporate:
    return Corporate(now=NOW)


KIBANA = "server.port: 5601\nelasticsearch.hosts: http://127.0.0.1:9201\n"


def test_a_new_set_up_takes_its_leaves_and_its_trust_from_the_import(lab: Lab, corporate: Corporate) -> None:
    """No CA of estui's own is made for what a CA of others signs, and Kibana trusts that one."""
    lab.three().with_kibana(KIBANA, on_host="/etc/kibana")
    observed = lab.look()
    plan = lab.plan(Scenario.HTTPS, observed=keyless(observed, corporate, *imported(observed, corporate)))
    assert not [change for change in plan.changes if isinstance(change, CreateAuthority)]
    published = sets(plan)
    assert len(published) == 8
    assert {change.imported for name, change in published.items() if not name.endswith("elasticsearch")} == {"set-1"}
    assert {change.trust for name, change in published.items() if not name.endswith("server")} == {("corporate",)}


def test_a_layer_without_imports_keeps_its_own_ca(lab: Lab, corporate: Corporate) -> None:
    lab.three()
    observed = lab.look()
    leaves = [each for each in imported(observed, corporate) if each.set_name == "http"]
    published = sets(lab.plan(Scenario.HTTPS, observed=keyless(observed, corporate, *leaves)))
    assert {change.trust for name, change in published.items() if name.endswith("transport")} == {("transport",)}
    assert {change.trust for name, change in published.items() if name.endswith("http")} == {("corporate",)}


def test_a_layer_of_two_cas_trusts_both_everywhere(lab: Lab, corporate: Corporate) -> None:
    """One node's certificate has not come back yet: all start together, so each of them may trust both."""
    lab.three()
    observed = lab.look()
    leaves = [each for each in imported(observed, corporate) if each.target != "es-3"]
    plan = lab.plan(Scenario.BASIC, observed=keyless(observed, corporate, *leaves))
    assert {frozenset(change.trust) for change in sets(plan).values()} == {frozenset(("corporate", "transport"))}
    assert [change.request.name for change in plan.changes if isinstance(change, CreateAuthority)] == ["transport"]


def test_an_expired_import_is_passed_over(lab: Lab, corporate: Corporate) -> None:
    lab.three()
    observed = lab.look()
    leaves = imported(observed, corporate, start=timedelta(days=-20), days=10)
    plan = lab.plan(Scenario.BASIC, observed=keyless(observed, corporate, *leaves))
    assert {change.imported for change in sets(plan).values()} == {""}


@pytest.fixture
def external(lab: Lab, corporate: Corporate) -> Observed:
    """A cluster whose leaves a corporate CA signed, as estui's sets; nothing else is in the workspace."""
    lab.three().with_kibana(KIBANA, on_host="/etc/kibana")
    lab.authorities["corporate"] = (corporate.root_key, corporate.root)
    observed = lab.look()
    plan = lab.plan(Scenario.HTTPS, observed=keyless(observed, corporate, *imported(observed, corporate)))
    lab.apply(plan)
    return keyless(lab.look(), corporate)


def test_what_a_ca_of_others_signed_is_left_alone_until_it_is_asked_again(
    lab: Lab, external: Observed, corporate: Corporate
) -> None:
    assert lab.plan(Scenario.HTTPS, observed=external).is_empty
    lab.later(days=380)
    late = keyless(lab.look(), corporate)
    assert lab.plan(Scenario.HTTPS, observed=late).is_empty  # due, but nobody here can sign
    with pytest.raises(PlanError) as caught:
        lab.plan(Goal(Scenario.HTTPS, rotation=Rotation(due_only=True)), observed=late)
    assert any("estui csr export es-1" in reason for reason in caught.value.reasons)


def test_a_renewal_by_import_changes_leaf_and_key_and_nothing_else(
    lab: Lab, external: Observed, corporate: Corporate
) -> None:
    fresh = imported(external, corporate, "set-2")
    plan = lab.plan(EXTERNAL, observed=keyless(external, corporate, *fresh))
    published = sets(plan)
    assert len(published) == 7
    assert {change.imported for change in published.values()} == {"set-2"}
    assert {change.trust for name, change in published.items() if "es-" in name} == {("corporate",)}
    assert [stage.restart for stage in plan.stages] == [Restart.NONE, Restart.KIBANA]
    assert not [change for change in plan.changes if isinstance(change, SetSetting)]
    leaf = imported_for(keyless(external, corporate, *fresh), "es-1", "http")
    assert leaf
    assert published["es-1 http"].leaf_sha256 == leaf.leaf.sha256
    assert "es-1 http: the imported leaf ends 2027-11-25 (364 days)" in plan.notes


def test_targets_and_layers_can_be_chosen(lab: Lab, external: Observed, corporate: Corporate) -> None:
    observed = keyless(external, corporate, *imported(external, corporate, "set-2"))
    one = replace(EXTERNAL, only=("es-2",), rotation=Rotation(sets=("http",)))
    assert list(sets(lab.plan(one, observed=observed))) == ["es-2 http"]
    with pytest.raises(PlanError) as caught:
        lab.plan(replace(EXTERNAL, only=("es-9",)), observed=observed)
    assert "the inventory has no es-9" in caught.value.reasons


def test_of_two_imports_the_newer_one_counts(lab: Lab, external: Observed, corporate: Corporate) -> None:
    both = (*imported(external, corporate, "set-2"), *imported(external, corporate, "set-3"))
    plan = lab.plan(EXTERNAL, observed=keyless(external, corporate, *both))
    assert {change.imported for change in sets(plan).values()} == {"set-3"}


def test_a_name_that_gets_lost_is_told(lab: Lab, external: Observed, corporate: Corporate) -> None:
    fresh = imported(external, corporate, "set-2", names=[x509.DNSName("es-1")])
    plan = lab.plan(replace(EXTERNAL, only=("es-1",)), observed=keyless(external, corporate, *fresh))
    assert "es-1 http: it no longer covers localhost, 127.0.0.1" in plan.notes


@pytest.fixture
def own(lab: Lab) -> Observed:
    """A cluster with CAs of estui's own."""
    lab.three().with_kibana(KIBANA, on_host="/etc/kibana")
    lab.apply(lab.plan(Scenario.HTTPS))
    return lab.look()


def test_peers_that_do_not_trust_the_ca_are_named(lab: Lab, own: Observed, corporate: Corporate) -> None:
    observed = keyless(own, corporate, *imported(own, corporate))
    with pytest.raises(PlanError) as caught:
        lab.plan(EXTERNAL, observed=observed)
    told = caught.value.reasons
    transport = next(reason for reason in told if reason.startswith("es-1 transport"))
    assert "es-2, es-3 would refuse the imported leaf, since CA corporate is not trusted there yet" in transport
    assert "estui ca rollover start transport --to corporate" in transport
    assert "kibana/kibana-1 would refuse" in next(reason for reason in told if reason.startswith("es-1 http"))
    assert not [reason for reason in told if reason.startswith("kibana/")]  # browsers are not seen


def test_a_scenario_does_not_change_the_ca_of_a_layer_in_use(lab: Lab, own: Observed, corporate: Corporate) -> None:
    """Also where leaves are due: the own CA goes on signing until a rollover says otherwise."""
    assert lab.plan(Scenario.HTTPS, observed=keyless(own, corporate, *imported(own, corporate))).is_empty
    lab.later(days=380)
    due = lab.look()
    later = Corporate(now=lab.now)
    published = sets(lab.plan(Scenario.HTTPS, observed=keyless(due, later, *imported(due, later))))
    assert len(published) == 7
    nodes = {name: change for name, change in published.items() if name.startswith("es-")}
    assert {change.imported for change in nodes.values()} == {""}
    assert {change.trust for change in nodes.values()} == {("http",), ("transport",)}


def test_a_scenario_renews_what_is_due_by_what_was_imported(lab: Lab, external: Observed, corporate: Corporate) -> None:
    fresh = imported(external, Corporate(now=NOW + timedelta(days=380)), "set-2")
    lab.later(days=380)
    published = sets(lab.plan(Scenario.HTTPS, observed=keyless(lab.look(), corporate, *fresh)))
    assert len(published) == 7
    assert {change.imported for change in published.values()} == {"set-2"}
    assert {change.trust for name, change in published.items() if "es-" in name} == {("corporate",)}


def test_clients_that_nobody_sees_are_told_of_another_ca(lab: Lab, own: Observed, corporate: Corporate) -> None:
    """Without Kibana nothing forbids it, and the review says who is cut off."""
    alone = replace(own, kibana=())
    observed = keyless(alone, corporate, *imported(alone, corporate))
    plan = lab.plan(replace(EXTERNAL, rotation=Rotation(sets=("http",))), observed=observed)
    assert set(sets(plan)["es-1 http"].trust) == {"http", "corporate"}
    assert any("clients that estui cannot see have to trust CA corporate before" in note for note in plan.notes)


def test_nothing_imported_is_nothing_to_apply(lab: Lab, own: Observed) -> None:
    with pytest.raises(PlanError) as caught:
        lab.plan(EXTERNAL, observed=own)
    assert caught.value.reasons == ("nothing was imported yet: estui csr export, then estui csr import",)


def test_a_layer_without_tls_is_sent_to_its_scenario(lab: Lab, corporate: Corporate) -> None:
    lab.three()
    observed = lab.look()
    waiting = keyless(observed, corporate, *imported(observed, corporate))
    with pytest.raises(PlanError) as caught:
        lab.plan(replace(EXTERNAL, only=("es-1",)), observed=waiting)
    assert "es-1 http has no TLS yet: estui plan https uses the imported leaf" in caught.value.reasons


def test_files_of_others_keep_their_names(lab: Lab, external: Observed, corporate: Corporate) -> None:
    """The yearly renewal of a set-up that estui never touched: leaf and key in place, trust as it is."""
    nodes = tuple(
        replace(node, disk={layer: replace(disk, managed=False) for layer, disk in node.disk.items()})
        for node in external.nodes
    )
    foreign = replace(external, nodes=nodes)
    fresh = [each for each in imported(foreign, corporate, "set-2") if each.set_name in SETS]
    change = sets(lab.plan(EXTERNAL, observed=keyless(foreign, corporate, *fresh)))["es-1 http"]
    assert {each.role for each in change.fixed} >= {"certificate", "key"}
    assert change.trust == ()


def test_a_change_of_format_publishes_the_imported_leaf_again(
    lab: Lab, external: Observed, corporate: Corporate
) -> None:
    held = [
        ImportedLeaf("set-1", node.target, layer.value, "corporate", (leaf, certificate_facts(corporate.issuing)))
        for node in external.nodes
        for layer in Layer
        if (leaf := node.disk[layer].leaf)
    ]
    observed = keyless(external, corporate, *held)
    plan = lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12), observed=observed)
    change = sets(plan)["es-1 http"]
    assert (change.imported, change.format) == ("set-1", StoreFormat.PKCS12)


def test_a_change_of_format_without_the_import_is_refused(lab: Lab, external: Observed) -> None:
    with pytest.raises(PlanError, match="their CA has no key here"):
        lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12), observed=external)
