"""One layer of one node: what it needs, what cannot stay beside it, and when it has it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.layers import managed_format, meets, setting_changes, wanted_settings
from estui.model.goal import Goal, Scenario
from estui.model.inventory import KeyType, Layer, Policy, StoreFormat
from estui.model.observed import OnDisk
from estui.model.plan import AuthorityRequest, PublishSet, RemoveSecureSetting, RemoveSetting, Restart, SetSecureSetting
from estui.model.setting import SettingValue
from tests.unit.decide.samples import Lab, make_authority, node_yml
from tests.unit.decide.test_scenarios import settings

BASIC, HTTPS = Goal(Scenario.BASIC), Goal(Scenario.HTTPS)
HTTP = "xpack.security.http.ssl"


def test_pem_material_is_one_set_with_relative_names() -> None:
    wanted = {key: value for key, value, _ in wanted_settings(Layer.HTTP, StoreFormat.PEM, "estui", ("full", ""))}
    assert wanted == {
        f"{HTTP}.enabled": True,
        f"{HTTP}.key": "estui/http/current/node.key",
        f"{HTTP}.certificate": "estui/http/current/node.crt",
        f"{HTTP}.certificate_authorities": ("estui/http/current/ca.crt",),
    }


def test_what_is_set_already_is_not_set_again_in_whatever_spelling(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, f"{HTTP}: {{enabled: 'true', certificate_authorities: a.crt}}"))
    node = lab.look().nodes[0]
    wanted: list[tuple[str, SettingValue, str]] = [
        (f"{HTTP}.enabled", True, ""),
        (f"{HTTP}.certificate_authorities", ("a.crt",), ""),
    ]
    assert setting_changes(node, wanted) == []


@pytest.mark.parametrize("store", list(StoreFormat))
def test_settings_of_the_other_format_go_with_their_secrets(lab: Lab, store: StoreFormat) -> None:
    lines = [
        f"{HTTP}.enabled: false",
        f"{HTTP}.keystore.path: certs/http.p12",
        f"{HTTP}.keystore.password: hunter2",
        f"{HTTP}.key: old.key",
    ]
    secure = {f"{HTTP}.keystore.secure_password": b"hunter2", f"{HTTP}.secure_key_passphrase": b"x"}
    plan = lab.node("es-1", node_yml("es-1", 1, *lines), secure=secure).plan(Goal(Scenario.HTTPS, store))
    gone = {change.key for change in plan.changes if isinstance(change, RemoveSetting)}
    gone |= {change.name for change in plan.changes if isinstance(change, RemoveSecureSetting)}
    if store is StoreFormat.PEM:
        assert gone == {
            f"{HTTP}.keystore.path", f"{HTTP}.keystore.password", f"{HTTP}.keystore.secure_password",
        }  # fmt: skip
    else:
        assert gone == {f"{HTTP}.key", f"{HTTP}.secure_key_passphrase", f"{HTTP}.keystore.password"}
    assert "hunter2" not in repr(plan)


def test_what_opened_another_keystore_does_not_stay_beside_ours(lab: Lab) -> None:
    """A type that is not ours, a password of its own for the key, and passwords in the yml beside those in the secure
    settings stop a node's start."""
    lines = [
        f"{HTTP}.enabled: false",
        f"{HTTP}.keystore: {{path: old.jks, type: jks, password: a, key_password: b}}",
        f"{HTTP}.truststore: {{path: old.jks, type: jks, password: a}}",
    ]
    secure = {f"{HTTP}.keystore.secure_key_password": b"x"}
    plan = lab.node("es-1", node_yml("es-1", 1, *lines), secure=secure).plan(Goal(Scenario.HTTPS, StoreFormat.PKCS12))
    gone = {change.key for change in plan.changes if isinstance(change, RemoveSetting)}
    gone |= {change.name for change in plan.changes if isinstance(change, RemoveSecureSetting)}
    assert gone == {
        *(f"{HTTP}.keystore.{name}" for name in ("type", "password", "key_password", "secure_key_password")),
        *(f"{HTTP}.truststore.{name}" for name in ("type", "password")),
    }


def test_pkcs12_files_get_a_password_in_the_secure_settings(lab: Lab) -> None:
    plan = lab.node("es-1").plan(Goal(Scenario.BASIC, StoreFormat.PKCS12))
    names = [change.name for change in plan.changes if isinstance(change, SetSecureSetting)]
    prefix = "xpack.security.transport.ssl"
    assert names == [f"{prefix}.keystore.secure_password", f"{prefix}.truststore.secure_password"]


