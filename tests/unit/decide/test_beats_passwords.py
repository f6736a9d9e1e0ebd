"""New passwords of users that Beats log in with reach their keystores, and come back by the same way."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.passwords import consumers, passwords_goal, passwords_plan
from estui.decide.runbook import rollback_steps
from estui.errors import PlanError
from estui.model.goal import Goal, Scenario
from estui.model.observed import KeystoreFacts, Observed
from estui.model.plan import Plan, Restart, SetSecureSetting
from estui.model.run import StepKind
from tests.unit.decide.samples import Lab, answering

WRITER = "metricbeat_writer"
YML = 'output.elasticsearch.hosts: ["127.0.0.1:9201"]\n'
MODULE = """\
- module: elasticsearch
  hosts: ["http://127.0.0.1:9201"]
  username: remote_monitoring_user
  password: ${REMOTE}
"""


@pytest.fixture
def seen(lab: Lab) -> Observed:
    """A secured cluster with a Metricbeat that has its own user, and a module with a built-in one."""
    lab.aliases["mb"] = "metricbeat"
    lab.three().with_beat(YML, "metricbeat", name="mb", on_host="/etc/metricbeat")
    lab.apply(lab.plan(Goal(Scenario.HTTPS)))
    lab.put("metricbeat", "modules.d/elasticsearch-xpack.yml", MODULE.encode())
    observed = answering(lab.look(), secured=True, authenticated_as="elastic")
    (beat,) = observed.beats
    held = KeystoreFacts(present=True, opened=True, names=("ESTUI_PASSWORD", "REMOTE"))
    return replace(observed, beats=(replace(beat, keystore=held),))


def plan(observed: Observed, *users: str) -> Plan:
    return passwords_plan(observed, passwords_goal(observed, users), workspace="w")


def entries(made: Plan) -> list[tuple[str, str, str]]:
    found = [change for change in made.changes if isinstance(change, SetSecureSetting)]
    return [(change.target, change.name, change.secret) for change in found]


def test_a_new_password_of_the_beats_own_user_reaches_its_keystore_before_the_proof(seen: Observed) -> None:
    made = plan(seen, WRITER)
    assert entries(made) == [("beat/mb", "ESTUI_PASSWORD", f"password:{WRITER}")]
    assert [stage.restart for stage in made.stages] == [Restart.NONE, Restart.BEAT]
    assert [step.kind for step in made.steps] == [
        StepKind.PREPARE,
        StepKind.PASSWORDS,
        StepKind.COMMIT,
        StepKind.RESTART,
        StepKind.VERIFY,
    ]
    assert any(note.startswith("beat/mb cannot log in from the moment") for note in made.notes)
    assert not any("by hand" in note for note in made.notes)


def test_a_built_in_user_of_a_module_reaches_it_as_well(seen: Observed) -> None:
    assert entries(plan(seen, "remote_monitoring_user")) == [("beat/mb", "REMOTE", "password:remote_monitoring_user")]
    assert consumers(seen, "remote_monitoring_user") == ("beat/mb",)


def test_the_way_back_writes_the_old_keystore_and_starts_the_beat_anew(seen: Observed) -> None:
    made = plan(seen, WRITER)
    steps = rollback_steps(made, ("beat/mb",), ("es-1", "es-2", "es-3"))
    kinds = [step.kind for step in steps]
    assert kinds == [StepKind.PREPARE, StepKind.PASSWORDS, StepKind.UNDO, StepKind.RESTART, StepKind.VERIFY]


def test_a_password_that_stands_in_a_yml_is_named_as_one_to_be_given_by_hand(seen: Observed) -> None:
    (beat,) = seen.beats
    modules = {
        path: {key: setting for key, setting in settings.items() if not key.endswith("password")}
        for path, settings in beat.modules.items()
    }
    made = plan(replace(seen, beats=(replace(beat, modules=modules),)), "remote_monitoring_user")
    assert entries(made) == []
    assert any("beat/mb logs in as remote_monitoring_user (modules.0.username)" in note for note in made.notes)


def test_an_entry_that_two_users_share_is_refused(seen: Observed) -> None:
    (beat,) = seen.beats
    shared = {**beat.settings}
    shared["output.elasticsearch.password"] = replace(shared["output.elasticsearch.password"], value="${REMOTE}")
    with pytest.raises(PlanError) as caught:
        plan(replace(seen, beats=(replace(beat, settings=shared),)), WRITER)
    assert "REMOTE of its keystore is the password of metricbeat_writer, remote_monitoring_user" in str(
        caught.value.reasons
    )


def test_a_user_whom_nobody_uses_is_refused_with_the_names_that_can_be_changed(seen: Observed) -> None:
    with pytest.raises(PlanError) as caught:
        plan(seen, "somebody")
    assert "metricbeat_writer" in str(caught.value.reasons)
