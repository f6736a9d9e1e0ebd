"""What the operator states to be set outside of the yml counts for every decision, and no plan writes against it."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.decide.findings.registry import all_findings
from estui.decide.rung import is_secured
from estui.errors import PlanError
from estui.model.goal import Scenario
from estui.model.inventory import StatedSetting
from estui.model.observed import Rung
from tests.unit.decide.samples import NOW, Lab, node_yml
from tests.unit.decide.test_external import KIBANA

SECURITY = "xpack.security.enabled"


def stated(key: str, value: str, where: str = "docker-compose.yml") -> tuple[StatedSetting, ...]:
    return (StatedSetting(key, value, where, "estui.yaml:4: nodes[0].environment"),)


def test_the_rung_is_that_of_what_is_set_outside(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", environment=stated("ES_SETTING_XPACK_SECURITY_ENABLED", "true"))
    (node,) = lab.look().nodes
    assert (is_secured(node), node.rung) == (True, Rung.MINIMAL)


def test_addresses_are_those_of_what_is_set_outside(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", settings_elsewhere=stated("http.port", "9777"))
    (node,) = lab.look().nodes
    assert node.http_address is not None
    assert node.http_address.port == 9777


def test_a_plan_that_would_have_to_write_it_is_refused_and_says_where_it_is_set(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", settings_elsewhere=stated(SECURITY, "false"))
    with pytest.raises(PlanError) as refused:
        lab.plan(Scenario.BASIC)
    (reason,) = refused.value.reasons
    assert reason == (
        f"es-1: {SECURITY} has to be true, but it is set to false outside of elasticsearch.yml, and that wins: "
        "docker-compose.yml (estui.yaml:4: nodes[0].environment)"
    )


def test_a_plan_leaves_out_what_is_set_outside_as_it_should_be(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", settings_elsewhere=stated(SECURITY, "true"))
    plan = lab.plan(Scenario.BASIC)
    assert SECURITY not in [getattr(change, "key", "") for change in plan.changes]


def test_a_stated_variable_lifts_the_refusal_of_a_placeholder(tmp_path: Path) -> None:
    yml = node_yml("es-1", security=f"{SECURITY}: ${{SECURED}}")
    with pytest.raises(PlanError, match="no plan") as refused:
        Lab(tmp_path / "a").node("es-1", yml).plan(Scenario.BASIC)
    assert "environment:" in refused.value.reasons[0]
    lab = Lab(tmp_path / "b").node("es-1", yml, environment=(StatedSetting("SECURED", "false"),))
    change = next(change for change in lab.plan(Scenario.BASIC).changes if getattr(change, "key", "") == SECURITY)
    assert getattr(change, "value", None) is True


def test_a_finding_about_it_points_to_where_it_is_stated(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", settings_elsewhere=stated("xpack.security.transport.ssl.enabled", "maybe"))
    places = [finding.where for finding in all_findings(lab.look(), NOW) if finding.target == "es-1"]
    assert any("docker-compose.yml (estui.yaml:4" in place for place in places)


def test_what_is_set_outside_for_kibana_wins_and_no_plan_writes_against_it(tmp_path: Path) -> None:
    lab = Lab(tmp_path).three()
    lab.with_kibana(KIBANA, on_host="/etc/kibana", environment=stated("SERVER_SSL_ENABLED", "false"))
    (kibana,) = lab.look().kibana
    assert kibana.setting("server.ssl.enabled") == "false"
    with pytest.raises(PlanError) as refused:
        lab.plan(Scenario.HTTPS)
    assert any(
        reason.startswith(
            "kibana/kibana-1: server.ssl.enabled has to be true, but it is set to false outside of kibana"
        )
        for reason in refused.value.reasons
    )
