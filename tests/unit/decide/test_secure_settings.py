"""Secure settings side by side, and the plan of a change."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.decide.diff import build_review
from estui.decide.runbook import rollback_steps
from estui.decide.secure_settings import is_reloadable, secure_goal, secure_plan, secure_table
from estui.errors import PlanError
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.goal import KeystoreEdit, SecureEdit
from estui.model.observed import Observed
from estui.model.plan import Plan, RemoveSecureSetting, Restart, SetKeystorePassword, SetSecureSetting
from estui.model.run import StepKind
from estui.model.secure import Agreement
from estui.model.version import Version
from tests.unit.decide.samples import Lab, answering, changed_node, node_yml

S3 = "s3.client.default.secret_key"
WATCHER = "xpack.watcher.encryption_key"


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    lab = Lab(tmp_path)
    lab.node("es-1", secure={S3: b"one", "bootstrap.password": b"a"})
    lab.node("es-2", secure={S3: b"two", WATCHER: b"same"})
    return lab.node("es-3", secure={S3: b"one", WATCHER: b"same"})


def plan(observed: Observed, edit: KeystoreEdit, *names: str, only: tuple[str, ...] = ()) -> Plan:
    return secure_plan(observed, secure_goal(observed, SecureEdit(edit, names), only), workspace="w")


def reasons(observed: Observed, edit: KeystoreEdit, *names: str) -> str:
    with pytest.raises(PlanError) as refused:
        plan(observed, edit, *names)
    return "\n".join(refused.value.reasons)


def test_names_stand_side_by_side_with_whether_they_agree(lab: Lab) -> None:
    table = secure_table(lab.look())
    found = {entry.name: entry for entry in table.entries}
    assert {name: entry.agreement for name, entry in found.items()} == {
        S3: Agreement.DIFFERENT,
        WATCHER: Agreement.MISSING,
        "bootstrap.password": Agreement.OWN,
    }
    one, two, three = found[S3].fingerprints
    assert one == three != two
    assert all(len(each) == 8 for each in (one, two, three))
    assert found[WATCHER].fingerprints[0] == ""
    assert not table.agrees


def test_a_file_that_stays_locked_is_told_and_compares_with_nothing(lab: Lab) -> None:
    lab.node("es-4", secure={S3: b"one"}, keystore_password="hidden")
    table = secure_table(lab.look())
    assert table.files[3].error
    assert {entry.fingerprints[3] for entry in table.entries} == {""}


@pytest.mark.parametrize(
    ("name", "version", "reloaded"),
    [
        (S3, Version(7, 17), True),
        ("xpack.notification.slack.account.a.secure_url", None, True),
        ("cluster.remote.a.credentials", Version(9, 1), True),
        ("cluster.remote.a.credentials", Version(8, 10), False),
        ("xpack.security.http.ssl.keystore.secure_password", Version(9, 1), False),
        (WATCHER, Version(9, 1), False),
    ],
)
def test_what_running_nodes_read_again(name: str, version: Version | None, reloaded: bool) -> None:
    assert is_reloadable(name, version) is reloaded


def test_what_is_read_again_needs_no_restart_and_the_run_book_says_so(lab: Lab) -> None:
    observed = lab.look()
    made = plan(observed, KeystoreEdit.SET, S3)
    assert made.restart is Restart.NONE
    assert [step.kind for step in made.steps] == [
        *(StepKind.PREPARE, StepKind.COMMIT, StepKind.RELOAD, StepKind.VERIFY)
    ]
    assert made.steps[2].targets == ("es-1", "es-2", "es-3")
    assert [change.secret for change in made.changes if isinstance(change, SetSecureSetting)] == [f"value:{S3}"] * 3
    assert [step.kind for step in rollback_steps(made, ("es-1", "es-2", "es-3"), ("es-1", "es-2", "es-3"))] == [
        *(StepKind.PREPARE, StepKind.UNDO, StepKind.UNDO, StepKind.UNDO, StepKind.RELOAD, StepKind.VERIFY)
    ]
    assert parse_plan(plan_bytes(made), "plan.json") == made
    (file,) = build_review(made, observed).files
    assert file.lines[0].text == f"{S3}  (secret, changed)"
    assert file.same == ("es-2", "es-3")


def test_what_is_read_at_the_start_rolls_over_the_nodes_that_change(lab: Lab) -> None:
    made = plan(lab.look(), KeystoreEdit.REMOVE, WATCHER)
    assert made.restart is Restart.ROLLING
    removed = [change for change in made.changes if isinstance(change, RemoveSecureSetting)]
    assert [change.target for change in removed] == ["es-2", "es-3"]
    assert len(removed) == len(made.changes)
    restarts = [step for step in made.steps if step.kind is StepKind.RESTART]
    assert [step.targets for step in restarts] == [("es-2",), ("es-3",)]
    assert {step.gate for step in restarts} == {"its process was started anew"}


def test_a_node_that_is_down_takes_it_up_at_its_start(lab: Lab) -> None:
    down = changed_node(lab.look(), "es-2", lambda node: replace(node, api=replace(node.api, reachable=False)))
    made = plan(down, KeystoreEdit.SET, S3, only=("es-2",))
    assert made.restart is Restart.ROLLING
    assert "es-2 does not answer" in made.stages[0].why


def test_some_nodes_only_is_said_to_leave_the_others(lab: Lab) -> None:
    made = plan(lab.look(), KeystoreEdit.SET, S3, only=("es-2",))
    assert {place.target for place in made.places} == {"es-2"}
    assert any("stays as it is on es-1, es-3" in note for note in made.notes)


def test_the_password_of_the_file_is_a_change_of_its_own(lab: Lab) -> None:
    made = plan(lab.look(), KeystoreEdit.PROTECT)
    assert {type(change) for change in made.changes} == {SetKeystorePassword}
    assert made.restart is Restart.ROLLING
    assert any("ES_KEYSTORE_PASSPHRASE_FILE" in note for note in made.notes)
    assert plan(lab.look(), KeystoreEdit.UNPROTECT).is_empty


@pytest.mark.parametrize(
    ("edit", "name", "told"),
    [
        (KeystoreEdit.SET, "cluster.name", "is an ordinary setting"),
        (KeystoreEdit.SET, "a/b", "is not allowed"),
        (KeystoreEdit.SET, "keystore.seed", "each node's own"),
        (KeystoreEdit.REMOVE, "gcs.client.default.credentials_file", "holds gcs.client"),
    ],
)
def test_names_that_would_stop_a_node_or_are_nowhere_are_refused(
    lab: Lab, edit: KeystoreEdit, name: str, told: str
) -> None:
    assert told in reasons(lab.look(), edit, name)


def test_a_secured_cluster_that_nobody_may_ask_is_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", node_yml("es-1", 1, security="xpack.security.enabled: true"), secure={S3: b"one"})
    seen = answering(lab.look(), secured=True)
    assert "asks for a login" in reasons(seen, KeystoreEdit.SET, S3)
    assert not plan(answering(lab.look(), secured=True, authenticated_as="elastic"), KeystoreEdit.SET, S3).is_empty


def test_too_old_for_a_password_is_refused(tmp_path: Path) -> None:
    lab = Lab(tmp_path, version=Version(7, 6)).node("es-1", secure={S3: b"one"})
    assert "cannot open a keystore with a password" in reasons(lab.look(), KeystoreEdit.PROTECT)
