"""Who would be cut off while a plan takes effect, and that it is found out by sets rather than by pairs."""

from __future__ import annotations

import dataclasses
from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide import trust_check
from estui.decide.trust_check import broken_pairs, interim_notes
from estui.errors import PlanError
from estui.model.certificate import CertificateFacts
from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import KeyType, Layer, StoreFormat
from estui.model.observed import AuthorityFacts, ImportedLeaf, Observed, ObservedNode, OnDisk
from estui.model.plan import AuthorityRequest, CreateAuthority, LeafRequest, PublishSet, Restart, Stage
from estui.pki.authority import create_authority
from estui.pki.facts import certificate_facts
from tests.unit.decide.findings.builders import NOW, beat, ca, disk, facts, kibana, named, node, on, seen
from tests.unit.decide.samples import Lab, make_authority
from tests.unit.pki.samples import authority_request, key

OLD, NEW = "transport", "transport-2"


def authority(name: str, certificate: CertificateFacts) -> AuthorityFacts:
    return AuthorityFacts(name, certificate, True)


def other_ca() -> CertificateFacts:
    """A CA of another name and key than `ca(0)`."""
    return certificate_facts(create_authority(authority_request("Other CA"), key=key(7), serial=7, now=NOW))


def request(target: str, signer: str, set_name: str = "transport") -> LeafRequest:
    return LeafRequest(target, set_name, signer, target, (), (), ("serverAuth",), KeyType.EC_P256, 397)


def publish(target: str, signer: str | None, *trust: str, set_name: str = "transport") -> PublishSet:
    """A set with a new leaf of `signer`, or with the leaf that is there."""
    wanted = request(target, signer, set_name) if signer else None
    return PublishSet(target, set_name, wanted, trust, StoreFormat.PEM, True, "", keep_leaf=signer is None)


def stage(*changes: PublishSet | CreateAuthority, restart: Restart = Restart.NONE, name: str = "nodes") -> Stage:
    return Stage(name, restart, changes, "")


def cluster(*names: str, layer: Layer = Layer.TRANSPORT, **given: OnDisk) -> Observed:
    """Nodes whose leaf comes from `ca(0)`, which they trust; the workspace has it and its successor."""
    nodes = [node(name=name, disk=on(layer, given.get(name.replace("-", "_"), disk()))) for name in names]
    return with_authorities(seen(*nodes))


def with_authorities(observed: Observed) -> Observed:
    return replace(observed, authorities=(authority(OLD, ca()), authority(NEW, other_ca())))


NAMES = ("es-1", "es-2", "es-3")


def test_new_leaves_of_the_same_authority_cut_nobody_off() -> None:
    same = stage(*(publish(name, OLD, OLD) for name in NAMES))
    assert broken_pairs(cluster(*NAMES), [same]) == []


@pytest.mark.parametrize("restart", [Restart.NONE, Restart.ROLLING])
def test_a_new_authority_at_once_splits_a_cluster_that_switches_node_by_node(restart: Restart) -> None:
    """A node that has switched shows a leaf that the others, which have not, do not know."""
    at_once = stage(*(publish(name, NEW, NEW) for name in NAMES), restart=restart)
    (told,) = broken_pairs(cluster(*NAMES), [at_once])
    assert told == (
        "es-1, es-2, es-3: the transport leaf (CA CN=Other CA) would not be accepted by one another, "
        "which trust CA CN=Test CA only"
    )


def test_a_new_authority_at_once_is_fine_where_all_stop_and_start_together() -> None:
    at_once = stage(*(publish(name, NEW, NEW) for name in NAMES), restart=Restart.FULL)
    assert broken_pairs(cluster(*NAMES), [at_once]) == []


def test_the_three_phases_of_a_rollover_cut_nobody_off() -> None:
    """Trust both, switch leaves, drop the old: each stage holds in every mixture of before and after."""
    phases = [
        stage(*(publish(name, None, OLD, NEW) for name in NAMES)),
        stage(*(publish(name, NEW, OLD, NEW) for name in NAMES)),
        stage(*(publish(name, NEW, NEW) for name in NAMES)),
    ]
    assert broken_pairs(cluster(*NAMES), phases) == []
    without_the_first = broken_pairs(cluster(*NAMES), phases[1:])
    assert any("CN=Test CA only" in line for line in without_the_first)
    without_the_second = broken_pairs(cluster(*NAMES), [phases[0], phases[2]])
    assert without_the_second, "the new leaf and the end of the old trust came in one step"


def test_dropping_the_old_authority_before_one_node_has_switched_names_that_node() -> None:
    drop = stage(*(publish(name, NEW, NEW) for name in ("es-1", "es-2")))
    both = disk(trusted=(ca(), other_ca()))
    ahead = disk(replace(facts(), issuer="CN=Other CA", sha256="f" * 64), (ca(), other_ca()))
    here = cluster(*NAMES, es_1=ahead, es_2=ahead, es_3=both)
    (told,) = broken_pairs(here, [drop])
    assert told.startswith("es-3: the transport leaf (CA CN=Test CA) would not be accepted by es-1, es-2, which trust")


