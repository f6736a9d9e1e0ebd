"""A yml that is a link in its folder: observed, reviewed, applied and undone as the file it leads to."""

from __future__ import annotations

import pytest

from estui.errors import PlanError, StalePlanError
from estui.model.goal import Goal, Scenario
from estui.model.plan import Plan
from estui.model.run import RunPhase
from tests.unit.act.folders import Cluster
from tests.unit.act.offline import go_offline


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


@pytest.fixture
def linked(single: Cluster) -> Cluster:
    root = single.root("n1")
    (root / "shared").mkdir(mode=0o750)
    (root / "elasticsearch.yml").rename(root / "shared/node.yml")
    (root / "elasticsearch.yml").symlink_to("shared/node.yml")
    return single


def planned(cluster: Cluster) -> tuple[Plan, str]:
    """The plan for basic security, and its review in one text."""
    engine = cluster.engine()
    engine.expect_nodes = 1
    observed = engine.observe(network=False)
    plan = engine.plan(observed, Goal(Scenario.BASIC))
    review = engine.review(plan, observed)
    return plan, "\n".join(
        f"{file.path} {file.note}\n" + "\n".join(line.text for line in file.lines) for file in review.files
    )


def test_the_review_shows_the_file_behind_the_link_and_pins_it(linked: Cluster) -> None:
    plan, review = planned(linked)
    pin = next(pin for pin in plan.pins if pin.path == "elasticsearch.yml")
    assert (pin.kind, pin.link, bool(pin.sha256)) == ("link", "shared/node.yml", True)
    assert "network.host: 127.0.0.1 # keep" in review
    assert "elasticsearch.yml link to shared/node.yml" in review


def test_the_link_stays_and_the_file_behind_it_is_replaced_and_brought_back(linked: Cluster) -> None:
    root, before = linked.root("n1"), linked.trees()
    engine = linked.engine()
    state = engine.apply(planned(linked)[0])
    assert state.phase is RunPhase.DONE
    assert str((root / "elasticsearch.yml").readlink()) == "shared/node.yml"
    assert b"xpack.security.enabled: true" in (root / "shared/node.yml").read_bytes()
    engine.rollback()
    assert linked.trees(without=("estui",)) == before


def test_a_change_behind_the_link_makes_the_plan_stale(linked: Cluster) -> None:
    plan, _ = planned(linked)
    with (linked.root("n1") / "shared/node.yml").open("ab") as yml:
        yml.write(b"# by hand\n")
    with pytest.raises(StalePlanError):
        linked.engine().apply(plan)


def test_a_link_through_a_linked_folder_is_followed_to_its_end(linked: Cluster) -> None:
    root = linked.root("n1")
    (root / "elasticsearch.yml").unlink()
    (root / "now").symlink_to("shared")
    (root / "elasticsearch.yml").symlink_to("now/node.yml")
    linked.engine().apply(planned(linked)[0])
    assert b"xpack.security.enabled: true" in (root / "shared/node.yml").read_bytes()
    assert (root / "now").is_symlink()


def test_a_link_out_of_the_folder_is_refused_before_there_is_a_plan(linked: Cluster) -> None:
    root = linked.root("n1")
    (root / "shared/node.yml").rename(linked.base / "node.yml")
    (root / "elasticsearch.yml").unlink()
    (root / "elasticsearch.yml").symlink_to("../node.yml")
    with pytest.raises(PlanError) as caught:
        planned(linked)
    assert any("leads outside the configuration folder" in reason for reason in caught.value.reasons)
