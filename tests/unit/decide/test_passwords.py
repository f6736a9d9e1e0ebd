"""New passwords of built-in users: by whom, on which node, for whom else, and when not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.decide.diff import build_review
from estui.decide.passwords import has_file_realm, passwords_goal, passwords_plan
from estui.decide.plan import needs_passphrase
from estui.decide.runbook import rollback_steps
from estui.errors import PlanError
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.inventory import CredentialFiles
from estui.model.observed import Observed
from estui.model.plan import FirstLogin, Plan, Restart, SetPasswords, SetSecureSetting
from estui.model.run import StepKind
from estui.model.version import Version
from tests.unit.decide.samples import Lab, answering, changed_node, node_yml

ON = "xpack.security.enabled: true"
SYSTEM = "kibana_system"
KIBANA_YML = 'elasticsearch.hosts: ["http://127.0.0.1:9201"]\nelasticsearch.username: kibana_system\n'


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.node("es-1", node_yml("es-1", 1, security=ON)).node("es-2", node_yml("es-2", 2, security=ON))
    return lab.with_kibana(KIBANA_YML, secure={"elasticsearch.password": "before"})


def look(lab: Lab, who: str = "") -> Observed:
    return answering(lab.look(), secured=True, authenticated_as=who)


def plan(observed: Observed, *users: str, by_file: bool = False) -> Plan:
    return passwords_plan(observed, passwords_goal(observed, users, by_file=by_file), workspace="w")


def reasons(observed: Observed, *users: str) -> str:
    with pytest.raises(PlanError) as refused:
        plan(observed, *users)
    return "\n".join(refused.value.reasons)


def test_who_may_log_in_sets_them_and_elastic_comes_last(lab: Lab) -> None:
    made = plan(look(lab, "elastic"), "elastic", "beats_system")
    (change,) = made.changes
    assert change == SetPasswords("es-1", ("beats_system", "elastic"), "by elastic, who may log in")
    assert [step.kind for step in made.steps] == [StepKind.PREPARE, StepKind.PASSWORDS, StepKind.VERIFY]
    assert made.restart is Restart.NONE


def test_without_a_login_a_temporary_superuser_does_it_and_is_removed(lab: Lab) -> None:
    made = plan(look(lab), "elastic")
    (change,) = made.changes
    assert isinstance(change, FirstLogin)
    kinds = [step.kind for step in made.steps]
    assert kinds[1:4] == [StepKind.FIRST_LOGIN, StepKind.PASSWORDS, StepKind.REMOVE_LOGIN]


def test_recovery_takes_the_folder_even_where_somebody_could_log_in(lab: Lab) -> None:
    (change,) = plan(look(lab, "elastic"), "elastic", by_file=True).changes
    assert isinstance(change, FirstLogin)


def test_kibana_gets_the_new_password_after_it_was_set_and_is_restarted(lab: Lab) -> None:
    made = plan(look(lab, "elastic"), SYSTEM)
    (written,) = [each for each in made.changes if isinstance(each, SetSecureSetting)]
    assert (written.target, written.secret, written.replaces) == ("kibana/kibana-1", f"password:{SYSTEM}", True)
    assert [step.id for step in made.steps] == [
        *("prepare", "passwords", "stop kibana", "commit kibana", "start kibana", "verify")
    ]
    assert made.restart is Restart.KIBANA
    assert [(pin.target, pin.path) for pin in made.pins] == [("kibana/kibana-1", "kibana.keystore")]
    assert parse_plan(plan_bytes(made), "plan.json") == made


def test_the_way_back_sets_the_old_ones_and_starts_kibana_also_where_it_got_nothing(lab: Lab) -> None:
    made = plan(look(lab, "elastic"), SYSTEM)
    steps = rollback_steps(made, ("kibana/kibana-1",), ("es-1", "es-2"))
    assert [step.id for step in steps] == [
        *("prepare", "passwords", "stop kibana", "undo kibana", "start kibana", "verify")
    ]
    early = rollback_steps(made, (), ("es-1", "es-2"))
    assert [step.id for step in early] == ["prepare", "passwords", "start kibana", "verify"]


def test_a_kibana_with_a_user_of_its_own_is_left_alone(lab: Lab) -> None:
    lab.with_kibana("elasticsearch.username: ours\n", "kibana-2", secure={"elasticsearch.password": "x"})
    made = plan(look(lab, "elastic"), SYSTEM)
    assert "kibana/kibana-2" not in {place.target for place in made.places}


def test_others_who_log_in_with_it_are_named(lab: Lab) -> None:
    lab.with_beat("name: mb\nmonitoring.elasticsearch.username: beats_system\nmonitoring.elasticsearch.password: x\n")
    observed = look(lab, "elastic")
    inventory = replace(observed.inventory, credentials=CredentialFiles("elastic", "elastic.txt"))
    notes = "\n".join(plan(replace(observed, inventory=inventory), "beats_system", "elastic").notes)
    assert "beat/mb logs in as beats_system (monitoring.elasticsearch.username)" in notes
    assert "put the new password into elastic.txt too" in notes


def test_the_review_says_what_happens_and_shows_no_value(lab: Lab) -> None:
    observed = look(lab, "elastic")
    made = plan(observed, SYSTEM)
    text = "\n".join(line.text for file in build_review(made, observed).files for line in file.lines)
    assert "passwords of kibana_system  (secret, changed)" in text
    assert "elasticsearch.password  (secret, changed)" in text
    assert "before" not in text


def test_what_stands_against_it_is_told(lab: Lab) -> None:
    assert "alice is no built-in user" in reasons(look(lab, "elastic"), "alice")
    assert "no node answers" in reasons(lab.look(up=False), "elastic")
    lab.put("es-2", "elasticsearch.yml", node_yml("es-2", 2).encode())
    off = look(lab, "elastic")
    assert "security is off on es-2" in reasons(off, "elastic")


def test_a_folder_whose_node_looks_at_no_users_file_is_no_way_in(tmp_path: Path) -> None:
    """The next node is taken; where there is none, a login has to be given."""
    lab = Lab(tmp_path)
    lab.node("es-1", node_yml("es-1", 1, "xpack.security.authc.realms.file.f1.enabled: false", security=ON))
    lab.node("es-2", node_yml("es-2", 2, security=ON))
    (change,) = plan(look(lab), "elastic").changes
    assert isinstance(change, FirstLogin)
    assert change.target == "es-2"
    deaf = changed_node(look(lab), "es-2", lambda node: replace(node, api=replace(node.api, reachable=False)))
    told = reasons(deaf, "elastic")
    assert "es-1: the file realm is off" in told
    assert "--user NAME" in told


@pytest.mark.parametrize(
    ("version", "lines", "active"),
    [
        (Version(7, 17), (), True),
        (Version(7, 17), ("xpack.security.authc.realms.ldap.l1.order: 0",), False),
        (Version(8, 0), ("xpack.security.authc.realms.ldap.l1.order: 0",), True),
        (Version(7, 17), ("xpack.security.authc.realms.file.f1.order: 0",), True),
        (Version(9, 0), ("xpack.security.authc.realms.file.f1.enabled: false",), False),
    ],
)
def test_the_file_realm_is_active_as_each_version_has_it(
    tmp_path: Path, version: Version, lines: tuple[str, ...], active: bool
) -> None:
    lab = Lab(tmp_path, version=version).node("es-1", node_yml("es-1", 1, *lines, security=ON))
    assert has_file_realm(lab.look().nodes[0]) is active


def test_the_passphrase_is_needed_unless_all_are_kept_elsewhere_and_nothing_is_stored(lab: Lab) -> None:
    made = plan(look(lab, "elastic"), SYSTEM)
    assert needs_passphrase(made)
    assert not needs_passphrase(made, {SYSTEM})
    assert needs_passphrase(made, {SYSTEM}, sealed=True)
