"""A rollover to a CA of others and back: what each phase changes, and what it waits for."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide import rollover
from estui.decide.authorities import issuer_of
from estui.errors import PlanError
from estui.model.goal import Goal, Phase, Rollover, Scenario
from estui.model.inventory import KeyType, Layer
from estui.model.observed import AuthorityFacts, NamedFile, Observed, OnDisk, PortState, Served
from estui.model.plan import CreateAuthority, PublishSet, Restart
from estui.model.rollover import DonePhase, RolloverState
from estui.pki.facts import certificate_facts
from tests.corporate import Corporate
from tests.unit.decide.by_hand import one_store
from tests.unit.decide.samples import NOW, Lab
from tests.unit.decide.test_external import KIBANA, imported, keyless, sets

BOTH = (("transport", "corporate"), ("http", "corporate"))


def _serving(observed: Observed) -> Observed:
    """The same cluster with every port up, showing what is on disk."""

    def served(disk: OnDisk) -> Served:
        return Served(None, PortState.TLS if disk.leaf else PortState.PLAIN, chain=disk.chain)

    nodes = tuple(
        replace(node, served={layer: served(disk) for layer, disk in node.disk.items()}) for node in observed.nodes
    )
    return replace(
        observed, nodes=nodes, kibana=tuple(replace(each, served=served(each.disk)) for each in observed.kibana)
    )


def _goal(phase: Phase, successors: tuple[tuple[str, str], ...] = BOTH) -> Goal:
    return Goal(Scenario.HTTPS, rollover=Rollover("r-1", phase, successors))


@pytest.fixture
def corporate() -> Corporate:
    return Corporate(now=NOW)


@pytest.fixture
def own(lab: Lab, corporate: Corporate) -> Observed:
    """A cluster of estui's own CAs that knows the corporate one, as up and serving."""
    lab.three().with_kibana(KIBANA, on_host="/etc/kibana")
    lab.apply(lab.plan(Scenario.HTTPS))
    return _serving(keyless(lab.look(), corporate))


@pytest.fixture
def trusting(lab: Lab, own: Observed, corporate: Corporate) -> Observed:
    """The same cluster after the first phase."""
    lab.apply(lab.plan(_goal(Phase.TRUST), observed=own))
    return _serving(keyless(lab.look(), corporate))


@pytest.fixture(autouse=True)
def _known(lab: Lab, corporate: Corporate) -> None:
    lab.authorities["corporate"] = (corporate.root_key, corporate.root)


def _reasons(lab: Lab, observed: Observed, phase: Phase) -> str:
    with pytest.raises(PlanError) as refused:
        lab.plan(_goal(phase), observed=observed)
    return "\n".join(refused.value.reasons)


def test_first_everyone_trusts_the_corporate_ca_and_leaves_stay_with_the_old_ones(lab: Lab, own: Observed) -> None:
    plan = lab.plan(_goal(Phase.TRUST), observed=own)
    published = sets(plan)
    assert published["es-1 transport"].trust == ("transport", "corporate")
    assert published["es-1 http"].trust == published["kibana/kibana-1 elasticsearch"].trust == ("http", "corporate")
    assert {change.request.authority for change in published.values() if change.request} == {"transport", "http"}
    assert not [change for change in plan.changes if isinstance(change, CreateAuthority)]
    ask = "estui csr export es-1 es-2 es-3 kibana/kibana-1 --to DIR, then estui csr import FILE... --ca FILE"
    assert f"the key of corporate is elsewhere, and phase 2 needs its leaves: {ask}" in plan.notes


def test_the_switch_names_every_leaf_that_is_not_there_and_how_to_get_it(
    lab: Lab, trusting: Observed, corporate: Corporate
) -> None:
    there = [each for each in imported(trusting, corporate) if each.target != "es-2" and each.set_name != "server"]
    text = _reasons(lab, replace(trusting, imported=tuple(there)), Phase.SWITCH)
    assert text == (
        "no certificate of CA corporate is imported yet for es-2 transport, es-2 http, kibana/kibana-1 server: "
        "estui csr export es-2 kibana/kibana-1 --to DIR, then estui csr import FILE... --ca FILE"
    )


