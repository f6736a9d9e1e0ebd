"""Whatever estui writes or does explains itself, with the address of its documentation."""

from __future__ import annotations

import re

import pytest

from estui.model.goal import Scenario
from estui.model.plan import Plan, SetSetting
from estui.model.run import Step, StepKind
from estui.present.documented import finding_address, scenario_lines, setting_lines, setting_of, step_lines
from tests.tui.builders import unsecured
from tests.tui.fake_engine import FakeEngine

ADDRESS = re.compile(r"documented:? +https://www\.elastic\.co/docs/[a-z0-9/-]+$")


def plans() -> list[Plan]:
    """Every plan of the ladder for a made-up cluster with Kibana."""
    engine = FakeEngine()
    return [each.plan for each in engine.previews(unsecured()) if each.plan is not None]


def test_every_setting_that_a_step_of_the_ladder_writes_is_explained() -> None:
    """Of Elasticsearch, and of Kibana."""
    keys = {change.key for plan in plans() for change in plan.changes if isinstance(change, SetSetting)}
    assert len(keys) > 10
    unexplained = {key for key in keys if not setting_lines(key)}
    assert unexplained == set()
    for key in keys:
        assert any(ADDRESS.search(line.text) for line in setting_lines(key)), key


def test_a_setting_says_for_whom_and_why() -> None:
    """Whom the layer concerns, and the reason that stands in the review."""
    text = "\n".join(line.text for line in setting_lines("xpack.security.transport.ssl.enabled", "nodes talk TLS"))
    assert "Between nodes" in text
    assert re.search(r"here +nodes talk TLS", text)
    assert setting_lines("some.other.setting") == []


@pytest.mark.parametrize("kind", StepKind)
def test_every_kind_of_step_is_explained(kind: StepKind) -> None:
    """What it does, what it waits for, what can be done when it fails, where that is documented."""
    text = [line.text for line in step_lines(Step("x", kind, "a step", gate="its gate holds"))]
    assert any(re.fullmatch(r"  until +its gate holds", line) for line in text)
    assert any("everything taken back" in line for line in text)
    assert any(ADDRESS.search(line) for line in text)


@pytest.mark.parametrize("scenario", Scenario)
def test_every_step_of_the_ladder_is_explained(scenario: Scenario) -> None:
    """What it asks of clients, and where that is documented."""
    text = [line.text for line in scenario_lines(scenario)]
    assert re.match(r"  for whom +clients", text[0])
    assert ADDRESS.search(text[1])


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ("xpack.security.enabled: true", "xpack.security.enabled"),
        ("  #network.host: 192.168.0.1", "network.host"),
        ("elasticsearch.hosts:", "elasticsearch.hosts"),
        ("# Security, written by estui", ""),
        ('  - "es-1:9300"', ""),
        ("CN=es-1  SAN es-1, localhost", ""),
    ],
)
def test_the_setting_of_a_line(line: str, key: str) -> None:
    assert setting_of(line) == key


def test_a_finding_has_an_address_by_its_setting_or_the_general_one() -> None:
    """The setting is the last part of where it was found."""
    where = "/etc/es-1/elasticsearch.yml:69: cluster.initial_master_nodes"
    assert finding_address(where).text.endswith("/discovery-cluster-formation-settings")
    assert finding_address("").text.endswith("/security-settings")