def test_due_pkcs12_files_keep_their_password_so_that_no_restart_is_needed(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(Goal(Scenario.BASIC, StoreFormat.PKCS12)))
    plan = lab.later(days=380).plan(BASIC)
    assert [type(change) for change in plan.changes] == [PublishSet]
    assert plan.restart is Restart.NONE
    assert isinstance(plan.changes[0], PublishSet)
    assert plan.changes[0].format is StoreFormat.PKCS12


def test_a_node_that_does_not_reload_is_restarted_for_a_new_leaf(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "resource.reload.enabled: false"))
    lab.apply(lab.plan(BASIC))
    assert lab.later(days=380).plan(BASIC).restart is Restart.ROLLING


@pytest.mark.parametrize(
    ("first", "then"), [(StoreFormat.PEM, StoreFormat.PKCS12), (StoreFormat.PKCS12, StoreFormat.PEM)]
)
def test_the_other_format_is_a_plan_of_its_own_that_rolls(lab: Lab, first: StoreFormat, then: StoreFormat) -> None:
    lab.three()
    lab.apply(lab.plan(Goal(Scenario.HTTPS, first)))
    plan = lab.plan(Goal(Scenario.HTTPS, then))
    assert plan.restart is Restart.ROLLING
    lab.apply(plan)
    observed = lab.look()
    assert {managed_format(disk) for node in observed.nodes for disk in node.disk.values()} == {then}
    assert not any(disk.problem for node in observed.nodes for disk in node.disk.values())
    assert lab.plan(Goal(Scenario.HTTPS, then)).is_empty
    assert lab.plan(HTTPS).is_empty


def test_a_setting_of_ours_that_was_changed_by_hand_is_put_right(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(BASIC))
    text = lab.yml("es-1").replace("client_authentication: required", "client_authentication: none")
    lab.put("es-1", "elasticsearch.yml", text.encode())
    plan = lab.plan(BASIC)
    assert settings(plan) == {"xpack.security.transport.ssl.client_authentication": "required"}
    assert plan.restart is Restart.ROLLING


def test_a_leaf_meets_its_request_only_in_every_respect(lab: Lab) -> None:
    lab.node("es-1")
    plan = lab.plan(BASIC)
    lab.apply(plan)
    request = next(change.request for change in plan.changes if isinstance(change, PublishSet))
    assert request is not None
    disk, (authority,) = lab.look().nodes[0].disk[Layer.TRANSPORT], lab.facts()
    policy, now = Policy(), lab.now
    assert meets(disk, request, authority, policy, now)
    assert meets(disk, replace(request, dns_names=request.dns_names[:1]), authority, policy, now)
    assert not meets(disk, replace(request, dns_names=(*request.dns_names, "more")), authority, policy, now)
    assert not meets(disk, replace(request, addresses=("10.9.9.9",)), authority, policy, now)
    assert not meets(disk, replace(request, key=KeyType.RSA_2048), authority, policy, now)
    assert not meets(disk, request, None, policy, now)
    assert not meets(replace(disk, managed=False), request, authority, policy, now)
    assert not meets(replace(disk, key_sha256="0" * 64), request, authority, policy, now)
    assert not meets(disk, request, authority, replace(policy, renew_before_days=397), now)
    assert not meets(OnDisk(), request, authority, policy, now)


def test_a_ca_that_was_made_anew_under_the_same_name_is_another_ca(lab: Lab) -> None:
    lab.node("es-1")
    lab.apply(lab.plan(BASIC))
    name = lab.facts()[0].certificate.subject.removeprefix("CN=")
    lab.authorities["transport"] = make_authority(AuthorityRequest("transport", name, KeyType.EC_P256, 3650))
    assert lab.facts()[0].certificate.subject == f"CN={name}"
    assert any(isinstance(change, PublishSet) for change in lab.plan(BASIC).changes)


def test_names_are_never_narrower_than_before_while_the_cluster_is_down(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "network.host: es-1.example.net"))
    observed = lab.look()
    seen = replace(observed.nodes[0].api.members[0], transport="es-1.example.net/10.0.0.5:9301")
    up = replace(observed, nodes=(replace(observed.nodes[0], api=replace(observed.nodes[0].api, members=(seen,))),))
    lab.apply(lab.plan(BASIC, observed=up))
    lab.expect_nodes = 1
    assert lab.plan(BASIC, up=False).is_empty
    request = next(c.request for c in lab.later(days=380).plan(BASIC, up=False).changes if isinstance(c, PublishSet))
    assert request is not None
    assert "10.0.0.5" in request.addresses


@pytest.mark.parametrize("name", ["ES-1", "es-1.Example.Net", "node one", "n" * 70, "1", "es.01"])
def test_odd_node_names_do_not_keep_a_plan_from_becoming_empty(lab: Lab, name: str) -> None:
    lab.aliases[name] = "odd"
    lab.node(name, node_yml(name))
    lab.apply(lab.plan(HTTPS))
    assert lab.plan(HTTPS).is_empty