def test_a_leaf_that_expired_meanwhile_is_no_answer(lab: Lab, trusting: Observed, corporate: Corporate) -> None:
    late = imported(trusting, corporate, start=timedelta(days=-20), days=10)
    assert "es-1 transport: the imported leaf expired on" in _reasons(
        lab, replace(trusting, imported=tuple(late)), Phase.SWITCH
    )


def test_a_leaf_of_another_ca_is_no_answer(lab: Lab, trusting: Observed, corporate: Corporate) -> None:
    others = tuple(replace(each, authority="other") for each in imported(trusting, corporate))
    assert "is imported yet for es-1 transport, es-1 http" in _reasons(
        lab, replace(trusting, imported=others), Phase.SWITCH
    )


def test_the_switch_uses_imported_leaves_and_changes_no_trust(
    lab: Lab, trusting: Observed, corporate: Corporate
) -> None:
    plan = lab.plan(_goal(Phase.SWITCH), observed=keyless(trusting, corporate, *imported(trusting, corporate)))
    published = sets(plan)
    assert len(published) == 7
    assert {change.imported for change in published.values()} == {"set-1"}
    assert not any(change.keep_leaf for change in published.values())
    assert published["es-3 transport"].trust == ("transport", "corporate")
    assert [stage.restart for stage in plan.stages] == [Restart.NONE, Restart.KIBANA]
    assert "es-1 http: the imported leaf ends 2027-11-25 (364 days)" in plan.notes


def test_the_last_phase_keeps_the_leaves_that_nobody_here_can_sign(
    lab: Lab, trusting: Observed, corporate: Corporate
) -> None:
    plan = lab.plan(_goal(Phase.SWITCH), observed=keyless(trusting, corporate, *imported(trusting, corporate)))
    lab.apply(plan)
    published = sets(lab.plan(_goal(Phase.DROP), observed=_serving(keyless(lab.look(), corporate))))
    assert {change.trust for change in published.values()} == {("corporate",)}
    assert {change.keep_leaf for name, change in published.items() if name.startswith("es-")} == {True}


def test_a_phase_is_refused_for_a_ca_whose_key_was_lost_here(lab: Lab, own: Observed) -> None:
    lost = replace(own, authorities=(*own.authorities, replace(own.authorities[0], name="http-2", has_key=False)))
    with pytest.raises(PlanError) as refused:
        lab.plan(_goal(Phase.SWITCH, (("http", "http-2"),)), observed=lost)
    assert "ca/http-2: there is no ca.key, so it cannot sign" in refused.value.reasons


@pytest.mark.parametrize(
    ("to", "words"),
    [
        ("other", "the workspace has no CA other: give its certificate with --ca-file FILE"),
        ("http", "CA http cannot follow itself"),
        ("ended", "CA ended ended on"),
    ],
)
def test_a_successor_that_is_none_is_refused(own: Observed, to: str, words: str) -> None:
    ended = certificate_facts(Corporate(now=NOW - timedelta(days=4000)).root)
    observed = replace(own, authorities=(*own.authorities, AuthorityFacts("ended", ended, has_key=False)))
    (reason,) = rollover.start_refusals(observed, ("http",), to, now=NOW)
    assert reason.startswith(words)


def test_the_ca_of_another_layer_does_not_follow(own: Observed) -> None:
    """One key for two layers is no step forward; one of others, or a successor of the same layer, is welcome."""
    (reason,) = rollover.start_refusals(own, ("transport",), "http", now=NOW)
    assert reason.startswith("CA http is the one of the HTTP layer, and not of what transport signs: leave out --to")
    assert "estui ca rollover start transport" in reason
    second = replace(own.authorities[0], name="transport-2")
    clients = replace(own.authorities[0], name="client")
    observed = replace(own, authorities=(*own.authorities, second, clients))
    assert rollover.start_refusals(observed, ("transport",), "transport-2", now=NOW) == []
    assert rollover.start_refusals(observed, ("transport",), "corporate", now=NOW) == []
    (reason,) = rollover.start_refusals(observed, ("transport",), "client", now=NOW)
    assert reason.startswith("CA client is the one of clients")


