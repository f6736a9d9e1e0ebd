"""Kibana goes on working when its cluster is secured: login, scheme, trust, and HTTPS of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.kibana import folder_on_host, has_login, https_url
from estui.errors import PlanError
from estui.formats.pem import certificate_pem
from estui.formats.wire import plan_bytes
from estui.model.goal import Goal, Scenario
from estui.model.plan import FirstLogin, PublishSet, RemoveSecureSetting, Restart, SetSecureSetting
from estui.model.run import StepKind
from tests.unit.decide.samples import Lab, node_yml
from tests.unit.decide.test_scenarios import refused, settings

BASIC, HTTPS = Goal(Scenario.BASIC), Goal(Scenario.HTTPS)
TARGET = "kibana/kibana-1"
HOSTS = 'elasticsearch.hosts: ["http://127.0.0.1:9201"]\n'
LOGIN = "elasticsearch.username: kibana_system\n"
SYSTEM = {"elasticsearch.password": "x"}
ON = "xpack.security.enabled: true"


def secured(lab: Lab) -> Lab:
    """A cluster on the rung basic, made by estui, without any Kibana."""
    lab.three()
    lab.apply(lab.plan(BASIC))
    return lab


def secure_changes(lab: Lab, goal: Goal, target: str = TARGET) -> list[str]:
    return [
        f"{'-' if isinstance(change, RemoveSecureSetting) else '+'}{change.name}"
        for change in lab.plan(goal).changes
        if isinstance(change, SetSecureSetting | RemoveSecureSetting) and change.target == target
    ]


@pytest.mark.parametrize("user", ["", "elasticsearch.username: elastic\n", "elasticsearch.username: kibana\n", LOGIN])
def test_a_fresh_cluster_gives_kibana_its_own_user_and_password(lab: Lab, user: str) -> None:
    lab.three().with_kibana(HOSTS + user, on_host="/etc/kibana")
    changed = settings(lab.plan(BASIC), TARGET)
    assert changed == ({} if user == LOGIN else {"elasticsearch.username": "kibana_system"})
    assert secure_changes(lab, BASIC) == ["+elasticsearch.password"]


def test_a_password_in_the_yml_moves_to_the_keystore_and_is_in_no_plan(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS + "elasticsearch.password: hunter2\n", on_host="/etc/kibana")
    plan = lab.plan(BASIC)
    assert settings(plan, TARGET)["elasticsearch.password"] is ...
    assert b"hunter2" not in plan_bytes(plan)


def test_a_user_in_the_keystore_would_win_and_goes(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS, secure={"elasticsearch.username": "elastic"}, on_host="/etc/kibana")
    assert secure_changes(lab, BASIC) == ["-elasticsearch.username", "+elasticsearch.password"]


@pytest.mark.parametrize("where", ["yml", "keystore"])
def test_a_service_account_token_stays(lab: Lab, where: str) -> None:
    key = "elasticsearch.serviceAccountToken"
    yml = f"{key}: AAEAAWVsYXN0aWM\n" if where == "yml" else ""
    lab.three().with_kibana(HOSTS + yml, secure={key: "x"} if where == "keystore" else None, on_host="/etc/kibana")
    assert settings(lab.plan(BASIC), TARGET) == {}
    assert secure_changes(lab, BASIC) == []


def test_a_login_of_the_operators_own_stays_in_a_secured_cluster(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS + "elasticsearch.username: our_kibana\n", secure=SYSTEM, on_host="/etc/kibana")
    assert lab.plan(BASIC).is_empty
    assert has_login(lab.look().kibana[0], fresh=False)
    assert not has_login(lab.look().kibana[0], fresh=True)


def test_the_superuser_is_replaced_in_a_secured_cluster_without_touching_its_nodes(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS + "elasticsearch.username: elastic\n", secure=SYSTEM, on_host="/etc/kibana")
    plan = lab.plan(BASIC)
    assert [change.users for change in plan.changes if isinstance(change, FirstLogin)] == [("kibana_system",)]
    assert plan.restart is Restart.KIBANA
    assert [step.kind for step in plan.steps] == [
        StepKind.PREPARE,
        StepKind.FIRST_LOGIN,
        StepKind.PASSWORDS,
        StepKind.REMOVE_LOGIN,
        StepKind.STOP,
        StepKind.COMMIT,
        StepKind.START,
        StepKind.VERIFY,
    ]


def test_a_new_password_of_kibana_system_reaches_every_instance_that_uses_it(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS + LOGIN, "k-1", secure=SYSTEM, on_host="/k")
    lab.with_kibana(HOSTS, "k-2", on_host="/k")
    assert secure_changes(lab, BASIC, "kibana/k-1") == ["+elasticsearch.password"]
    assert secure_changes(lab, BASIC, "kibana/k-2") == ["+elasticsearch.password"]


def test_an_instance_left_out_by_only_is_named_where_its_password_changes(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS + LOGIN, "k-1", secure=SYSTEM, on_host="/k")
    lab.with_kibana(HOSTS, "k-2", on_host="/k")
    plan = lab.plan(Goal(Scenario.BASIC, only=("kibana/k-2",)))
    assert {place.target for place in plan.places} == {"es-1", "kibana/k-2"}
    assert any("which kibana/k-1 does not get" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("yml", "hosts"),
    [
        ("", ("https://localhost:9200",)),
        ("elasticsearch.hosts: http://a:9200\n", "https://a:9200"),
        ('elasticsearch.hosts: ["http://a:9200/path", "https://b"]\n', ("https://a:9200/path", "https://b")),
        ("elasticsearch:\n  hosts:\n    - http://a:9200\n", ("https://a:9200",)),
    ],
)
def test_hosts_turn_to_https_in_the_form_they_have(lab: Lab, yml: str, hosts: object) -> None:
    lab.three().with_kibana(yml, on_host="/etc/kibana")
    assert settings(lab.plan(HTTPS), TARGET)["elasticsearch.hosts"] == hosts


def test_https_gives_kibana_trust_and_a_certificate_under_absolute_names(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS + "server.name: shown\nserver.publicBaseUrl: http://k.example.net/\n", on_host="/k/")
    changed = settings(lab.plan(HTTPS), TARGET)
    assert changed["elasticsearch.ssl.certificateAuthorities"] == ("/k/estui/elasticsearch/current/ca.crt",)
    assert changed["server.ssl.certificate"] == "/k/estui/server/current/server.crt"
    assert changed["server.ssl.key"] == "/k/estui/server/current/server.key"
    assert changed["server.publicBaseUrl"] == "https://k.example.net/"
    request = next(
        change.request
        for change in lab.plan(HTTPS).changes
        if isinstance(change, PublishSet) and change.set_name == "server"
    )
    assert request is not None
    assert {"kibana-1", "shown", "k.example.net", "localhost"} <= set(request.dns_names)


def test_names_that_are_only_a_folders_are_in_no_certificate(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS, name=None, on_host="/etc/kibana")
    changes = lab.plan(HTTPS).changes
    request = next(c.request for c in changes if isinstance(c, PublishSet) and c.set_name == "server")
    assert request is not None
    assert request.dns_names == ("localhost",)


def test_tls_towards_browsers_that_somebody_configured_stays(lab: Lab) -> None:
    yml = HOSTS + "server.ssl: {enabled: true, certificate: /etc/kibana/k.crt, key: /etc/kibana/k.key}\n"
    lab.three().with_kibana(yml, on_host="/etc/kibana")
    assert not any(key.startswith("server.ssl") for key in settings(lab.plan(HTTPS), TARGET))


def test_a_keystore_for_browsers_makes_room_for_the_certificate(lab: Lab) -> None:
    yml = HOSTS + "server.ssl.keystore.path: /etc/kibana/k.p12\nserver.ssl.keystore.password: hunter2\n"
    plan = lab.three().with_kibana(yml, on_host="/etc/kibana").plan(HTTPS)
    assert settings(plan, TARGET)["server.ssl.keystore.path"] is ...
    assert "hunter2" not in repr(plan)


def test_an_own_ca_file_that_holds_the_http_ca_stays_in_use(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(HTTPS))
    lab.with_kibana(
        'elasticsearch.hosts: ["https://127.0.0.1:9201"]\n'
        "elasticsearch.ssl.certificateAuthorities: /etc/kibana/my.crt\n" + LOGIN,
        secure=SYSTEM,
        on_host="/etc/kibana",
    )
    lab.put("kibana-1", "my.crt", certificate_pem(lab.authorities["http"][1]))
    plan = lab.plan(HTTPS)
    assert "elasticsearch.ssl.certificateAuthorities" not in settings(plan, TARGET)
    assert [change.set_name for change in plan.changes if isinstance(change, PublishSet)] == ["server"]


def test_a_switched_off_check_is_switched_on(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS + "elasticsearch.ssl.verificationMode: none\n", on_host="/etc/kibana")
    assert settings(lab.plan(HTTPS), TARGET)["elasticsearch.ssl.verificationMode"] == "full"


def test_the_switch_of_old_releases_that_hides_the_login_goes(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS + "xpack.security.enabled: false\n", on_host="/etc/kibana")
    assert settings(lab.plan(BASIC), TARGET)["xpack.security.enabled"] is ...


@pytest.mark.parametrize(
    ("yml", "files", "expected"),
    [
        ("", (), None),
        ("server.ssl.certificate: /opt/kibana/config/k.crt\n", ("k.crt",), "/opt/kibana/config"),
        ("server.ssl.key: /opt/kibana/config/certs/k.key\n", ("certs/k.key",), "/opt/kibana/config"),
        ("elasticsearch.ssl.certificateAuthorities: [/etc/kibana/ca.pem]\n", ("ca.pem",), "/etc/kibana"),
        ("server.ssl.certificate: relative.crt\n", ("relative.crt",), None),
    ],
)
def test_the_folder_on_its_host_is_told_by_paths_in_the_yml(
    lab: Lab, yml: str, files: tuple[str, ...], expected: str | None
) -> None:
    lab.with_kibana(yml)
    for file in files:
        lab.put("kibana-1", file, b"x")
    assert folder_on_host(lab.look().kibana[0]) == expected


def test_a_guessed_folder_is_said_in_the_review(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS + "server.ssl.certificate: /opt/k/k.crt\n")
    lab.put("kibana-1", "k.crt", b"x")
    assert f"{TARGET}: its folder on its own host is taken to be /opt/k" in lab.plan(HTTPS).notes


def test_a_folder_that_cannot_be_told_matters_for_https_only(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS)
    assert "write `on_host:`" in refused(lab, HTTPS)
    assert lab.plan(BASIC).changes


@pytest.mark.parametrize(
    ("hosts", "reason"),
    [("${ES_HOSTS}", "taken from the environment"), ("http://someone:hunter2@es-1:9200", "holds a login")],
)
def test_hosts_that_cannot_be_edited_are_refused(lab: Lab, hosts: str, reason: str) -> None:
    lab.three().with_kibana(f'elasticsearch.hosts: "{hosts}"\n', on_host="/etc/kibana")
    told = refused(lab, HTTPS)
    assert reason in told
    assert "hunter2" not in told


def test_a_host_without_a_port_moves_and_that_is_said(lab: Lab) -> None:
    lab.three().with_kibana("elasticsearch.hosts: http://logs.example.net\n", on_host="/etc/kibana")
    assert any("moves from port 80 to 443" in note for note in lab.plan(HTTPS).notes)


def test_a_locked_keystore_is_refused_only_where_it_is_needed(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS, on_host="/etc/kibana")
    lab.put("kibana-1", "kibana.keystore", b"1:bm90IGEga2V5c3RvcmU=")
    assert "kibana.keystore cannot be read" in refused(lab, BASIC)
    lab.put("kibana-1", "kibana.yml", (HOSTS + "elasticsearch.serviceAccountToken: x\n").encode())
    assert lab.plan(BASIC).is_empty


def test_kibana_does_not_turn_to_https_before_its_nodes(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS + LOGIN, secure=SYSTEM, on_host="/etc/kibana")
    assert "add them to --only" in refused(lab, Goal(Scenario.HTTPS, only=(TARGET,)))


def test_kibana_is_left_alone_where_https_of_the_nodes_is_not_ours(lab: Lab) -> None:
    tls = "{enabled: true, key: a.key, certificate: a.crt}"
    lines = [ON, f"xpack.security.transport.ssl: {tls}", f"xpack.security.http.ssl: {tls}"]
    lab.node("es-1", node_yml("es-1", 1, *lines, security="")).with_kibana(HOSTS + LOGIN, secure=SYSTEM)
    assert lab.plan(HTTPS).is_empty


def test_only_the_changed_kibana_is_stopped(lab: Lab) -> None:
    secured(lab).with_kibana(HOSTS + LOGIN, "k-1", secure=SYSTEM, on_host="/k")
    lab.with_kibana(HOSTS + "elasticsearch.username: ours\n", "k-2", secure=SYSTEM, on_host="/k")
    lab.put("k-1", "kibana.yml", (HOSTS + "elasticsearch.username: elastic\n").encode())
    steps = [step for step in lab.plan(BASIC).steps if step.kind in (StepKind.STOP, StepKind.COMMIT, StepKind.START)]
    assert {step.targets for step in steps} == {("kibana/k-1",)}


def test_two_without_names_are_refused(lab: Lab) -> None:
    lab.three().with_kibana("", "k-1", name=None).with_kibana("", "k-2", name=None)
    with pytest.raises(PlanError):
        lab.plan(BASIC)


def test_urls_change_only_their_scheme() -> None:
    assert https_url("http://[::1]:9200/a?b") == "https://[::1]:9200/a?b"
    assert https_url("es-1:9200") == "https://es-1:9200"


def test_a_new_leaf_for_browsers_says_that_it_replaces_one(lab: Lab) -> None:
    lab.three().with_kibana(HOSTS, on_host="/etc/kibana")
    lab.apply(lab.plan(HTTPS))
    lab.kibana[0] = replace(lab.kibana[0], names=("more.example.net",))
    changes = lab.plan(HTTPS).changes
    assert [(c.set_name, c.replaces) for c in changes if isinstance(c, PublishSet)] == [("server", True)]
