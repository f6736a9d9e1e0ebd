"""Where a node stands is read from its files, its version, and for a default from what it serves."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.rung import cluster_rung, is_secured
from estui.model.observed import ApiFacts, Rung
from estui.model.version import Version
from tests.unit.decide.samples import OFF, V7, V8, V9, Lab, node_yml

ON = "xpack.security.enabled: true"
TRANSPORT = "xpack.security.transport.ssl.enabled: true"
HTTP = "xpack.security.http.ssl: {enabled: true}"


@pytest.mark.parametrize(
    ("lines", "rung"),
    [
        ([OFF], Rung.UNSECURED),
        ([ON], Rung.MINIMAL),
        (['xpack.security.enabled: "true"'], Rung.MINIMAL),
        ([ON, TRANSPORT], Rung.BASIC),
        ([OFF, TRANSPORT], Rung.UNSECURED),
        ([ON, HTTP], Rung.MINIMAL),
        ([ON, TRANSPORT, HTTP], Rung.HTTPS),
        ([ON, TRANSPORT, HTTP, "xpack.security.http.ssl.client_authentication: optional"], Rung.MUTUAL),
        ([ON, TRANSPORT, HTTP, "xpack.security.http.ssl.client_authentication: none"], Rung.HTTPS),
    ],
)
def test_each_rung_is_told_by_its_settings(lab: Lab, lines: list[str], rung: Rung) -> None:
    lab.node("es-1", node_yml("es-1", 1, *lines, security=""))
    assert lab.look().nodes[0].rung is rung


@pytest.mark.parametrize(("version", "rung"), [(V7, Rung.UNSECURED), (V8, Rung.MINIMAL), (V9, Rung.MINIMAL)])
def test_a_yml_that_says_nothing_means_what_the_version_means(lab: Lab, version: Version, rung: Rung) -> None:
    lab.version = version
    lab.node("es-1", node_yml("es-1", security=""))
    assert lab.look(up=False).nodes[0].rung is rung


def test_without_a_version_a_silent_yml_tells_nothing(lab: Lab) -> None:
    lab.version = None
    lab.node("es-1", node_yml("es-1", security=""))
    assert lab.look(up=False).nodes[0].rung is Rung.UNKNOWN


def test_a_silent_node_that_serves_anybody_is_not_secured_whatever_the_default(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", security=""))
    node = replace(lab.look().nodes[0], api=ApiFacts(reachable=True, status=200, secured=False))
    assert is_secured(node) is False
    anonymous = {"xpack.security.authc.anonymous.roles": node.settings["node.name"]}
    assert is_secured(replace(node, settings={**node.settings, **anonymous})) is True


def test_a_cluster_stands_where_its_lowest_node_stands(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, ON, security="")).node("es-2")
    assert cluster_rung(lab.look()) is Rung.UNSECURED