def test_only_one_node_of_several_switches_to_a_new_authority() -> None:
    alone = stage(publish("es-2", NEW, OLD, NEW))
    (told,) = broken_pairs(cluster(*NAMES), [alone])
    assert told.startswith("es-2: the transport leaf (CA CN=Other CA) would not be accepted by es-1, es-3, which trust")


def test_a_single_node_is_no_peer_of_its_own() -> None:
    assert broken_pairs(cluster("es-1"), [stage(publish("es-1", NEW, NEW))]) == []
    (told,) = broken_pairs(cluster(*NAMES), [stage(publish("es-2", NEW))])
    assert "not be accepted by es-1, es-3, which" in told, "its trust is that of the others"


def test_a_pair_that_could_not_talk_before_forbids_nothing() -> None:
    """A stray node is the findings' matter; the others can be renewed all the same."""
    stray = disk(facts(of=1), (ca(1),))
    here = cluster(*NAMES, es_3=stray)
    assert broken_pairs(here, [stage(*(publish(name, OLD, OLD) for name in ("es-1", "es-2")))]) == []


def test_a_renewed_authority_with_the_same_key_is_the_same_anchor() -> None:
    renewed = certificate_facts(
        create_authority(authority_request(days=5000), key=key(0), serial=77, now=NOW - timedelta(days=1))
    )
    assert renewed.sha256 != ca().sha256
    here = replace(cluster(*NAMES), authorities=(authority(OLD, renewed),))
    assert broken_pairs(here, [stage(*(publish(name, OLD, OLD) for name in NAMES))]) == []


def test_an_authority_that_was_made_anew_under_the_same_name_is_another_one() -> None:
    """The names agree, the signatures do not."""
    here = replace(cluster(*NAMES), authorities=(authority(OLD, ca(1)),))
    assert ca(1).subject == ca().subject
    assert broken_pairs(here, [stage(*(publish(name, OLD, OLD) for name in NAMES))])


def test_an_authority_that_is_yet_to_be_made_is_known_by_its_name() -> None:
    made = CreateAuthority(AuthorityRequest("fresh", "lab transport CA", KeyType.EC_P256, 3650), "")
    at_once = stage(made, *(publish(name, "fresh", "fresh") for name in NAMES))
    (told,) = broken_pairs(cluster(*NAMES), [at_once])
    assert "(CA CN=lab transport CA)" in told
    assert broken_pairs(cluster(*NAMES), [replace(at_once, restart=Restart.FULL)]) == []


def test_an_imported_leaf_is_judged_by_the_chain_that_comes_with_it() -> None:
    """An external CA: its name is in the workspace, its leaf is already signed."""
    outside = replace(facts(), issuer="CN=Other CA", sha256="e" * 64)
    imported = ImportedLeaf("csr-1", "es-1", "transport", NEW, (outside,))
    here = replace(cluster(*NAMES), imported=(imported,))
    change = replace(publish("es-1", NEW), imported="csr-1", leaf_sha256=outside.sha256)
    (told,) = broken_pairs(here, [stage(change)])
    assert told.startswith("es-1: the transport leaf (CA CN=Other CA) would not be accepted by es-2, es-3, which")
    inside = replace(imported, chain=(replace(facts(), sha256="e" * 64),))
    assert broken_pairs(replace(here, imported=(inside,)), [stage(change)]) == []


def test_a_peer_that_checks_nothing_refuses_nobody() -> None:
    """`verification_mode: none` is a mistake of its own, but it cuts nobody off."""
    careless = [
        node(
            f"{SECURED}xpack.security.transport.ssl.verification_mode: none\n",
            name=name,
            disk=on(Layer.TRANSPORT, disk()),
        )
        for name in NAMES
    ]
    here = with_authorities(seen(*careless))
    assert broken_pairs(here, [stage(*(publish(name, NEW, NEW) for name in NAMES))]) == []


SECURED = """xpack.security.enabled: true
xpack.security.transport.ssl.enabled: true
xpack.security.http.ssl.enabled: true
"""


# HTTP: Kibana and Beats


def http_cluster(*clients: object) -> Observed:
    nodes = [node(name=name, disk=on(Layer.HTTP, disk())) for name in ("es-1", "es-2")]
    return with_authorities(seen(*nodes, *clients))  # type: ignore[arg-type]


def switched(*changes: PublishSet) -> Stage:
    leaves = (publish(name, NEW, OLD, NEW, set_name="http") for name in ("es-1", "es-2"))
    return stage(*leaves, *changes)


TRUSTING = replace(disk(), leaf=None, chain=())