def test_layers_that_share_one_store_need_one_leaf_for_both(lab: Lab, corporate: Corporate) -> None:
    """Two answers to two requests are two leaves, which one file cannot hold."""
    one_store(lab)
    observed = _serving(keyless(lab.look(), corporate))
    assert rollover.start_refusals(observed, ("transport",), "corporate", now=NOW) == []
    goal = _goal(Phase.SWITCH, (("transport", "corporate"),))
    first, second = imported(observed, corporate), imported(observed, corporate)
    assert [(each.target, each.set_name) for each in first] == [(f"es-{n}", "transport") for n in (1, 2, 3)]
    of_http = [replace(each, set_name="http") for each in second]
    reasons = rollover.phase_refusals(replace(observed, imported=(*first, *of_http)), goal, NOW)
    assert any(
        "es-1: transport and http share certs/elastic-certificates.p12" in each
        and "estui csr export es-1 --to DIR makes one request" in each
        for each in reasons
    )
    both = (*first, *(replace(each, set_name="http") for each in first))
    assert not any("share" in each for each in rollover.phase_refusals(replace(observed, imported=both), goal, NOW))


def test_a_ca_of_others_is_followed_by_one_with_the_name_of_what_it_signs_for(
    lab: Lab, trusting: Observed, corporate: Corporate
) -> None:
    lab.apply(lab.plan(_goal(Phase.SWITCH), observed=keyless(trusting, corporate, *imported(trusting, corporate))))
    observed = keyless(lab.look(), corporate)
    assert rollover.successors(observed, ("corporate",)) == (("corporate", "cluster"),)
    http_only = replace(
        observed, nodes=tuple(replace(n, disk={Layer.HTTP: n.disk[Layer.HTTP]}) for n in observed.nodes)
    )
    assert rollover.successors(http_only, ("corporate",)) == (("corporate", "http-2"),)
    assert rollover.successors(observed, ("http",)) == (("http", "http-2"),)


def test_a_phase_with_nothing_to_do_has_no_run_and_is_over_all_the_same() -> None:
    """As where the leaves were put in place by `estui csr apply`."""
    goal = Rollover("r-1", Phase.DROP, BOTH)
    done = (DonePhase(Phase.TRUST, "a"), DonePhase(Phase.DROP, "b"))
    assert RolloverState(goal, done[:1]).next_phase is Phase.SWITCH
    assert RolloverState(goal, done).next_phase is None


@pytest.fixture
def taken_over(own: Observed, corporate: Corporate) -> Observed:
    """A cluster of the corporate CA whose root and issuing CA are both in the workspace, as `estui adopt` brings them
    in: the leaves are signed by the one, and everyone trusts the other."""
    leaves = {(each.target, each.set_name): each.chain for each in imported(own, corporate)}
    root = (certificate_facts(corporate.root),)

    def below(disk: OnDisk, target: str, set_name: str) -> OnDisk:
        return replace(
            disk, leaf=leaves[target, set_name][0], chain=leaves[target, set_name], trusted=root if disk.trusted else ()
        )

    nodes = tuple(
        replace(node, disk={layer: below(disk, node.target, layer.value) for layer, disk in node.disk.items()})
        for node in own.nodes
    )
    kibana = tuple(
        replace(each, disk=below(each.disk, each.target, "server"), trust=replace(each.trust, trusted=root))
        for each in own.kibana
    )
    issuing = AuthorityFacts("issuing", certificate_facts(corporate.issuing), has_key=False)
    return _serving(replace(own, nodes=nodes, kibana=kibana, authorities=(issuing, *own.authorities)))


