"""Who talked to the nodes lately stands in the review of whatever changes how everybody has to talk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide import connected
from estui.decide.client_way import client_way, guide_for
from estui.model.goal import Demand, Goal, MutualTls, Phase, Rollover, Scenario
from estui.model.observed import Observed
from estui.model.rollover import UNASKED, Client, RolloverState
from estui.present.client_guides import GUIDES, guide_lines
from tests.unit.decide.samples import Lab

HTTPS, MUTUAL = Goal(Scenario.HTTPS), Goal(Scenario.MUTUAL)
LOGSTASH = Client("http 10.0.0.7 l", "10.0.0.7 (logstash/8.19.0) talks to the HTTP layer", "2026-11-25T10:00:00Z")
CURL = Client("http 10.0.0.8 c", "10.0.0.8 (curl/8.5.0) talks to the HTTP layer", "2026-11-25T11:00:00Z")
OTHERS = Client("others", "whoever talks only now and then")


@pytest.fixture
def plain(lab: Lab) -> Observed:
    return replace(lab.three().look(), connected=(OTHERS, LOGSTASH, CURL))


def rolling(observed: Observed, phase: Phase) -> list[str]:
    goal = Rollover("r", phase, (("http", "http-2"),))
    state = RolloverState(goal, clients=(OTHERS, CURL))
    return connected.notes(replace(observed, rollover=state), replace(HTTPS, rollover=goal))


def test_before_https_everyone_seen_is_named_with_agent_address_time_and_guide(plain: Observed) -> None:
    head, *lines = connected.notes(plain, HTTPS)
    assert "HTTPS" in head
    assert lines == [
        "10.0.0.7 (logstash/8.19.0) talks to the HTTP layer, last request 2026-11-25T10:00:00Z: "
        "estui client guide logstash",
        "10.0.0.8 (curl/8.5.0) talks to the HTTP layer, last request 2026-11-25T11:00:00Z: estui client guide curl",
    ]


def test_it_is_in_the_plan_that_is_reviewed(lab: Lab, plain: Observed) -> None:
    assert any("curl/8.5.0" in note for note in lab.plan(HTTPS, observed=plain).notes)


def test_once_everybody_talks_https_nobody_is_asked(lab: Lab) -> None:
    lab.three().apply(lab.plan(HTTPS))
    observed = replace(lab.look(), connected=(CURL,))
    assert not connected.concerns(observed, HTTPS)
    assert connected.notes(observed, HTTPS) == []


@pytest.mark.parametrize("goal", [MUTUAL, replace(MUTUAL, mutual=MutualTls(Demand.REQUIRED))])
def test_before_client_certificates_they_are_named_too(lab: Lab, goal: Goal) -> None:
    lab.three().apply(lab.plan(HTTPS))
    head, line = connected.notes(replace(lab.look(), connected=(CURL,)), goal)
    assert "client certificate" in head
    assert "10.0.0.8 (curl/8.5.0)" in line


@pytest.mark.parametrize(("phase", "told"), [(Phase.TRUST, False), (Phase.SWITCH, True), (Phase.DROP, True)])
def test_before_leaves_change_and_before_the_old_ca_goes_they_are_named(
    plain: Observed, phase: Phase, told: bool
) -> None:
    assert any("curl/8.5.0" in line for line in rolling(plain, phase)) is told


def test_a_cluster_that_could_not_be_asked_and_one_without_clients_are_told_apart(plain: Observed) -> None:
    unasked = replace(plain, connected=(Client(UNASKED, "who connects could not be asked (401)"),))
    assert connected.notes(unasked, HTTPS) == ["who connects could not be asked (401)"]
    assert connected.notes(replace(plain, connected=()), HTTPS) == [
        "nobody else has talked to the nodes lately, as they tell"
    ]
    assert connected.notes(replace(plain, connected=None), HTTPS) == []


def test_many_clients_are_counted(plain: Observed) -> None:
    many = tuple(replace(CURL, id=f"http 10.0.0.{number} c") for number in range(connected.SHOWN + 3))
    assert connected.notes(replace(plain, connected=many), HTTPS)[-1] == "and 3 more: estui client connected"


# guides


@pytest.mark.parametrize(
    ("agent", "guide"),
    [
        ("logstash/8.19.0 (OS=Linux)", "logstash"),
        ("Elastic-Fleet-Server/8.19.0", "fleet"),
        ("curl/8.5.0", "curl"),
        ("Elastic-Packetbeat/7.17.0", "beats"),
        ("Kibana/8.19.0", "kibana"),
        ("elasticsearch-py/8.1 (Python 3.11)", "languages"),
        ("no agent named", "languages"),
    ],
)
def test_whoever_connects_finds_its_guide_by_what_it_calls_itself(agent: str, guide: str) -> None:
    assert guide_for(Client("http 10.0.0.5 x", f"10.0.0.5 ({agent}) talks to the HTTP layer")) == guide
    assert guide in GUIDES
    assert guide_for(OTHERS) == ""


def _text(observed: Observed, *names: str) -> str:
    return "\n".join(line.text for line in guide_lines(client_way(observed), names))


def test_every_guide_has_this_clusters_hosts_and_ca_file(lab: Lab) -> None:
    lab.three().apply(lab.plan(HTTPS))
    observed = lab.look()
    http = next(each for each in observed.authorities if each.name == "http")
    for name in GUIDES:
        text = _text(observed, name)
        assert f"https://{observed.nodes[0].http_address}" in text
        assert "elasticsearch-ca.crt" in text
        assert http.certificate.sha256 in text
    assert f'ca_trusted_fingerprint => "{http.certificate.sha256}"' in _text(observed, "logstash")
    assert "PUT /_security/role/logstash_writer" in _text(observed, "logstash")
    assert "--fleet-server-es-ca=" in _text(observed, "fleet")


def test_no_pin_is_proposed_where_nodes_send_no_ca_or_two_are_trusted(lab: Lab) -> None:
    lab.three().apply(lab.plan(HTTPS))
    way = client_way(lab.look())
    assert way.sends_authority
    for other in (replace(way, sends_authority=False), replace(way, authorities=(*way.authorities,) * 2)):
        text = "\n".join(line.text for line in guide_lines(other))
        assert "ca_trusted_fingerprint =>" not in text
        assert "CertificateFingerprint(" not in text
    two = "\n".join(line.text for line in guide_lines(replace(way, authorities=(*way.authorities,) * 2), ("curl",)))
    assert "trusts both" in two


def test_before_https_the_guide_says_from_when_on_it_counts(plain: Observed) -> None:
    text = _text(plain, "curl")
    assert "still speak plain HTTP" in text
    assert "there is no HTTP CA yet" in text
