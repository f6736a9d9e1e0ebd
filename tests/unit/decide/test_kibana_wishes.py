"""What Kibana gets on request: a token in place of a password, missing encryption keys, further hosts."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from estui.errors import PlanError
from estui.formats.kibana_keystore import ENCRYPTION_KEYS
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.goal import Goal, KibanaWish, Scenario
from estui.model.inventory import Address
from estui.model.observed import Observed
from estui.model.plan import IssueToken, Plan, RemoveSecureSetting, Restart, SetSecureSetting
from estui.model.run import StepKind
from tests.unit.decide.samples import Lab, answering, node_yml
from tests.unit.decide.test_scenarios import settings

HTTPS = Goal(Scenario.HTTPS)
TOKEN = Goal(Scenario.HTTPS, kibana=KibanaWish(token=True))
KEYS = Goal(Scenario.HTTPS, kibana=KibanaWish(keys=True))
HOSTS = 'elasticsearch.hosts: ["http://127.0.0.1:9201"]\n'
LOGIN = "elasticsearch.username: kibana_system\n"
SYSTEM = {"elasticsearch.password": "x"}
SECURITY, OBJECTS, REPORTS = ENCRYPTION_KEYS
LONG = "k" * 32


def secure(plan: Plan, target: str) -> dict[str, str]:
    """Entries of an instance's keystore that change: what their values are called, `-` where they go."""
    found = {}
    for change in plan.changes:
        if isinstance(change, SetSecureSetting | RemoveSecureSetting) and change.target == target:
            found[change.name] = change.secret if isinstance(change, SetSecureSetting) else "-"
    return found


@pytest.fixture
def https(lab: Lab) -> Lab:
    """A cluster on the rung basic + HTTPS with a Kibana that logs in by password."""
    lab.three().with_kibana(HOSTS + LOGIN, "k-1", secure=SYSTEM, on_host="/k")
    lab.apply(lab.plan(HTTPS))
    return lab


def logged_in(lab: Lab) -> Observed:
    return answering(lab.look(), authenticated_as="elastic")


def refused(lab: Lab, goal: Goal, observed: Observed | None = None) -> str:
    with pytest.raises(PlanError) as caught:
        lab.plan(goal, observed=observed)
    return "\n".join(caught.value.reasons)


# a token


def test_a_token_comes_and_user_and_password_go_in_one_plan(https: Lab) -> None:
    plan = https.plan(TOKEN, observed=logged_in(https))
    assert [(each.node, each.account) for each in plan.changes if isinstance(each, IssueToken)] == [
        ("es-1", "elastic/kibana")
    ]
    assert secure(plan, "kibana/k-1") == {
        "elasticsearch.serviceAccountToken": "token:kibana/k-1",
        "elasticsearch.password": "-",
    }
    assert settings(plan, "kibana/k-1") == {"elasticsearch.username": ...}
    assert plan.restart is Restart.KIBANA
    assert parse_plan(plan_bytes(plan), "plan.json") == plan


def test_its_undo_deletes_it_once_kibana_runs_without_it(https: Lab) -> None:
    from estui.decide.runbook import rollback_steps

    plan = https.plan(TOKEN, observed=logged_in(https))
    kinds = [step.kind for step in rollback_steps(plan, ("kibana/k-1",), ("es-1", "es-2", "es-3"))]
    assert kinds[-3:] == [StepKind.START, StepKind.TOKENS, StepKind.VERIFY]
    other = https.plan(KEYS)
    assert StepKind.TOKENS not in [step.kind for step in rollback_steps(other, ("kibana/k-1",), ("es-1",))]


def test_an_instance_that_has_one_gets_no_other(https: Lab) -> None:
    https.with_kibana(HOSTS, "k-2", secure={"elasticsearch.serviceAccountToken": "AAEAA"}, on_host="/k")
    plan = https.plan(TOKEN, observed=logged_in(https))
    assert [each.target for each in plan.changes if isinstance(each, IssueToken)] == ["kibana/k-1"]
    assert "elasticsearch.serviceAccountToken" not in secure(plan, "kibana/k-2")


def test_without_https_or_a_login_there_is_no_token(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS + LOGIN, "k-1", secure=SYSTEM, on_host="/k")
    assert "es-1, es-2, es-3 speak plain HTTP" in refused(lab, TOKEN)
    lab.apply(lab.plan(HTTPS))
    assert "nobody is let in" in refused(lab, TOKEN)


def test_both_a_token_and_a_user_are_refused_unless_the_token_is_wished(https: Lab) -> None:
    both = {"elasticsearch.serviceAccountToken": "AAEAA", **SYSTEM}
    https.with_kibana(HOSTS + LOGIN, "k-2", secure=both, on_host="/k")
    assert "kibana/k-2: both elasticsearch.serviceAccountToken and elasticsearch.username" in refused(https, HTTPS)
    plan = https.plan(TOKEN, observed=logged_in(https))
    assert settings(plan, "kibana/k-2")["elasticsearch.username"] is ...
    assert secure(plan, "kibana/k-2") == {"elasticsearch.password": "-"}


def test_wishes_go_with_https_and_want_a_kibana(lab: Lab) -> None:
    lab.three()
    assert "there is none" in refused(lab, KEYS)
    lab.with_kibana(HOSTS, "k-1", on_host="/k")
    assert "estui plan https" in refused(lab, Goal(Scenario.BASIC, kibana=KibanaWish(keys=True)))


