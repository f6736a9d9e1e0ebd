"""A plan is data: stages, pins, places and notes; empty once it was applied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.plan import authority_title
from estui.errors import PlanError
from estui.formats.wire import plan_bytes
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Policy, StoreFormat
from estui.model.plan import CreateAuthority, FirstLogin, Restart, Stage
from tests.unit.decide.samples import Lab, changed_node, node_yml

BASIC, HTTPS = Goal(Scenario.BASIC), Goal(Scenario.HTTPS)
KIBANA = 'server.name: "k"\nelasticsearch.hosts: ["http://127.0.0.1:9201"]\n'


@pytest.mark.parametrize("store", [None, *StoreFormat])
@pytest.mark.parametrize("scenario", [Scenario.MINIMAL, Scenario.BASIC, Scenario.HTTPS])
@pytest.mark.parametrize("with_keystore", [False, True])
def test_the_plan_after_an_apply_is_empty(
    lab: Lab, scenario: Scenario, store: StoreFormat | None, with_keystore: bool
) -> None:
    secure = {"s3.client.default.access_key": b"x"} if with_keystore else None
    for number in range(1, 2 if scenario is Scenario.MINIMAL else 4):
        lab.node(
            f"es-{number}", node_yml(f"es-{number}", number, "cluster.initial_master_nodes: [es-1]"), secure=secure
        )
    lab.with_kibana(KIBANA, secure={"xpack.reporting.encryptionKey": "x"} if with_keystore else None, on_host="/k")
    plan = lab.plan(Goal(scenario, store))
    assert not plan.is_empty
    lab.apply(plan)
    observed = lab.look()
    assert {node.rung for node in observed.nodes} == {scenario.rung}
    assert not [disk.problem for node in observed.nodes for disk in node.disk.values() if disk.problem]
    assert lab.plan(Goal(scenario)).is_empty
    assert lab.plan(Goal(scenario, store)).is_empty
    lab.expect_nodes = len(lab.nodes)
    assert lab.plan(Goal(scenario), up=False).is_empty


def test_rung_after_rung_ends_where_https_at_once_ends(lab: Lab) -> None:
    lab.three().with_kibana(KIBANA, on_host="/k")
    lab.apply(lab.plan(BASIC))
    lab.apply(lab.plan(HTTPS))
    assert lab.plan(HTTPS).is_empty
    assert lab.plan(BASIC).is_empty


def test_an_empty_plan_has_nothing_at_all(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(BASIC))
    plan = lab.plan(BASIC)
    assert (plan.stages, plan.steps, plan.pins, plan.places, plan.notes) == ((), (), (), (), ())


def test_every_file_that_will_be_replaced_is_pinned_as_it_is(lab: Lab) -> None:
    lab.node("es-1", None, secure={}).with_kibana(KIBANA, on_host="/k")
    observed = lab.look()
    pins = {(pin.target, pin.path): pin for pin in lab.plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12)).pins}
    assert {path for target, path in pins if target == "es-1"} == {
        "elasticsearch.yml", "elasticsearch.keystore", "estui/transport/current", "estui/http/current",
    }  # fmt: skip
    node = observed.nodes[0]
    yml, keystore = pins["es-1", "elasticsearch.yml"], pins["es-1", "elasticsearch.keystore"]
    assert (yml.kind, yml.sha256, yml.mode) == ("file", node.files["elasticsearch.yml"].sha256, 0o660)
    assert (keystore.sha256, keystore.entries) == ("", node.keystore.entries_digest)
    assert pins["kibana/kibana-1", "kibana.keystore"].kind == "absent"
    assert pins["es-1", "estui/http/current"].kind == "absent"


def test_a_set_in_use_is_pinned_by_its_link(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(BASIC))
    (pin,) = lab.later(days=380).plan(BASIC).pins
    assert (pin.path, pin.kind, pin.link) == ("estui/transport/current", "link", "run-1")


def test_a_yml_behind_a_link_of_the_folder_is_read_and_pinned_with_its_content(lab: Lab) -> None:
    lab.node("es-1")
    file = lab.folder("es-1") / "elasticsearch.yml"
    file.rename(file.with_name("real.yml"))
    file.symlink_to("real.yml")
    pin = next(pin for pin in lab.plan(BASIC).pins if pin.path == "elasticsearch.yml")
    assert (pin.kind, pin.link, pin.mode) == ("link", "real.yml", 0o660)
    assert pin.sha256 == lab.look().nodes[0].files["elasticsearch.yml"].sha256
    lab.apply(lab.plan(BASIC))
    assert "# cluster of the lab" in lab.yml("es-1")
    assert lab.plan(BASIC).is_empty


def test_a_place_tells_owner_and_modes_of_what_is_written(lab: Lab) -> None:
    lab.node("es-1")
    lab.folder("es-1").chmod(0o2750)
    place = lab.plan(BASIC).place("es-1")
    assert (place.folder_mode, place.file_mode, place.keystore_mode) == (0o2750, 0o640, 0o660)
    assert (place.root, place.version) == (str(lab.folder("es-1")), "9.1.0")


def test_authorities_are_made_once_and_not_again(lab: Lab) -> None:
    lab.three()
    first = [change.request.name for change in lab.plan(HTTPS).changes if isinstance(change, CreateAuthority)]
    lab.apply(lab.plan(BASIC))
    then = [change.request.name for change in lab.plan(HTTPS).changes if isinstance(change, CreateAuthority)]
    assert (first, then) == (["transport", "http"], ["http"])
    assert authority_title("http-2") == "HTTP CA 2"


def test_a_ca_without_its_key_can_sign_nothing(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(BASIC))
    observed = lab.later(days=380).look()
    keyless = replace(observed, authorities=tuple(replace(each, has_key=False) for each in observed.authorities))
    with pytest.raises(PlanError) as refused:
        lab.plan(BASIC, observed=keyless)
    assert refused.value.reasons == ("ca/transport: there is no ca.key",)


def test_the_first_login_is_at_the_first_master_eligible_node_by_name(lab: Lab) -> None:
    lab.node("a", node_yml("a", 1, "node.roles: [data]")).node("c", node_yml("c", 3)).node("b", node_yml("b", 2))
    (login,) = [change for change in lab.plan(BASIC).changes if isinstance(change, FirstLogin)]
    assert (login.target, login.users) == ("b", ("elastic", "kibana_system"))


def test_a_node_whose_tie_is_not_proven_is_named(lab: Lab) -> None:
    observed = lab.three().look()
    silent = changed_node(observed, "es-3", lambda node: replace(node, api=replace(node.api, name="", members=())))
    assert any(note.startswith("es-3: that ") for note in lab.plan(BASIC, observed=silent).notes)


def test_a_node_that_serves_anybody_although_its_yml_says_otherwise_is_named(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", security="xpack.security.enabled: true"))
    observed = changed_node(lab.look(), "es-1", lambda node: replace(node, api=replace(node.api, secured=False)))
    assert any("answers without a login" in note for note in lab.plan(BASIC, observed=observed).notes)


def test_passwords_on_plain_http_are_said_where_they_travel_so(lab: Lab) -> None:
    lab.node("es-1")
    assert any("plain HTTP" in note for note in lab.plan(BASIC).notes)
    assert not any("plain HTTP" in note for note in lab.plan(HTTPS).notes)


def test_rolling_https_says_what_clients_lose_and_beats_are_named(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(BASIC))
    lab.with_beat("output.logstash.hosts: [127.0.0.1:5044]\n")
    plan = lab.plan(HTTPS)
    assert plan.restart is Restart.ROLLING
    assert any("lose each node" in note for note in plan.notes)
    assert any("beat/config is left as it is: it does not send" in note for note in plan.notes)


def test_a_policy_under_which_leaves_are_always_due_is_said(lab: Lab) -> None:
    lab.policy = replace(Policy(), leaf_days=20)
    assert any("renewed with every plan" in note for note in lab.node("es-1").plan(BASIC).notes)


@pytest.mark.parametrize("scenario", [Scenario.BASIC, Scenario.HTTPS])
def test_no_secret_of_any_file_is_in_a_plan(lab: Lab, scenario: Scenario) -> None:
    prefix = "xpack.security.http.ssl"
    yml = node_yml("es-1", 1, f"{prefix}.enabled: false", f"{prefix}.keystore.password: hunter2")
    lab.node("es-1", yml, secure={f"{prefix}.keystore.secure_password": b"hunter2"})
    lab.with_kibana(KIBANA + "elasticsearch.password: hunter2\n", secure={"x.token": "hunter2"}, on_host="/k")
    assert b"hunter2" not in plan_bytes(lab.plan(Goal(scenario)))


def test_the_expected_number_is_the_stated_or_the_inventorys(lab: Lab) -> None:
    lab.three()
    assert lab.plan(BASIC).expect_nodes == 3
    assert lab.plan(replace(BASIC, expect_nodes=3), up=False).expect_nodes == 3


def test_stages_are_nodes_then_kibana(lab: Lab) -> None:
    stages: tuple[Stage, ...] = lab.node("es-1").with_kibana(KIBANA, on_host="/k").plan(HTTPS).stages
    assert [(stage.id, stage.restart) for stage in stages] == [("nodes", Restart.FULL), ("kibana", Restart.KIBANA)]
