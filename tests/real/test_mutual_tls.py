"""Mutual TLS on HTTP of a real node: who is let through, and whom the PKI realm logs in."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.real.cluster import RealCluster
from tests.real.estui_command import Estui
from tests.waiting import until

pytestmark = pytest.mark.real

RUN = ("--yes", "--restart")
Secured = tuple[RealCluster, Estui]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One node with HTTPS, in files that estui wrote, and a trial licence."""
    folder = tmp_path_factory.mktemp("mutual")
    cluster = RealCluster.create(folder / "cluster", 1, reload="2s")
    try:
        cluster.up()
        estui = Estui(folder / "workspace")
        estui.init(cluster)
        estui.run("apply", "https", *RUN)
        yield cluster, estui
    finally:
        cluster.down()


def asked(secured: Secured, path: str, certificate: Path | None = None, *, method: str = "GET", user: str = "") -> Any:
    """The body of an answer; OSError where the handshake, or the request, is refused."""
    cluster, estui = secured
    context = ssl.create_default_context(cafile=str(estui.authority("http")))
    if certificate:
        context.load_cert_chain(certificate, key_of(certificate))
    request = urllib.request.Request(f"https://127.0.0.1:{cluster.nodes[0].http}{path}", method=method)
    if user:
        pair = f"{user}:{estui.password(user)}".encode()
        request.add_header("Authorization", "Basic " + base64.b64encode(pair).decode())
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:
        return json.loads(answer.read())


def key_of(certificate: Path) -> Path:
    return certificate if certificate.suffix == ".pem" else certificate.with_suffix(".key")


def handshake_fails(secured: Secured, certificate: Path | None = None) -> bool:
    try:
        asked(secured, "/", certificate)
    except urllib.error.HTTPError:
        return False
    except OSError as error:
        return "CERTIFICATE" in str(error).upper()
    return False


def test_the_demand_the_realm_and_the_way_back(secured: Secured, tmp_path: Path) -> None:
    """Without a certificate the handshake fails and with one it passes; its owner is logged in with the role of the
    mapping file, which is read again while the node runs."""
    refused = secured[1].json("plan", "mutual", "--pki", code=1)
    assert "leave out --pki" in "\n".join(refused["reasons"])
    trial = asked(secured, "/_license/start_trial?acknowledge=true", method="POST", user="elastic")
    assert trial["trial_was_started"]
    estui = secured[1]
    estui.run("ca", "create", "client")
    estui.run("client", "new", "alice", "--to", str(tmp_path), "--role", "viewer")
    alice = tmp_path / "alice.crt"
    estui.run("apply", "mutual", "--pki", *RUN)
    assert not handshake_fails(secured), "who has none goes on as before"
    found = asked(secured, "/_security/_authenticate", alice)
    assert (found["username"], found["roles"]) == ("alice", ["viewer"])
    assert found["authentication_realm"] == {"name": "estui", "type": "pki"}
    assert found["metadata"]["pki_dn"] == "CN=alice"
    own = asked(secured, "/_security/_authenticate", secured[1].workspace / "clients" / "estui.pem")
    assert own["username"] == "estui"
    assert isinstance(own["roles"], list)
    (mark,) = own["roles"]
    assert mark.startswith("estui-mapping-"), "it gives no rights by itself"
    as_elastic = asked(secured, "/_security/_authenticate", alice, user="elastic")
    assert as_elastic["username"] == "elastic", "a password counts before a certificate"
    estui.run("client", "new", "alice", "--to", str(tmp_path / "again"), "--role", "monitoring_user", "--renew")
    assert "no restart needed" in estui.run("plan", "mutual", code=3).output
    estui.run("apply", "mutual", *RUN)
    until(lambda: asked(secured, "/_security/_authenticate", alice)["roles"] == ["monitoring_user"], 20)
    estui.run("client", "connected", code=3)
    estui.run("client", "tick", "--all")
    said = estui.run("apply", "mutual", "--required", *RUN)
    assert "a handshake without a certificate is refused" in said.talk
    assert handshake_fails(secured)
    assert asked(secured, "/_security/_authenticate", alice)["username"] == "alice"
    assert estui.json("verify")["ok"]
    assert "mutual TLS" in estui.run("status").output