# encryption keys


def test_missing_keys_are_offered_and_made_on_request_only(https: Lab) -> None:
    https.with_kibana(HOSTS, "k-2", secure=SYSTEM, on_host="/k")
    plan = https.plan(HTTPS)
    assert not set(secure(plan, "kibana/k-2")) & set(ENCRYPTION_KEYS)
    assert any(f"kibana/k-2 has no {SECURITY}, {OBJECTS}, {REPORTS}" in note for note in plan.notes)
    found = https.plan(KEYS)
    for target in ("kibana/k-1", "kibana/k-2"):
        assert {name: secure(found, target)[name] for name in ENCRYPTION_KEYS} == {
            name: f"shared:{name}" for name in ENCRYPTION_KEYS
        }


@pytest.mark.parametrize("where", ["yml", "keystore"])
def test_a_key_that_is_there_is_never_changed_and_the_others_get_the_same(https: Lab, where: str) -> None:
    yml = f"{OBJECTS}: {LONG}\n" if where == "yml" else ""
    entries: Mapping[str, str] = {**SYSTEM, OBJECTS: LONG} if where == "keystore" else SYSTEM
    https.with_kibana(HOSTS + LOGIN + yml, "k-2", secure=entries, on_host="/k")
    plan = https.plan(KEYS)
    assert OBJECTS not in secure(plan, "kibana/k-2")
    change = next(each for each in plan.changes if isinstance(each, SetSecureSetting) and each.name == OBJECTS)
    assert (change.target, change.why) == ("kibana/k-1", "the same as kibana/k-2 has")
    assert LONG.encode() not in plan_bytes(plan)


def test_different_keys_are_refused_naming_who_has_them(https: Lab) -> None:
    https.with_kibana(HOSTS + LOGIN + f"{SECURITY}: {LONG}\n", "k-2", secure=SYSTEM, on_host="/k")
    https.with_kibana(HOSTS + LOGIN, "k-3", secure={**SYSTEM, SECURITY: "x" * 32}, on_host="/k")
    assert f"kibana/k-2, kibana/k-3 have different values of {SECURITY}" in refused(https, KEYS)


def test_a_key_from_the_environment_cannot_be_given_to_others(https: Lab) -> None:
    https.with_kibana(HOSTS + LOGIN + SECURITY + ": ${KEY}\n", "k-2", secure=SYSTEM, on_host="/k")
    assert f"kibana/k-2 takes {SECURITY} from its environment" in refused(https, KEYS)


# hosts


def _hosts(*names: str) -> Goal:
    return Goal(Scenario.HTTPS, kibana=KibanaWish(hosts=names))


def test_further_nodes_are_asked_on_request_only(https: Lab) -> None:
    assert https.plan(HTTPS).is_empty
    plan = https.plan(_hosts("es-1", "es-3"))
    assert settings(plan, "kibana/k-1") == {"elasticsearch.hosts": ("https://127.0.0.1:9201", "https://127.0.0.1:9203")}


@pytest.mark.parametrize(
    "role", ["node.roles: [master]", "node.roles: [master, voting_only]", "node.data: false\nnode.ingest: false"]
)
def test_a_master_only_node_is_never_asked(lab: Lab, role: str) -> None:
    lab.node("es-1").node("es-2", node_yml("es-2", 2, role)).with_kibana(HOSTS, "k-1", on_host="/k")
    assert "es-2 is a master-eligible node without another role" in refused(lab, _hosts("es-2"))
    assert "no node es-9" in refused(lab, _hosts("es-9"))


def test_a_load_balancer_is_left_alone(lab: Lab) -> None:
    lab.three().with_kibana("elasticsearch.hosts: http://lb.example.net:9200\n", "k-1", on_host="/k")
    assert settings(lab.plan(HTTPS), "kibana/k-1")["elasticsearch.hosts"] == "https://lb.example.net:9200"
    assert "a load balancer is left alone" in refused(lab, _hosts("es-2"))


def test_a_loopback_address_is_given_to_nobody_on_another_host(lab: Lab) -> None:
    lab.node("es-1", http=Address("es-1.example.net", 9200)).node("es-2")
    lab.with_kibana('elasticsearch.hosts: ["http://es-1.example.net:9200"]\n', "k-1", on_host="/k")
    assert "es-2 is known here by a loopback address only" in refused(lab, _hosts("es-2"))


@pytest.mark.parametrize(
    "role", ["node.roles: []", "node.roles: [data_hot]", "node.master: false\nnode.data: false\nnode.ingest: false"]
)
def test_a_node_that_coordinates_or_holds_data_may_be_asked(lab: Lab, role: str) -> None:
    lab.node("es-1").node("es-2", node_yml("es-2", 2, role)).with_kibana(HOSTS, "k-1", on_host="/k")
    found = settings(lab.plan(_hosts("es-2")), "kibana/k-1")["elasticsearch.hosts"]
    assert found == ("https://127.0.0.1:9201", "https://127.0.0.1:9202")


def test_no_login_of_a_url_is_told(lab: Lab) -> None:
    lab.three().with_kibana("elasticsearch.hosts: http://me:hunter2@lb.example.net:9200\n", "k-1", on_host="/k")
    told = refused(lab, _hosts("es-2"))
    assert "lb.example.net:9200" in told
    assert "hunter2" not in told
