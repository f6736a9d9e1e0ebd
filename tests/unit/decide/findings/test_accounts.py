"""Built-in users and logins."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.formats.yml import parse_settings
from estui.model.finding import Severity
from estui.model.inventory import Address, Layer
from estui.model.observed import ApiFacts, PortState, Served
from tests.unit.decide.findings.builders import Case, answers, beat, check, fire, kibana, names, node, seen

UNSET = replace(answers(), authenticated_as="elastic", without_password=("kibana_system", "beats_system"))
SET = replace(answers(), authenticated_as="elastic", without_password=())
OFF = replace(SET, disabled=("logstash_system",))
SYSTEM = kibana("elasticsearch.username: kibana_system")
PKI = "xpack.security.authc.realms.pki.p1.order: 1"
PLAIN = {Layer.HTTP: Served(Address("127.0.0.1", 9200), PortState.PLAIN)}
ASKS = ApiFacts(reachable=True, status=401, secured=True)

CASES = [
    Case(
        "built-in-without-password", seen(node(api=UNSET), SYSTEM), seen(node(api=SET), SYSTEM), "kibana_system has no"
    ),
    Case("built-in-unset", seen(node(api=UNSET)), seen(node(api=SET)), "kibana_system, beats_system never got"),
    Case("built-in-disabled", seen(node(api=OFF)), seen(node(api=SET)), "logstash_system is disabled"),
    Case(
        "pki-realm-unlicensed",
        seen(node(PKI, api=replace(SET, licence="basic"))),
        seen(node(PKI, api=replace(SET, licence="trial"))),
        "licence basic",
    ),
    Case(
        "login-over-plain-http",
        seen(node(api=ASKS, served=PLAIN)),
        seen(node(api=ASKS, served=PLAIN), node(name="es-2", api=SET, served=PLAIN)),
        "--plain-http",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_user_that_nobody_logs_in_as_is_a_note_only() -> None:
    assert fire("built-in-without-password", seen(node(api=UNSET))) == []


def test_a_beats_user_counts_also_in_its_modules() -> None:
    module = parse_settings(b"- module: elasticsearch\n  username: beats_system\n", "m.yml", "modules")
    (found,) = fire("built-in-without-password", seen(node(api=UNSET), beat(modules={"modules.d/e.yml": module})))
    assert (found.target, found.where) == ("beat/metricbeat", "/mnt/metricbeat/modules.d/e.yml:2: modules.0.username")


def test_a_disabled_user_that_is_in_use_is_worse() -> None:
    api = replace(SET, disabled=("kibana_system",))
    (found,) = fire("built-in-disabled", seen(node(api=api), SYSTEM))
    assert (found.severity, found.target) == (Severity.ERROR, "kibana/kibana")
    assert "_security/user/kibana_system/_enable" in found.hint


def test_nothing_is_said_where_nobody_may_look() -> None:
    assert fire("built-in-unset", seen(node(api=answers()))) == []
