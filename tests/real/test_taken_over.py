"""A set-up of Elasticsearch's own tools on real nodes is taken over, and its CA replaced under load."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from estui.formats.pkcs12 import read_pkcs12
from estui.secret import Secret
from tests.real.cluster import RealCluster
from tests.real.estui_command import Estui
from tests.real.handshakes import lets_in, served
from tests.real.keystore_tool import KeystoreTool
from tests.real.load import Load
from tests.unit.sandbox.makers import Pair, make_leaf

pytestmark = pytest.mark.real

STORES = Path(__file__).parent.parent / "fixtures" / "stores" / "certutil"
STORE = "elastic-certificates.p12"
STORE_PASSWORD = "node-pass"
AUTHORITY = "elastic-stack-ca.p12"
AUTHORITY_PASSWORD = "ca-pass"
LOGIN = "by-hand-and-long-enough"

TakenOver = tuple[RealCluster, Estui]


def _secured_by_hand(cluster: RealCluster, tool: KeystoreTool) -> None:
    """One store of certutil's on all nodes: keystore and truststore of both layers. Its leaf has no name in it."""
    lines = ["xpack.security.enabled: true", "xpack.security.transport.ssl.verification_mode: certificate"]
    secure = {"bootstrap.password": LOGIN}
    for layer in ("transport", "http"):
        prefix = f"xpack.security.{layer}.ssl"
        lines.append(f"{prefix}.enabled: true")
        for kind in ("keystore", "truststore"):
            lines.append(f"{prefix}.{kind}.path: certs/{STORE}")
            secure[f"{prefix}.{kind}.secure_password"] = STORE_PASSWORD
    for node in cluster.nodes:
        (node.config / "certs").mkdir()
        (node.config / "certs" / STORE).write_bytes((STORES / STORE).read_bytes())
        yml = node.config / "elasticsearch.yml"
        kept = [line for line in yml.read_text().splitlines() if not line.startswith("xpack.security.")]
        yml.write_text("\n".join([*kept, *lines]) + "\n")
        tool.write(node.config, "", secure)


@pytest.fixture(scope="module")
def taken_over(tmp_path_factory: pytest.TempPathFactory, keystore_tool: KeystoreTool) -> Iterator[TakenOver]:
    """Two nodes as a person set them up, and a workspace that has adopted their CA with its key."""
    folder = tmp_path_factory.mktemp("taken-over")
    cluster = RealCluster.create(folder / "cluster", 2, reload="2s")
    try:
        _secured_by_hand(cluster, keystore_tool)
        cluster.up()
        estui = Estui(folder / "workspace")
        estui.init(cluster)
        login = _keep(folder / "login", LOGIN)
        with (estui.workspace / "estui.yaml").open("a") as inventory:
            inventory.write(f"credentials: {{user: elastic, password_file: {login}}}\n")
            # no password is sent to a node whose leaf has no name, so nobody tells how many there are
            inventory.write("expect_nodes: 2\n")
        _keep(folder / "ca-password", AUTHORITY_PASSWORD)
        named = ("--ca", str(STORES / AUTHORITY), "--ca-password-file", str(folder / "ca-password"))
        estui.run("adopt", "--import", *named)
        yield cluster, estui
    finally:
        cluster.down()


def _keep(path: Path, secret: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(secret)
    return path


def _trusting(*files: Path) -> ssl.SSLContext:
    """A client that checks the chain; the leaf of before has no name that could be checked."""
    context = ssl.create_default_context(cadata="".join(each.read_text() for each in files))
    context.check_hostname = False
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def test_its_ca_is_replaced_on_both_layers_and_no_request_fails(taken_over: TakenOver, tmp_path: Path) -> None:
    """The store keeps its name and password on every node; no node restarts; the old CA opens no port any more."""
    cluster, estui = taken_over
    nodes, processes = cluster.nodes, [node.pid for node in cluster.nodes]
    ((old,),) = [[each["name"] for each in estui.json("ca", "list")]]
    stolen = _stolen()
    assert all(lets_in(node.transport, stolen, tmp_path) for node in nodes)
    estui.run("ca", "rollover", "start", old, "--yes", code=3)
    new = _successor(estui)
    both = _trusting(estui.authority(old), estui.authority(new))
    with Load([node.http for node in nodes], f"elastic:{LOGIN}", both) as load:
        for code in (3, 0):
            _next_phase(estui, code)
    assert load.failures == []
    assert load.asked > 50
    assert [node.pid for node in nodes] == processes
    subjects = {served(port).issuer for node in nodes for port in (node.http, node.transport)}
    assert len(subjects) == 1
    assert not any(lets_in(node.transport, stolen, tmp_path) for node in nodes)
    for node in nodes:
        content = read_pkcs12((node.config / "certs" / STORE).read_bytes(), Secret(STORE_PASSWORD), STORE)
        (entry,), ((_, trusted),) = content.keys, content.trusted
        assert (entry.alias, {trusted.subject}) == ("instance", subjects)
    verdict = estui.json("verify")
    assert verdict["ok"], verdict


def _next_phase(estui: Estui, code: int) -> None:
    """The next phase; on a busy machine nodes answer too late to be asked who connects, which has to be ticked too."""
    for _ in range(3):
        estui.attempt("ca", "rollover", "tick", "--all")
        said = estui.attempt("ca", "rollover", "next", "--yes")
        if "could not be asked" not in said.talk:
            break
    assert said.code == code, said.talk


def _stolen() -> Pair:
    """A client certificate of the old CA."""
    content = read_pkcs12((STORES / AUTHORITY).read_bytes(), Secret(AUTHORITY_PASSWORD), AUTHORITY)
    (entry,) = content.keys
    assert entry.leaf is not None
    return make_leaf(Pair(entry.leaf, entry.key), "es-1")  # type: ignore[arg-type]


def _successor(estui: Estui) -> str:
    state = estui.json("ca", "rollover", "status", code=3)["state"]
    return str(state["goal"]["successors"][0][1])
