"""Rotation: which leaves can be replaced, by what, and what the review says about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.decide.diff import build_review
from estui.decide.fixed import written_paths
from estui.decide.rotation import common_name, fixed_files, held_leaves
from estui.errors import PlanError
from estui.formats import pem
from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import Observed, ObservedNode
from estui.model.plan import AuthorityRequest, LeafRequest, Plan, PublishSet, Restart, SetSecureSetting
from estui.model.run import StepKind
from estui.pki.facts import certificate_facts
from estui.secret import Secret
from tests.unit.decide.by_hand import STORE, one_layer, one_store, own_names
from tests.unit.decide.samples import STORES, Lab, changed_node, make_authority

ALL = Goal(Scenario.HTTPS, rotation=Rotation())
FRESH = Goal(Scenario.HTTPS, rotation=Rotation(fresh_names=True))


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path)


def sets(plan: Plan) -> dict[tuple[str, str], PublishSet]:
    return {(each.target, each.set_name): each for each in plan.changes if isinstance(each, PublishSet)}


def requests(plan: Plan) -> dict[tuple[str, str], LeafRequest]:
    return {name: each.request for name, each in sets(plan).items() if each.request}


def reasons(lab: Lab, goal: Goal = ALL, observed: Observed | None = None) -> str:
    with pytest.raises(PlanError) as refused:
        lab.plan(goal, observed=observed)
    return "\n".join(refused.value.reasons)


def test_files_with_names_of_their_own_are_replaced_and_what_they_trust_stays(lab: Lab) -> None:
    plan = own_names(lab).plan(ALL)
    change = sets(plan)["es-1", "http"]
    assert written_paths(change) == ("certs/http.crt", "certs/http.key")
    assert change.trust == ()
    assert requests(plan)["es-1", "http"].authority == "http"
    pinned = {pin.path for pin in plan.pins if pin.target == "es-1"}
    assert pinned == {f"certs/{layer}.{end}" for layer in ("http", "transport") for end in ("crt", "key")}
    assert plan.restart is Restart.NONE
    assert any("keep their names" in note for note in plan.notes)


def test_managed_sets_have_no_fixed_files(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    assert {fixed_files(held) for held in held_leaves(lab.look())} == {()}


def test_a_ca_made_anew_under_the_same_name_signs_nothing(lab: Lab) -> None:
    """Otherwise peers, who trust the old one, would refuse the new leaf."""
    own_names(lab)
    old = lab.authorities["transport"][1]
    common = common_name(certificate_facts(old).subject)
    lab.authorities["transport"] = make_authority(AuthorityRequest("transport", common, lab.policy.ca_key, 3650))
    assert "es-1 transport was signed by" in reasons(lab)
    assert "estui adopt --import" in reasons(lab)


def test_a_leaf_of_an_unknown_ca_says_what_to_do(lab: Lab) -> None:
    own_names(lab)
    del lab.authorities["http"]
    text = reasons(lab)
    assert "es-1 http was signed by" in text
    assert "estui adopt --import" in text
    assert "transport" not in text


def test_a_leaf_of_a_ca_whose_key_was_lost_says_both_ways_on(lab: Lab) -> None:
    own_names(lab)
    observed = lab.look()
    keyless = tuple(replace(each, has_key=each.name != "http") for each in observed.authorities)
    text = reasons(lab, observed=replace(observed, authorities=keyless))
    assert "es-1 http was signed by CA http, which has no key here" in text
    assert "estui csr export es-1" in text
    assert "estui ca rollover start http" in text


def test_a_trusted_ca_that_is_not_ours_is_no_hindrance_where_trust_stays(lab: Lab) -> None:
    own_names(lab)
    stranger = (STORES / "certutil/ca-pem/ca/ca.crt").read_bytes()
    path = lab.folder("es-1") / "certs/http-ca.crt"
    path.write_bytes(path.read_bytes() + stranger)
    assert "certs/http-ca.crt" not in {pin.path for pin in lab.plan(ALL).pins}


def test_layers_with_one_store_get_one_leaf(lab: Lab) -> None:
    """Its names and usages are those of both; copies on other nodes get a leaf of their own."""
    plan = one_store(lab).plan(ALL)
    wanted = requests(plan)
    assert wanted["es-1", "http"] == replace(wanted["es-1", "transport"], set_name="http")
    assert set(wanted["es-1", "http"].usages) == {"serverAuth", "clientAuth"}
    assert [pin.path for pin in plan.pins if pin.target == "es-1"] == [STORE]
    assert sum("copies of one certificate" in note for note in plan.notes) == 1
    review = build_review(plan, lab.look())
    assert [file.path for file in review.files] == [STORE] * 3


def test_one_layer_of_a_shared_store_is_refused(lab: Lab) -> None:
    goal = replace(ALL, rotation=Rotation(sets=("http",)))
    assert "share one leaf, certs/elastic-certificates.p12" in reasons(one_store(lab), goal)


def test_a_leaf_without_names_gets_those_of_today(lab: Lab) -> None:
    """`elasticsearch-certutil cert` writes none unless it is told to."""
    observed = one_layer(lab).look()

    def nameless(node: ObservedNode) -> ObservedNode:
        disk = node.disk[Layer.TRANSPORT]
        assert disk.leaf
        bare = replace(disk, leaf=replace(disk.leaf, dns_names=(), addresses=()))
        return replace(node, disk={**node.disk, Layer.TRANSPORT: bare})

    plan = lab.plan(ALL, observed=changed_node(observed, "es-1", nameless))
    assert "es-1" in requests(plan)["es-1", "transport"].dns_names
    assert any("gets names: es-1" in note for note in plan.notes)


def test_names_stay_unless_fresh_ones_are_asked_for(lab: Lab) -> None:
    """The review says which names are lost and which come."""
    one_layer(lab)
    same = lab.plan(ALL)
    assert requests(same)["es-1", "transport"].dns_names == ("old.example.net",)
    assert not any("gets names" in note or "loses names" in note for note in same.notes)
    fresh = lab.plan(FRESH)
    request = requests(fresh)["es-1", "transport"]
    assert "old.example.net" not in request.dns_names
    assert "127.0.0.1" in request.addresses
    notes = "\n".join(fresh.notes)
    assert "es-1 transport: loses names: old.example.net, 10.0.0.9" in notes
    assert "es-1 transport: gets names: es-1" in notes


def test_kibana_loses_names_as_well(lab: Lab) -> None:
    yml = 'server.name: k\nserver.publicBaseUrl: "https://old.example.net:5601"\nelasticsearch.hosts: http://127.0.0.1:9201\n'
    lab.node("es-1").with_kibana(yml, on_host="/etc/kibana")
    lab.apply(lab.plan(Scenario.HTTPS))
    lab.put("kibana-1", "kibana.yml", lab.yml("kibana-1").replace("old.example", "new.example").encode())
    assert "old.example.net" in requests(lab.plan(ALL))["kibana/kibana-1", "server"].dns_names
    fresh = lab.plan(FRESH)
    assert "new.example.net" in requests(fresh)["kibana/kibana-1", "server"].dns_names
    assert any("kibana/kibana-1 server: loses names: old.example.net" in note for note in fresh.notes)


def test_a_node_that_does_not_reload_is_restarted(lab: Lab) -> None:
    """One after the other, each after its files were switched."""
    own_names(lab)
    lab.put("es-2", "elasticsearch.yml", (lab.yml("es-2") + "resource.reload.enabled: false\n").encode())
    plan = lab.plan(ALL)
    assert plan.restart is Restart.ROLLING
    assert plan.stages[0].why.startswith("files are read at the start only on es-2")
    assert [step.targets[0] for step in plan.steps if step.kind is StepKind.RESTART] == ["es-1", "es-2", "es-3"]
    only = lab.plan(replace(ALL, only=("es-1",)))
    assert only.restart is Restart.NONE


def test_a_jks_store_is_to_be_converted(lab: Lab) -> None:
    one_layer(lab)
    lab.put("es-1", "certs/node.jks", (STORES / "java/node.jks").read_bytes())
    text = lab.yml("es-1").replace("certificate: certs/t.crt", "keystore.path: certs/node.jks")
    lines = [line for line in text.splitlines() if "ssl.key:" not in line]
    lab.put("es-1", "elasticsearch.yml", ("\n".join(lines) + "\n").encode())
    assert "keytool -importkeystore -srckeystore certs/node.jks" in reasons(lab)


def test_an_encrypted_key_without_its_passphrase_is_refused(lab: Lab) -> None:
    one_layer(lab)
    key = pem.load_private_key((lab.folder("es-1") / "certs/t.key").read_bytes(), None, "t.key")
    lab.put("es-1", "certs/t.key", pem.private_key_pem(key, Secret("forgotten")))
    assert "es-1 transport: certs/t.key: the private key is encrypted" in reasons(lab)


def test_what_a_leaf_was_allowed_stays_allowed(lab: Lab) -> None:
    plan = one_layer(lab, usages=("clientAuth",)).plan(ALL)
    assert requests(plan)["es-1", "transport"].usages == ("serverAuth", "clientAuth")


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("CN=es-1", "es-1"),
        ("CN=es-1,OU=search,O=Lab", "es-1"),
        ("OU=search,CN=es-1", "es-1"),
        ("CN=a\\,b,O=Lab", "a,b"),
        ("O=Lab", "O=Lab"),
    ],
)
def test_the_common_name_of_a_longer_subject(subject: str, name: str) -> None:
    assert common_name(subject) == name


STORES_ANEW = Goal(Scenario.HTTPS, rotation=Rotation(new_store_password=True))


def test_new_store_passwords_take_a_rolling_restart_and_say_why(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12)))
    plan = lab.plan(replace(STORES_ANEW, only=("es-2",)))
    assert plan.restart is Restart.ROLLING
    assert "read at its start" in plan.stages[0].why
    secure = [change for change in plan.changes if isinstance(change, SetSecureSetting)]
    assert {(change.target, change.secret, change.replaces) for change in secure} == {
        ("es-2", "store:transport", True),
        ("es-2", "store:http", True),
    }
    assert {change.set_name for change in plan.changes if isinstance(change, PublishSet)} == {"transport", "http"}


def test_what_has_no_store_of_estuis_gets_no_new_store_password(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    assert reasons(lab, STORES_ANEW) == (
        "es-1, es-2, es-3: no PKCS#12 set of estui's is in use there, and PEM files have no password"
    )


def test_where_nothing_is_due_no_store_gets_a_new_password(lab: Lab) -> None:
    """`rotate --due --new-store-password` of cron: nothing to do is no failure, with or without stores."""
    due = Goal(Scenario.HTTPS, rotation=Rotation(due_only=True, new_store_password=True))
    lab.three()
    lab.apply(lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12)))
    assert lab.plan(due).is_empty
    assert lab.plan(replace(due, only=("es-1",))).is_empty
    assert lab.later(days=380).plan(due).restart is Restart.ROLLING


def test_a_store_that_was_there_before_keeps_its_password_and_the_way_is_told(lab: Lab) -> None:
    one_store(lab)
    text = reasons(lab, replace(STORES_ANEW, only=("es-1",)))
    assert "es-1 http: certs/elastic-certificates.p12 was there before estui" in text
    assert "estui secure-settings set" in text
