"""What a Beat gets when its cluster is secured, and when no plan is made for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide import rollover
from estui.decide.beats_paths import leads_to_nodes, on_host
from estui.decide.beats_steps import OUTSIDE
from estui.decide.diff import build_review
from estui.decide.runbook import rollback_steps
from estui.errors import PlanError
from estui.model.goal import Goal, Phase, Rollover, Scenario
from estui.model.inventory import BeatLogin, BeatTrust
from estui.model.observed import Observed
from estui.model.plan import (
    Change,
    GrantLogin,
    IssueKey,
    Manual,
    Plan,
    PublishSet,
    RemoveSetting,
    Restart,
    SetSecureSetting,
    SetSetting,
)
from estui.model.run import StepKind
from estui.model.version import Version
from tests.unit.decide.samples import V8, Lab, answering

HTTPS, BASIC = Scenario.HTTPS, Scenario.BASIC
YML = 'output.elasticsearch:\n  hosts: ["127.0.0.1:9201"]\n'


def _of(plan: Plan, target: str = "beat/mb") -> list[Change]:
    return [change for change in plan.changes if getattr(change, "target", "") == target]


def _values(plan: Plan, target: str = "beat/mb") -> dict[str, object]:
    return {change.key: change.value for change in _of(plan, target) if isinstance(change, SetSetting)}


def _beat(lab: Lab, yml: str = YML, kind: str = "metricbeat", /, **entry: object) -> Lab:
    lab.aliases["mb"] = kind
    return lab.three().with_beat(yml, kind, **{"name": "mb", "on_host": f"/etc/{kind}", **entry})  # type: ignore[arg-type]


def _reasons(lab: Lab, goal: Goal | Scenario = HTTPS) -> str:
    with pytest.raises(PlanError) as caught:
        lab.plan(goal)
    return "\n".join(caught.value.reasons)


def test_a_host_without_a_scheme_gets_the_protocol_and_one_with_it_gets_https(lab: Lab) -> None:
    _beat(lab, "output.elasticsearch.hosts: [127.0.0.1:9201, 'http://127.0.0.1:9202']\n")
    values = _values(lab.plan(HTTPS))
    assert values["output.elasticsearch.hosts"] == ("127.0.0.1:9201", "https://127.0.0.1:9202")
    assert values["output.elasticsearch.protocol"] == "https"


def test_a_plan_after_its_apply_is_empty(lab: Lab) -> None:
    _beat(lab)
    lab.apply(lab.plan(HTTPS))
    assert lab.plan(HTTPS).is_empty
    seen = lab.look().beats[0]
    assert seen.keystore.names == ("ESTUI_PASSWORD",)
    assert not seen.keystore_in_data
    assert seen.trust.managed


def test_basic_gives_a_login_and_leaves_http_alone(lab: Lab) -> None:
    """Once users exist an anonymous Beat is refused, on plain HTTP as well."""
    plan = _beat(lab).plan(BASIC)
    assert set(_values(plan)) == {
        "keystore.path",
        "output.elasticsearch.username",
        "output.elasticsearch.password",
    }
    assert not [change for change in _of(plan) if isinstance(change, PublishSet)]
    lab.apply(plan)
    more = lab.plan(HTTPS)
    assert not [change for change in _of(more) if isinstance(change, GrantLogin)]
    assert [stage.restart for stage in more.stages] == [Restart.ROLLING, Restart.BEAT]


def test_a_beat_that_came_later_gets_its_user_through_a_temporary_superuser(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(HTTPS))
    lab.with_beat(YML, "filebeat", name="fb", on_host="/etc/filebeat")
    plan = lab.plan(HTTPS)
    assert [step.id for step in plan.steps] == [
        "prepare",
        "first-login",
        "grant",
        "remove-login",
        "commit beats",
        "restart beat/fb",
        "verify",
    ]
    assert "read_pipeline" in next(each for each in plan.changes if isinstance(each, GrantLogin)).cluster


def test_a_login_that_works_stays(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(HTTPS))
    lab.with_beat(f"{YML}  api_key: ${{KEY}}\n", name="mb", on_host="/etc/metricbeat")
    plan = lab.plan(HTTPS)
    assert not [change for change in plan.changes if isinstance(change, GrantLogin | SetSecureSetting)]
    assert "output.elasticsearch.ssl.certificate_authorities" in _values(plan)


def test_an_api_key_of_an_open_cluster_goes(lab: Lab) -> None:
    plan = _beat(lab, f"{YML}  api_key: 'a:b'\n").plan(HTTPS)
    assert [change.key for change in _of(plan) if isinstance(change, RemoveSetting)] == ["output.elasticsearch.api_key"]


def test_entries_of_the_keystore_in_the_data_folder_are_taken_along(lab: Lab) -> None:
    plan = _beat(lab, f"{YML}  headers.X: ${{TEAM}}\n", secure={"TEAM": "blue", "ESTUI_PASSWORD": "old"}).plan(HTTPS)
    secrets = {change.name: change.secret for change in _of(plan) if isinstance(change, SetSecureSetting)}
    assert secrets == {"TEAM": "carried:TEAM", "ESTUI_PASSWORD": "password:metricbeat_writer"}
    assert _values(plan)["keystore.path"] == "/etc/metricbeat/metricbeat.keystore"


def test_the_role_has_what_the_beats_of_a_kind_need_and_no_more(lab: Lab) -> None:
    _beat(lab)
    plain = next(each for each in lab.plan(HTTPS).changes if isinstance(each, GrantLogin))
    assert plain.roles == ()
    assert [each.names for each in plain.indices] == [("metricbeat-*",)]
    lab.with_beat("", "other")
    lab.beats.pop()
    lab.put("other", "metricbeat.yml", f"{YML}  index: 'own-%{{+yyyy}}'\nmonitoring.enabled: true\n".encode())
    lab.beats.append(replace(lab.beats[0], config=str(lab.folder("other")), name="second"))
    grants = [each for each in lab.plan(HTTPS).changes if isinstance(each, GrantLogin)]
    assert len(grants) == 2
    assert {each.indices for each in grants} == {grants[0].indices}
    assert [each.names for each in grants[0].indices] == [("metricbeat-*", "own-*"), (".monitoring-beats-*",)]


def test_modules_that_ask_this_cluster_follow_and_others_stay(lab: Lab) -> None:
    module = (
        '- module: elasticsearch\n  hosts: ["http://localhost:9202"]\n'
        '- module: elasticsearch\n  hosts: ["http://elsewhere:9200"]\n'
        "- module: system\n  period: 10s\n"
    )
    plan = _beat(lab, modules={"stack.yml": module, "off.yml.disabled": module}).plan(HTTPS)
    edits = [each for each in _of(plan) if isinstance(each, SetSetting) and each.path == "modules.d/stack.yml"]
    assert {each.key for each in edits} == {
        "modules.0.hosts",
        "modules.0.username",
        "modules.0.password",
        "modules.0.ssl.certificate_authorities",
    }
    assert not [each for each in _of(plan) if getattr(each, "path", "").endswith(".disabled")]
    grant = next(each for each in plan.changes if isinstance(each, GrantLogin))
    assert "remote_monitoring_collector" in grant.roles
    lab.apply(plan)
    assert lab.plan(HTTPS).is_empty
    text = (lab.folder("metricbeat") / "modules.d" / "stack.yml").read_text()
    assert 'hosts: ["http://elsewhere:9200"]' in text


def test_monitoring_with_hosts_of_its_own_follows_where_they_are_ours(lab: Lab) -> None:
    own = "monitoring:\n  enabled: true\n  elasticsearch.hosts: ['http://127.0.0.1:9203']\n"
    values = _values(_beat(lab, YML + own).plan(HTTPS))
    assert values["monitoring.elasticsearch.hosts"] == ("https://127.0.0.1:9203",)
    assert values["monitoring.elasticsearch.username"] == "metricbeat_writer"
    assert "monitoring.elasticsearch.ssl.certificate_authorities" in values


def test_monitoring_elsewhere_stays(lab: Lab) -> None:
    own = "monitoring:\n  enabled: true\n  elasticsearch.hosts: ['http://monitor:9200']\n"
    assert not [key for key in _values(_beat(lab, YML + own).plan(HTTPS)) if key.startswith("monitoring")]


def test_switched_off_checks_and_tls_are_put_right(lab: Lab) -> None:
    yml = f"{YML}  ssl:\n    enabled: false\n    verification_mode: none\n    ca_trusted_fingerprint: aa\n"
    plan = _beat(lab, yml).plan(HTTPS)
    values = _values(plan)
    assert values["output.elasticsearch.ssl.enabled"] is True
    assert values["output.elasticsearch.ssl.verification_mode"] == "full"
    assert "output.elasticsearch.ssl.ca_trusted_fingerprint" in {
        change.key for change in _of(plan) if isinstance(change, RemoveSetting)
    }


def test_files_of_a_beat_are_for_its_owner_only(lab: Lab) -> None:
    place = _beat(lab).plan(HTTPS).place("beat/mb")
    assert (place.file_mode, place.keystore_mode) == (0o600, 0o600)


# fingerprints


def _pinning(lab: Lab, version: Version | None = V8) -> Lab:
    lab.aliases["mb"] = "metricbeat"
    lab.three()
    lab.apply(lab.plan(HTTPS))
    return lab.with_beat(YML, name="mb", on_host="/etc/metricbeat", version=version, trust=BeatTrust.FINGERPRINT)


def test_a_pin_is_the_hex_digest_of_the_ca_without_colons_and_no_file_is_written(lab: Lab) -> None:
    plan = _pinning(lab).plan(HTTPS)
    pin = _values(plan)["output.elasticsearch.ssl.ca_trusted_fingerprint"]
    assert pin == next(each for each in lab.facts() if each.name == "http").certificate.sha256
    assert len(str(pin)) == 64
    assert not [change for change in _of(plan) if isinstance(change, PublishSet)]
    lab.apply(plan)
    assert lab.plan(HTTPS).is_empty


@pytest.mark.parametrize(
    ("version", "words"), [(None, "write `version:`"), (Version(7, 17, 29), "ignore ca_trusted_fingerprint")]
)
def test_a_pin_is_refused_for_a_version_that_would_ignore_it(lab: Lab, version: Version | None, words: str) -> None:
    assert words in _reasons(_pinning(lab, version))


def test_a_pin_is_refused_before_the_ca_is_there(lab: Lab) -> None:
    _beat(lab, version=Version(9, 1, 0), trust=BeatTrust.FINGERPRINT)
    assert "there is no HTTP CA yet" in _reasons(lab)


def test_a_pin_is_refused_where_nodes_send_their_leaf_alone(lab: Lab) -> None:
    _pinning(lab)
    path = lab.folder("es-2") / "estui" / "http" / "current" / "node.crt"
    end = "-----END CERTIFICATE-----\n"
    path.write_text(path.read_text().split(end)[0] + end)
    assert "es-2 send their leaf without a CA" in _reasons(lab)


def test_a_pin_is_refused_beside_strict(lab: Lab) -> None:
    _pinning(lab)
    lab.put("metricbeat", "metricbeat.yml", f"{YML}  ssl.verification_mode: strict\n".encode())
    assert "strict" in _reasons(lab)


# refusals


def test_two_beats_of_one_name_are_told_apart_first(lab: Lab) -> None:
    _beat(lab).with_beat(YML, "filebeat", name="mb", on_host="/etc/filebeat")
    assert "several Beats are called beat/mb" in _reasons(lab)


def test_hosts_from_the_environment_or_with_a_login_are_refused(lab: Lab) -> None:
    _beat(lab, "output.elasticsearch.hosts: ['${ES}', 'http://u:p@127.0.0.1:9201']\n", data="/nowhere")
    reasons = _reasons(lab)
    assert "taken from the environment" in reasons
    assert "holds a login" in reasons


def test_a_keystore_that_cannot_be_read_is_refused(lab: Lab) -> None:
    _beat(lab, f"{YML}keystore.path: /etc/metricbeat/metricbeat.keystore\n")
    lab.put("metricbeat", "metricbeat.keystore", b"v1AAAA")
    assert "its keystore cannot be read" in _reasons(lab)


def test_a_keystore_somewhere_else_is_refused(lab: Lab) -> None:
    _beat(lab, f"{YML}keystore.path: /var/secret/mb.keystore\n")
    assert "/var/secret/mb.keystore, which estui does not see" in _reasons(lab)


def test_a_keystore_of_a_fips_build_is_read(lab: Lab) -> None:
    _beat(lab, secure={"A": "b"})
    path = lab.folder("metricbeat").parent / "data" / "metricbeat.keystore"
    path.write_bytes(b"v2" + path.read_bytes()[2:])
    assert lab.look().beats[0].keystore.names == ("A",)


def test_a_broken_module_is_named(lab: Lab) -> None:
    _beat(lab, modules={"x.yml": "- module: [\n"})
    assert "beat/mb: not valid YAML" in _reasons(lab)


# notes


def test_secrets_that_do_not_arrive_and_leftovers_are_told(lab: Lab) -> None:
    _beat(lab, secure={"PIN": "0123"})
    lab.put("metricbeat", "metricbeat.keystore.tmp", b"")
    notes = "\n".join(lab.plan(HTTPS).notes)
    assert "PIN of its keystore does not arrive as it is: Beats read it as a number" in notes
    assert "metricbeat.keystore.tmp is left over" in notes
    assert "0123" not in notes


def test_beats_that_are_left_out_are_named(lab: Lab) -> None:
    lab.three()
    lab.with_beat("output.logstash.hosts: [a]\n", name="mb")
    assert any("beat/mb is left as it is: it does not send" in note for note in lab.plan(HTTPS).notes)


def test_paths_on_windows_are_spelled_as_there() -> None:
    assert on_host(r"C:\ProgramData\winlogbeat", "estui/ca.crt") == r"C:\ProgramData\winlogbeat\estui\ca.crt"
    assert on_host("/etc/metricbeat", "a/b") == "/etc/metricbeat/a/b"


def test_hosts_are_known_by_address_name_or_as_loopback_of_their_own_host(lab: Lab) -> None:
    lab.three()
    seen = lab.look()
    for url, ours in (
        ("http://es-1:9201", True),
        ("es-1:9202", False),
        ("localhost:9203", True),
        ("localhost:9299", False),
        ("https://[::1]:x", False),
        ("elsewhere", False),
    ):
        assert leads_to_nodes(url, seen) is ours, url


# a new CA


def test_a_set_of_estuis_is_carried_through_a_new_ca_and_a_file_of_somebody_else_is_named(lab: Lab) -> None:
    _beat(lab)
    lab.apply(lab.plan(HTTPS))
    goal = Goal(HTTPS, rollover=Rollover("r-1", Phase.TRUST, (("http", "http-2"),)))
    *_, last = rollover.stages(lab.look(), goal, lab.now)
    assert last.restart is Restart.BEAT
    assert [(type(change), change.trust) for change in last.changes if isinstance(change, PublishSet)] == [
        (PublishSet, ("http", "http-2"))
    ]
    yml = lab.folder("metricbeat") / "metricbeat.yml"
    lab.put("metricbeat", "own.crt", (lab.folder("metricbeat") / "estui/elasticsearch/current/ca.crt").read_bytes())
    yml.write_text(yml.read_text().replace("estui/elasticsearch/current/ca.crt", "own.crt"))
    stages = rollover.stages(lab.look(), goal, lab.now)
    found = [change for stage in stages for change in stage.changes if getattr(change, "target", "") == "beat/mb"]
    assert [type(change) for change in found] == [Manual]


# an API key in the place of user and password


def _logged_in(observed: Observed) -> Observed:
    return answering(observed, authenticated_as="elastic")


def test_an_api_key_takes_the_place_of_user_and_password_once_nodes_speak_https(lab: Lab) -> None:
    _beat(lab, login=BeatLogin.API_KEY)
    first = lab.plan(HTTPS)
    assert not [change for change in _of(first) if isinstance(change, IssueKey)]
    assert any("gets its API key with the next plan" in note for note in first.notes)
    lab.apply(first)
    second = lab.plan(HTTPS, observed=_logged_in(lab.look()))
    (issue,) = [change for change in _of(second) if isinstance(change, IssueKey)]
    assert issue.name == "estui-mb"
    assert issue.indices[0].privileges == ("auto_configure", "create_doc", "view_index_metadata")
    assert _values(second) == {"output.elasticsearch.api_key": "${ESTUI_API_KEY}"}
    gone = {change.key for change in _of(second) if isinstance(change, RemoveSetting)}
    assert gone == {"output.elasticsearch.username", "output.elasticsearch.password"}
    (entry,) = [change for change in _of(second) if isinstance(change, SetSecureSetting)]
    assert (entry.name, entry.secret) == ("ESTUI_API_KEY", "api-key:beat/mb")
    assert not [change for change in second.changes if isinstance(change, GrantLogin)]
    assert [stage.restart for stage in second.stages] == [Restart.BEAT]
    assert "secret-of" not in str(build_review(second, lab.look()))
    lab.apply(second)
    assert lab.plan(HTTPS, observed=_logged_in(lab.look())).is_empty


def test_a_beat_that_comes_later_gets_its_key_alone_and_no_user(lab: Lab) -> None:
    lab.three().apply(lab.plan(HTTPS))
    lab.aliases["mb"] = "metricbeat"
    lab.with_beat(YML, "metricbeat", name="mb", on_host="/etc/metricbeat", login=BeatLogin.API_KEY)
    plan = lab.plan(HTTPS, observed=_logged_in(lab.look()))
    assert [type(change) for change in _of(plan) if isinstance(change, IssueKey | GrantLogin)] == [IssueKey]


def test_a_key_is_refused_where_nobody_is_logged_in_who_could_make_it(lab: Lab) -> None:
    _beat(lab, login=BeatLogin.API_KEY)
    lab.apply(lab.plan(HTTPS))
    with pytest.raises(PlanError) as caught:
        lab.plan(HTTPS, observed=answering(lab.look(), authenticated_as=""))
    assert "its API key is made by somebody who may manage security" in "\n".join(caught.value.reasons)


def test_undoing_a_key_takes_it_back_at_the_api(lab: Lab) -> None:
    _beat(lab, login=BeatLogin.API_KEY)
    lab.apply(lab.plan(HTTPS))
    plan = lab.plan(HTTPS, observed=_logged_in(lab.look()))
    steps = rollback_steps(plan, ("beat/mb",), ("es-1", "es-2", "es-3"))
    kinds = [step.kind for step in steps]
    assert kinds.index(StepKind.TOKENS) > kinds.index(StepKind.UNDO)


def test_undoing_a_beat_that_came_later_takes_its_user_back_but_not_where_security_goes_off(lab: Lab) -> None:
    order = ("es-1", "es-2", "es-3")
    first = lab.three().plan(HTTPS)
    lab.apply(first)
    lab.aliases["mb"] = "metricbeat"
    lab.with_beat(YML, "metricbeat", name="mb", on_host="/etc/metricbeat")
    later = lab.plan(HTTPS)
    (step,) = [each for each in rollback_steps(later, ("beat/mb",), order) if each.kind is StepKind.TOKENS]
    assert step.targets == ("es-1",)
    back = rollback_steps(later, ("beat/mb",), order)
    assert [each.gate for each in back if each.kind is StepKind.RESTART] == [OUTSIDE]
    assert "beat/mb" not in back[-1].targets
    assert StepKind.TOKENS not in [each.kind for each in rollback_steps(first, order, order)]