def test_where_an_intermediate_signs_it_is_the_root_that_is_followed(taken_over: Observed) -> None:
    """Otherwise the first phase would find nobody who trusts the CA that goes, and the second one would be refused."""
    (reason,) = rollover.start_refusals(taken_over, ("issuing",), now=NOW)
    assert reason.endswith("it is the root that goes: estui ca rollover start corporate")
    assert rollover.start_refusals(taken_over, ("corporate",), now=NOW) == []
    assert rollover.successors(taken_over, ("corporate",)) == (("corporate", "cluster"),)


@pytest.mark.parametrize(("phase", "authorities"), [(Phase.TRUST, set()), (Phase.SWITCH, {"cluster"})])
def test_leaves_below_an_intermediate_go_along_with_its_root(
    taken_over: Observed, phase: Phase, authorities: set[str]
) -> None:
    """They stay in the first phase, since nobody here can sign; in the second one all come from the successor."""
    goal = _goal(phase, (("corporate", "cluster"),))
    changes = [change for stage in rollover.stages(taken_over, goal, NOW) for change in stage.changes]
    found = [change for change in changes if isinstance(change, PublishSet)]
    assert {change.request.authority for change in found if change.request} == authorities
    assert len([each for each in found if each.set_name in ("transport", "http")]) == 6


def test_an_intermediate_whose_key_is_here_signs_and_its_root_is_trusted(taken_over: Observed) -> None:
    issuing, *others = taken_over.authorities
    disk = taken_over.nodes[0].disk[Layer.HTTP]
    found = issuer_of(taken_over, disk)
    assert found is not None
    assert found.name == "corporate"
    signing = replace(taken_over, authorities=(replace(issuing, has_key=True), *others))
    found = issuer_of(signing, disk)
    assert found is not None
    assert found.name == "issuing"
    assert rollover.start_refusals(signing, ("corporate",), now=NOW) == []


@pytest.mark.parametrize(("nodes", "words"), [(3, "one after the other"), (1, "the cluster is away as long")])
def test_after_a_leak_the_first_review_states_the_restarts_and_the_outage(
    own: Observed, nodes: int, words: str
) -> None:
    goal = Goal(Scenario.HTTPS, rollover=Rollover("r-1", Phase.TRUST, (("http", "http-2"),), leaked=True))
    told = rollover.notes(replace(own, nodes=own.nodes[:nodes]), goal, NOW)
    assert any(
        "checks no revocation list" in note and "clients that trust http only are cut off" in note for note in told
    )
    assert any("every node is restarted once" in note and words in note for note in told)


def test_another_kind_of_key_and_a_shorter_life_are_said_before_leaves_change(own: Observed) -> None:
    """As for a rotation, and what is the same for all is said once."""
    policy = replace(own.inventory.policy, http_key=KeyType.RSA_3072, leaf_days=90)
    changed = replace(own, inventory=replace(own.inventory, policy=policy))
    told = rollover.notes(changed, _goal(Phase.SWITCH, (("http", "http-2"),)), NOW)
    leaves = "es-1 http, es-2 http, es-3 http, kibana/kibana-1 server"
    assert f"{leaves}: a shorter life, 397 → 90 days" in told
    assert f"{leaves}: another kind of key, ec-p256 → rsa-3072" in told
    assert not [
        note for note in rollover.notes(own, _goal(Phase.SWITCH), NOW) if "shorter" in note or "kind of" in note
    ]


def test_a_jks_truststore_cannot_get_a_second_ca_and_has_to_be_converted(own: Observed) -> None:
    disk = own.nodes[0].disk[Layer.HTTP]
    named = (NamedFile("truststore.path", "certs/trust.jks", "certs/trust.jks", format="JKS"),)
    by_hand = replace(disk, managed=False, named=named)
    observed = replace(own, nodes=(replace(own.nodes[0], disk={Layer.HTTP: by_hand}), *own.nodes[1:]))
    reasons = rollover.phase_refusals(observed, _goal(Phase.TRUST, (("http", "http-2"),)), NOW)
    assert any("keytool -importkeystore -srckeystore certs/trust.jks" in reason for reason in reasons)