def test_kibana_that_does_not_know_the_new_authority_is_named() -> None:
    here = http_cluster(kibana(trust=TRUSTING))
    (told,) = broken_pairs(here, [switched()])
    assert told == (
        "es-1, es-2: the HTTP leaf (CA CN=Other CA) would not be accepted by kibana/kibana, "
        "which trusts CA CN=Test CA only"
    )
    assert interim_notes(here, [switched()]) == []


def test_kibana_that_gets_the_new_authority_later_in_the_plan_is_a_note() -> None:
    here = http_cluster(kibana(trust=TRUSTING))
    later = stage(
        publish("kibana/kibana", None, OLD, NEW, set_name="elasticsearch"), restart=Restart.KIBANA, name="kibana"
    )
    assert broken_pairs(here, [switched(), later]) == []
    (note,) = interim_notes(here, [switched(), later])
    assert note.endswith("which trusts CA CN=Test CA only, until a later stage of this plan")
    assert interim_notes(here, [later, switched()]) == [], "trust first, leaves then"


def test_a_beat_that_pins_the_old_authority_is_named() -> None:
    pinned = beat(f"output.elasticsearch.ssl.ca_trusted_fingerprint: {ca().sha256}\n", trust=OnDisk(enabled=True))
    (told,) = broken_pairs(http_cluster(pinned), [switched()])
    assert "beat/metricbeat" in told


def test_a_client_whose_files_name_no_authority_cannot_be_judged_and_is_a_note() -> None:
    """It uses its system's own CAs, or is told by its environment; a plan is not forbidden for that."""
    unknown = kibana("elasticsearch.hosts: https://es-1:9200\n", trust=OnDisk(enabled=True))
    assert broken_pairs(http_cluster(unknown), [switched()]) == []
    (note,) = interim_notes(http_cluster(unknown), [switched()])
    assert "no CA that its files name" in note


def test_kibana_that_does_not_check_is_left_alone() -> None:
    careless = kibana("elasticsearch.ssl.verificationMode: none\n", trust=TRUSTING)
    assert broken_pairs(http_cluster(careless), [switched()]) == []


# by sets


def own_store(number: int) -> OnDisk:
    """A store that is keystore and truststore at once, as auto-configuration makes one for every node."""
    leaf = replace(facts(common_name="es"), sha256=f"{number:064x}", subject=f"CN=es-{number}", key_sha256=f"{number}")
    stores = (named("keystore.path", "t.p12"), named("truststore.path", "t.p12"))
    return replace(disk(leaf), named=stores)


@pytest.mark.parametrize("kind", ["one trust file", "a store of its own"])
def test_a_thousand_nodes_take_as_many_comparisons_as_ten(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves are grouped by their CAs and peers by their trust: the number of nodes does not matter."""
    calls = 0
    judge = trust_check.accepts

    def counted(trust: trust_check._Trust, leaf: trust_check._Leaf) -> bool:
        nonlocal calls
        calls += 1
        return judge(trust, leaf)

    monkeypatch.setattr(trust_check, "accepts", counted)
    found = []
    template = node(disk=on(Layer.TRANSPORT, disk()))
    for size in (10, 1000):
        nodes = tuple(numbered(template, number, kind) for number in range(size))
        here = with_authorities(dataclasses.replace(seen(template), nodes=nodes))
        calls = 0
        assert broken_pairs(here, [stage(*(publish(each.target, NEW, NEW) for each in nodes))])
        found.append(calls)
    assert found[0] == found[1]


def numbered(template: ObservedNode, number: int, kind: str) -> ObservedNode:
    made = replace(template, name=f"es-{number}")
    return made if kind == "one trust file" else replace(made, disk=on(Layer.TRANSPORT, own_store(number)))


def test_many_failing_groups_are_counted_rather_than_listed() -> None:
    lines = trust_check.shortened([f"line {number}" for number in range(14)])
    assert len(lines) == trust_check.MOST_LINES + 1
    assert lines[-1] == "and 4 more like these"


# in a plan


def test_a_plan_that_would_split_the_cluster_is_refused(lab: Lab) -> None:
    """The workspace's transport CA was lost and made anew: its leaves would come up one by one among strangers."""
    lab.three()
    lab.apply(lab.plan(Scenario.BASIC))
    lab.authorities["transport"] = make_authority(
        AuthorityRequest("transport", "lab transport CA", KeyType.EC_P256, 3650)
    )
    with pytest.raises(PlanError) as refused:
        lab.plan(Scenario.BASIC)
    (reason,) = refused.value.reasons
    assert reason.startswith("es-1, es-2, es-3: the transport leaf (CA CN=lab transport CA) would not be accepted by")
    assert "somebody would be cut off" in refused.value.summary


def test_a_rotation_from_the_same_authority_is_planned_as_before(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    assert not lab.plan(Goal(Scenario.HTTPS, rotation=Rotation())).is_empty
