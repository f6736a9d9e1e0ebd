"""A review shows every line that changes, why, and no secret."""

from __future__ import annotations

from estui.decide.diff import DiffLine, Mark, build_review, edited_yml, hunk_starts, line_diff
from estui.model.goal import Goal, Scenario
from estui.model.inventory import StoreFormat
from tests.unit.decide.samples import Lab, node_yml

BASIC, HTTPS = Goal(Scenario.BASIC), Goal(Scenario.HTTPS)


def test_long_runs_of_unchanged_lines_fold_into_one_line_with_their_count() -> None:
    old = [str(number) for number in range(20)]
    lines = line_diff(old, [*old[:10], "new", *old[10:]], context=2)
    assert [line.mark for line in lines] == [
        Mark.FOLD, Mark.SAME, Mark.SAME, Mark.ADD, Mark.SAME, Mark.SAME, Mark.FOLD,
    ]  # fmt: skip
    assert [line.text for line in lines if line.mark is Mark.FOLD] == ["8 unchanged lines", "8 unchanged lines"]
    assert lines[3] == DiffLine(Mark.ADD, "new", None, 11)


def test_equal_texts_have_no_diff() -> None:
    assert line_diff(["a"], ["a"]) == []


def test_hunks_are_counted_by_their_first_changed_line() -> None:
    lines = tuple(DiffLine(mark, "") for mark in (Mark.ADD, Mark.REMOVE, Mark.SAME, Mark.ADD, Mark.FOLD, Mark.NOTE))
    assert list(hunk_starts(lines)) == [0, 3]


def test_equal_changes_are_shown_once_and_on_request_for_each_node(lab: Lab) -> None:
    plan, observed = lab.three().plan(BASIC), lab.look()
    folded = [file for file in build_review(plan, observed).files if file.path == "elasticsearch.yml"]
    every = [file for file in build_review(plan, observed, fold=False).files if file.path == "elasticsearch.yml"]
    assert [file.targets for file in folded] == [("es-1", "es-2", "es-3")]
    assert [file.targets for file in every] == [("es-1",), ("es-2",), ("es-3",)]


def test_a_node_that_changes_otherwise_stays_apart(lab: Lab) -> None:
    lab.node("es-1").node("es-2", node_yml("es-2", 2, security="xpack.security.enabled: true"))
    files = [file for file in build_review(lab.plan(BASIC), lab.look()).files if file.path == "elasticsearch.yml"]
    assert [file.targets for file in files] == [("es-1",), ("es-2",)]


def test_every_added_setting_says_why(lab: Lab) -> None:
    lab.three()
    for file in build_review(lab.plan(HTTPS), lab.look()).files:
        if file.path == "elasticsearch.yml":
            added = [line for line in file.lines if line.mark is Mark.ADD and ":" in line.text]
            assert added
            assert all(line.why for line in added)


def test_secure_settings_are_words(lab: Lab) -> None:
    name = "xpack.security.transport.ssl.keystore.secure_password"
    plan = lab.node("es-1", None, secure={name: b"hunter2"}).plan(Goal(Scenario.BASIC, StoreFormat.PKCS12))
    (file,) = [file for file in build_review(plan, lab.look()).files if file.path == "elasticsearch.keystore"]
    assert f"{name}  (secret, changed)" in [line.text for line in file.lines]


def test_no_secret_of_a_yml_is_in_a_review(lab: Lab) -> None:
    lines = ['#bootstrap.password: "hunter2"', "xpack.security.http.ssl.keystore.password: hunter2"]
    lab.node("es-1", node_yml("es-1", 1, *lines, "xpack.security.http.ssl.enabled: false"))
    lab.with_kibana("elasticsearch.password: |\n  hunter2\nelasticsearch.username: elastic\n", on_host="/k")
    review = build_review(lab.plan(HTTPS), lab.look())
    assert "hunter2" not in repr(review)
    assert any(line.mark is Mark.REMOVE and "(secret)" in line.text for file in review.files for line in file.lines)


def test_an_edit_keeps_every_other_byte(lab: Lab) -> None:
    before = (
        b"# first\r\ncluster.name: lab\r\nnode.name: es-1\r\nxpack.security.enabled: false  # for now\r\n# last\r\n"
    )
    lab.node("es-1", before.decode())
    after = edited_yml(before, lab.plan(BASIC).changes, "es-1", "elasticsearch.yml")
    assert after.startswith(before.replace(b"enabled: false", b"enabled: true"))
    assert after.count(b"\r\n") == after.count(b"\n")


def test_a_file_that_does_not_exist_yet_is_new(lab: Lab) -> None:
    plan = lab.node("es-1").with_kibana("server.name: k\n", on_host="/k").plan(BASIC)
    files = {(file.target, file.path): file for file in build_review(plan, lab.look()).files}
    assert files["workspace", "ca/transport"].action == "new authority"
    assert files["es-1", "estui/transport/current"].action == "new set, PEM"
    assert files["kibana/kibana-1", "kibana.yml"].action == "changed"
    assert files["es-1", "users, users_roles"].added == 1
