"""Who is in the cluster: only those whose handshakes succeed both ways; and client certificates on HTTP."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from tests.contract import folders
from tests.contract.behaviours import proves
from tests.contract.club import OUTSIDERS, Club
from tests.contract.conftest import ADMIN
from tests.contract.labs import Lab
from tests.contract.test_ports import pem_file, status
from tests.real.handshakes import serial
from tests.unit.sandbox.makers import Pair, ask, client, make_leaf
from tests.waiting import until

JOIN_S = 30.0


def members(club: Club, name: str) -> list[str]:
    """Names of those who are in the cluster, as one of them tells."""
    context = client(club.ca) if name == "n1" else None
    rows = ask(club[name].http, "/_cat/nodes?format=json", user=ADMIN, context=context).body
    return sorted(row["name"] for row in rows)


@proves("members.good")
def test_a_node_of_the_same_ca_joins(club: Club) -> None:
    until(lambda: "member" in members(club, "n1"), JOIN_S)


@proves(*(f"members.{name}" for name in OUTSIDERS))
@pytest.mark.parametrize("name", OUTSIDERS)
def test_a_node_that_is_not_trusted_both_ways_stays_out(club: Club, name: str) -> None:
    assert name not in members(club, "n1")
    until(lambda: OUTSIDERS[name] in club["n1"].log + club[name].log, JOIN_S)


@proves("members.certificate-mode")
def test_in_certificate_mode_the_name_does_not_matter(club: Club) -> None:
    until(lambda: members(club, "c1") == ["c1", "c2"], JOIN_S)


@proves("members.outsider-http")
def test_a_node_in_no_cluster_opens_http_after_the_discovery_timeout(lab: Lab, club: Club) -> None:
    outsider = club["plain"]
    timeout = f"discovery.initial_state_timeout={lab.discovery_s}s"
    assert f"timed out after [{timeout}] while waiting for initial discovery" in outsider.log
    assert ask(outsider.http).status == 401
    answer = ask(outsider.http, "/_cluster/health?master_timeout=100ms&timeout=100ms", user=ADMIN)
    assert (answer.status, answer.body["error"]["type"]) == (503, "master_not_discovered_exception")
    assert ask(outsider.http, user=ADMIN).body["cluster_uuid"] == "_na_"


@proves("ports.client-optional", "ports.client-required")
@pytest.mark.parametrize(
    ("name", "own", "accepted"),
    [
        ("n1", "", True),
        ("n1", "good", True),
        ("n1", "foreign", False),
        ("member", "", False),
        ("member", "good", True),
        ("member", "foreign", False),
    ],
)
def test_client_certificates(club: Club, tmp_path: Path, name: str, own: str, accepted: bool) -> None:
    """`n1` takes them, `member` demands them."""
    signers = {"good": club.ca, "foreign": club.other_ca}
    identity = pem_file(tmp_path, make_leaf(signers[own], "client")) if own else None
    context = client(club.ca, identity)
    if accepted:
        assert status(club[name].http, context) == 401
        return
    # Java's alert for a foreign one is certificate_unknown; OpenSSL, and so the sandbox, says unknown_ca
    words = "CERTIFICATE_UNKNOWN|UNKNOWN_CA" if own else "CERTIFICATE_REQUIRED"
    with pytest.raises(ssl.SSLError, match=words):
        status(club[name].http, context)


@proves("reload.off")
def test_nothing_is_loaded_where_reloading_is_switched_off(club: Club, ca: Pair) -> None:
    """`member` does not reload; that `n1` has tells that the time was enough."""
    before = serial(club["member"].http)
    fresh = make_leaf(ca, "fresh")
    for name in ("member", "n1"):
        folders.publish(club[name].config, "http", folders.pem_set(fresh, ca))
    until(lambda: serial(club["n1"].http) == fresh.certificate.serial_number, JOIN_S)
    assert serial(club["member"].http) == before


@proves("reload.trust")
def test_a_peer_is_trusted_as_soon_as_its_ca_is_there(club: Club, other_ca: Pair) -> None:
    """Last of all: from here on `foreign` is a member, without a restart."""
    assert "foreign" not in members(club, "n1")
    for name, signer in (("n1", club.ca), ("foreign", other_ca)):
        folders.publish(club[name].config, "transport", folders.pem_set(make_leaf(signer, name), club.ca, other_ca))
    until(lambda: "foreign" in members(club, "n1"), JOIN_S)
