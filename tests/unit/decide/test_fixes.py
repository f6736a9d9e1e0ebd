"""Fixes of findings: what is changed, what is left to a person, and that the finding is gone afterwards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.diff import build_review
from estui.decide.findings.registry import RULES, all_findings
from estui.decide.findings.rule import Facts
from estui.decide.fixes import (
    BEAT_FIXES,
    FIXABLE,
    KIBANA_FIXES,
    NODE_FIXES,
    changes_of,
    clear_values,
    command_for,
    command_of_rule,
    fix_goal,
    fix_plan,
)
from estui.errors import PlanError
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.finding import Finding, Severity
from estui.model.inventory import Layer
from estui.model.observed import Fault, Observed, ObservedNode
from estui.model.plan import (
    Plan,
    RemoveSecureSetting,
    RemoveSetting,
    Restart,
    SetAccess,
    SetSecureSetting,
    SetSetting,
)
from estui.model.run import StepKind
from tests.unit.decide.findings.builders import (
    NOW,
    answers,
    beat,
    disk,
    facts,
    kibana,
    named,
    node,
    on,
    secure,
    seen,
    state,
    transport,
)

T = "xpack.security.transport.ssl"
STORE = f"{T}.enabled: true\n{T}.keystore.path: s.p12\n"
TOLD = replace(answers(), authenticated_as="elastic", secured=True)


def plan_of(rule: str, observed: Observed, *only: str) -> Plan:
    found = list(RULES[rule].findings(Facts(observed, NOW)))
    return fix_plan(observed, fix_goal(observed, rule, only), found, workspace="w")


def test_every_fix_is_of_a_rule_and_every_command_names_one_that_exists() -> None:
    assert set(RULES) >= FIXABLE
    assert len(FIXABLE) == len(NODE_FIXES) + len(KIBANA_FIXES) + len(BEAT_FIXES)
    for rule in RULES:
        command = command_of_rule(rule)
        assert command == "" or command.startswith("estui ")


def test_a_clear_password_moves_into_the_keystore_and_is_in_no_plan() -> None:
    observed = seen(node(f"{STORE}{T}.keystore.password: hunter2", api=TOLD))
    plan = plan_of("tls-password-in-yml", observed)
    put, gone = plan.changes
    assert isinstance(put, SetSecureSetting)
    assert put.name == f"{T}.keystore.secure_password"
    assert isinstance(gone, RemoveSetting)
    assert gone.key == f"{T}.keystore.password"
    assert plan.restart is Restart.ROLLING
    assert clear_values(observed, plan) == {f"es-1/{T}.keystore.password": b"hunter2"}
    assert b"hunter2" not in plan_bytes(plan)
    assert "hunter2" not in str(build_review(plan, observed))


def test_each_node_has_its_own_clear_password() -> None:
    nodes = [
        node(f"{STORE}{T}.keystore.password: pw-{name}", name, api=replace(TOLD, name=name))
        for name in ("es-1", "es-2")
    ]
    observed = seen(*nodes)
    values = clear_values(observed, plan_of("tls-password-in-yml", observed))
    assert values == {f"{name}/{T}.keystore.password": f"pw-{name}".encode() for name in ("es-1", "es-2")}


@pytest.mark.parametrize(
    "one",
    [
        node(f"{STORE}{T}.keystore.password: ${{PW}}"),
        node(f"{STORE}{T}.keystore.password: a", keystore=replace(secure(), opened=False, protected=True)),
    ],
    ids=["from the environment", "keystore locked"],
)
def test_a_password_that_cannot_be_moved_for_sure_is_left(one: ObservedNode) -> None:
    assert changes_of("tls-password-in-yml", one) == ()


def test_the_clear_one_of_two_goes_only_where_the_other_opens_the_store() -> None:
    yml, names = f"{STORE}{T}.keystore.password: a", secure(f"{T}.keystore.secure_password")
    good = transport(named("keystore.path", "s.p12"), yml=yml, keystore=names)
    assert [change.key for change in changes_of("tls-password-twice", good) if isinstance(change, RemoveSetting)] == [
        f"{T}.keystore.password"
    ]
    locked = transport(named("keystore.path", "s.p12", fault=Fault.PASSWORD), yml=yml, keystore=names)
    assert changes_of("tls-password-twice", locked) == ()


def test_kibanas_secret_keeps_its_name() -> None:
    observed = seen(node(), kibana('elasticsearch.password: "0123"'))
    plan = plan_of("kibana-password-in-yml", observed)
    assert [type(change) for change in plan.changes] == [SetSecureSetting, RemoveSetting]
    assert plan.restart is Restart.KIBANA
    assert clear_values(observed, plan) == {"kibana/kibana/elasticsearch.password": b"0123"}


def test_left_over_secure_settings_go_but_nothing_that_a_yml_still_names() -> None:
    left = secure(f"{T}.keystore.secure_password")
    (change,) = changes_of("tls-enabled-unset", node("cluster.name: lab", keystore=left))
    assert isinstance(change, RemoveSecureSetting)
    assert changes_of("tls-enabled-unset", node(f"{T}.keystore.path: s.p12", keystore=left)) == ()


def test_a_mistyped_name_is_written_right_with_the_same_value() -> None:
    gone, put = changes_of("setting-unknown", node("discovery.seed_host: [a, b]"))
    assert isinstance(gone, RemoveSetting)
    assert isinstance(put, SetSetting)
    assert (gone.key, put.key, put.value) == ("discovery.seed_host", "discovery.seed_hosts", ("a", "b"))
    both = node("discovery.seed_host: a\ndiscovery.seed_hosts: b")
    assert changes_of("setting-unknown", both) == ()
    assert changes_of("setting-unknown", node("bootstrap.pasword: geheim")) == ()


def test_a_mistyped_tls_setting_is_written_right() -> None:
    _, put = changes_of("tls-setting-unknown", node(f"{T}.verification_mod: certificate"))
    assert isinstance(put, SetSetting)
    assert (put.key, put.value) == (f"{T}.verification_mode", "certificate")


def test_config_in_front_goes_only_where_the_file_is_there_without_it() -> None:
    file = named("keystore.path", "config/s.p12", fault=Fault.MISSING)
    yml = f"{T}.enabled: true\n{T}.keystore.path: config/s.p12"
    one = transport(file, yml=yml)
    assert changes_of("tls-file-config-prefix", one) == ()
    there = replace(one, files={**one.files, "s.p12": state()})
    (change,) = changes_of("tls-file-config-prefix", there)
    assert isinstance(change, SetSetting)
    assert change.value == "s.p12"


def test_initial_masters_go_without_a_restart() -> None:
    plan = plan_of("initial-masters-left", seen(node("cluster.initial_master_nodes: [es-1]", api=answers())))
    assert plan.restart is Restart.NONE
    assert [step.kind for step in plan.steps] == [StepKind.PREPARE, StepKind.COMMIT, StepKind.VERIFY]


def test_a_bootstrap_password_goes_only_once_elastic_is_known_to_have_its_own() -> None:
    names = secure("bootstrap.password")
    assert changes_of("bootstrap-password-left", node("", keystore=names)) == ()
    unset = replace(TOLD, without_password=("elastic",))
    assert changes_of("bootstrap-password-left", node("", keystore=names, api=unset)) == ()
    has = replace(TOLD, without_password=())
    assert len(changes_of("bootstrap-password-left", node("", keystore=names, api=has))) == 1


def test_keys_lose_the_rights_of_others_and_nothing_else() -> None:
    key = named("key", "t.key", mode=0o644, uid=7, gid=8)
    plan = plan_of("tls-key-readable", seen(transport(key, named("certificate", "t.crt", mode=0o644))))
    (change,) = plan.changes
    assert isinstance(change, SetAccess)
    assert (change.path, change.mode, change.uid, change.gid, change.before) == ("t.key", 0o640, 7, 8, "0644 7:8")
    assert plan.restart is Restart.NONE
    assert [pin.path for pin in plan.pins] == ["t.key"]
    assert parse_plan(plan_bytes(plan), "plan.json") == plan


def test_a_keystore_of_root_gets_the_owner_of_the_yml() -> None:
    one = node("")
    files = {**one.files, "elasticsearch.keystore": state(b"x", 0o600, 0, 0)}
    (change,) = changes_of("keystore-owner", replace(one, files=files))
    assert isinstance(change, SetAccess)
    assert (change.mode, change.uid, change.gid) == (0o660, 0, 1000)


def test_beats_get_the_modes_that_they_insist_on() -> None:
    one = beat("a: 1")
    files = {"metricbeat.yml": state(b"a: 1", 0o666), "metricbeat.keystore": state(b"k", 0o640)}
    odd = replace(one, files=files, kind="metricbeat")
    modes = {
        change.path: change.mode
        for rule in BEAT_FIXES
        for change in changes_of(rule, odd)
        if isinstance(change, SetAccess)
    }
    assert modes == {"metricbeat.yml": 0o644, "metricbeat.keystore": 0o600}


def test_a_fingerprint_loses_its_colons() -> None:
    key = "output.elasticsearch.ssl.ca_trusted_fingerprint"
    one = replace(beat(f'{key}: "{":".join(["AB"] * 32)}"'), kind="metricbeat")
    (change,) = changes_of("beat-fingerprint-form", one)
    assert isinstance(change, SetSetting)
    assert change.value == "AB" * 32
    assert changes_of("beat-fingerprint-form", beat(f"{key}: nonsense")) == ()


def test_what_is_set_outside_of_the_yml_is_not_fixed_in_it() -> None:
    one = node("resource.reload.enabled: false")
    outside = {key: replace(setting, source="estui.yaml") for key, setting in one.settings.items()}
    assert len(changes_of("reload-off", one)) == 1
    assert changes_of("reload-off", replace(one, settings=outside)) == ()


def test_a_target_that_takes_judgement_refuses_the_whole_plan_by_name() -> None:
    files = [node(f"{T}.keystore.path: s.p12", "es-2"), node("", keystore=secure(f"{T}.keystore.secure_password"))]
    with pytest.raises(PlanError) as refused:
        plan_of("tls-enabled-unset", seen(*files))
    assert any(reason.startswith("es-2: what is right there") for reason in refused.value.reasons)
    assert plan_of("tls-enabled-unset", seen(*files), "es-1").changes


def test_a_strange_target_a_rule_without_a_fix_and_a_closed_cluster_are_refused() -> None:
    with pytest.raises(PlanError) as strange:
        plan_of("reload-off", seen(node("resource.reload.enabled: false")), "es-9")
    assert "the inventory has no target es-9" in strange.value.reasons
    with pytest.raises(PlanError) as unfixable:
        plan_of("leaf-expired", seen(node()))
    assert "estui rotate TARGET" in unfixable.value.reasons[0]
    asks = replace(answers(), secured=True)
    with pytest.raises(PlanError) as closed:
        plan_of("reload-off", seen(node("xpack.security.enabled: true\nresource.reload.enabled: false", api=asks)))
    assert "--plain-http" in closed.value.reasons[0]


def test_nothing_found_is_an_empty_plan() -> None:
    assert plan_of("reload-off", seen(node())).is_empty


def test_findings_name_the_command_that_puts_them_right() -> None:
    found = all_findings(seen(transport(named("key", "t.key", mode=0o644))), NOW)
    assert next(each.fix for each in found if each.rule == "tls-key-readable") == (
        "estui doctor --fix tls-key-readable@es-1"
    )
    ended = disk(replace(facts(), not_after=NOW))
    expired = all_findings(seen(node(disk=on(Layer.TRANSPORT, ended))), NOW)
    assert next(each.fix for each in expired if each.rule == "leaf-expired") == "estui rotate es-1"


def test_a_target_with_a_strange_name_is_quoted_for_the_shell() -> None:
    finding = Finding("leaf-expired", Severity.ERROR, "es 1; rm", "ended")
    assert command_for(finding, None) == "estui rotate 'es 1; rm'"


def test_a_target_whose_folder_cannot_be_read_is_not_fixed() -> None:
    broken = Finding("yml-broken", Severity.FATAL, "es-1", "is broken")
    one = node("resource.reload.enabled: false", problems=(broken,))
    assert changes_of("reload-off", one) == ()


def test_the_review_shows_mode_and_owner_before_and_after() -> None:
    observed = seen(transport(named("key", "t.key", mode=0o644)))
    (file,) = build_review(plan_of("tls-key-readable", observed), observed).files
    assert (file.path, [line.text for line in file.lines]) == (
        "t.key",
        ["mode and owner 0644 0:1000", "mode and owner 0640 0:1000"],
    )


def test_a_node_that_would_not_come_back_is_not_restarted() -> None:
    """Otherwise a small fix would take a running node down for something else that is wrong with it."""
    one = node("resource.reload.enabled: false\ncluster.nmae: x\ncluster.name: lab", api=TOLD)
    observed = seen(one)
    found = all_findings(observed, NOW)
    plan = fix_plan(observed, fix_goal(observed, "reload-off"), found, workspace="w")
    assert plan.restart is Restart.NONE
    assert "es-1 would not start because of setting-unknown" in plan.notes[-1]
    assert [step.kind for step in plan.steps] == [StepKind.PREPARE, StepKind.COMMIT, StepKind.VERIFY]
    sound = seen(node("resource.reload.enabled: false", api=TOLD))
    assert fix_plan(sound, fix_goal(sound, "reload-off"), all_findings(sound, NOW), workspace="w").restart is (
        Restart.ROLLING
    )
