"""The main job on real nodes, by estui's public commands alone: unsecured nodes with data become secured ones.

Each scenario, each file format, and protected and unprotected secure settings meet pairwise.
"""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.real.cluster import DOCUMENTS, INDEX, RealCluster
from tests.real.estui_command import Estui, Said
from tests.real.handshakes import served
from tests.real.jdk import jdk
from tests.real.keystore_tool import KeystoreTool
from tests.real.load import Load
from tests.real.node import RealNode
from tests.unit.sandbox.makers import Answer, ask, make_ca, make_leaf, pem_files, pem_settings
from tests.waiting import until

pytestmark = pytest.mark.real


@dataclass(frozen=True)
class Job:
    """One cluster and what becomes of it."""

    scenario: str
    nodes: int
    format: str = "pem"
    keystore_password: str = ""
    reload: str = "1s"
    kibana: bool = False
    """With a Kibana, which is the sandbox's: there is no real one to put together."""

    @property
    def choice(self) -> tuple[str, ...]:
        """The scenario as `plan` and `apply` take it."""
        return (self.scenario,) if self.scenario == "minimal" else (self.scenario, "--format", self.format)

    @property
    def plain(self) -> tuple[str, ...]:
        """What lets a password go over plain HTTP, where there is nothing else."""
        return () if self.scenario == "https" else ("--plain-http",)

    @property
    def restart(self) -> tuple[str, ...]:
        """What a rotation needs: nothing for nodes, a restart for Kibana's own leaf."""
        return ("--restart",) if self.kibana else ()

    @property
    def layers(self) -> tuple[str, ...]:
        """Layers that speak TLS afterwards, by name."""
        return {"https": ("http", "transport"), "basic": ("transport",), "minimal": ()}[self.scenario]

    def ports(self, node: RealNode) -> tuple[int, ...]:
        """Ports that speak TLS afterwards."""
        return tuple({"http": node.http, "transport": node.transport}[layer] for layer in self.layers)

    def __str__(self) -> str:
        store = "" if self.scenario == "minimal" else f"-{self.format}"
        return f"{self.scenario}-{self.nodes}{store}-{'protected' if self.keystore_password else 'open'}"


JOBS = (
    Job("https", 3, reload="5s", kibana=True),
    Job("https", 1, format="pkcs12", keystore_password="pä€ss of stores"),
    Job("basic", 3, format="pkcs12"),
    Job("basic", 2, keystore_password="open sesame 1"),
    Job("minimal", 1, keystore_password="open sesame 1"),
    Job("minimal", 1),
)


@dataclass
class Secured:
    """A cluster after the job, and what the commands said on the way."""

    job: Job
    cluster: RealCluster
    estui: Estui
    before: dict[str, str]
    plan: Said
    apply: Said
    passwords: dict[str, str] = field(default_factory=dict)

    def password(self, user: str) -> str:
        if user not in self.passwords:
            self.passwords[user] = self.estui.password(user)
        return self.passwords[user]

    @property
    def context(self) -> ssl.SSLContext | None:
        """A client that trusts the workspace's HTTP CA alone; None where HTTP is plain."""
        if self.job.scenario != "https":
            return None
        return ssl.create_default_context(cafile=str(self.estui.authority("http")))

    def ask(self, path: str, user: str = "elastic", password: str = "", node: int = 0, **more: Any) -> Answer:
        login = f"{user}:{password or self.password(user)}" if user else ""
        return ask(self.cluster.nodes[node].http, path, user=login, context=self.context, **more)


def yml_texts(cluster: RealCluster) -> dict[str, str]:
    return {node.name: (node.config / "elasticsearch.yml").read_text() for node in cluster.nodes}


@pytest.fixture(scope="module", params=JOBS, ids=str)
def secured(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    job: Job = request.param
    folder = tmp_path_factory.mktemp(str(job))
    cluster = RealCluster.create(
        folder / "cluster", job.nodes, keystore_password=job.keystore_password, reload=job.reload
    )
    try:
        cluster.up()
        cluster.fill()
        if job.kibana:
            cluster.add_kibana()
        before = yml_texts(cluster)
        estui = Estui(folder / "workspace")
        estui.init(cluster)
        plan = estui.run("plan", *job.choice, code=3)
        applied = estui.run("apply", *job.choice, "--yes", "--restart")
        yield Secured(job, cluster, estui, before, plan, applied)
    finally:
        cluster.down()


def test_the_plan_tells_the_outage_before_anything_is_done(secured: Secured) -> None:
    assert "full restart" in secured.plan.output.lower() or "all nodes stop" in secured.plan.output.lower()
    for node in secured.cluster.nodes:
        assert node.name in secured.plan.output


def test_verify_proves_every_layer_of_every_node(secured: Secured) -> None:
    verdict = secured.estui.json("verify")
    assert verdict["ok"], verdict
    claims = {(proof["target"], proof["claim"]) for proof in verdict["proofs"]}
    for node in secured.cluster.nodes:
        for layer in secured.job.layers:
            assert (node.name, f"{layer} serves the planned leaf") in claims
        assert (node.name, "401 without a login") in claims
        assert (node.name, "a superuser logs in") in claims


def test_kibana_works_with_the_secured_nodes(secured: Secured) -> None:
    """With kibana_system's password from its keystore and trust in the HTTP CA; without one there is no such proof."""
    proofs = [proof for proof in secured.estui.json("verify")["proofs"] if proof["target"].startswith("kibana/")]
    assert bool(proofs) == secured.job.kibana
    assert all(proof["ok"] for proof in proofs)


def test_the_data_is_still_there(secured: Secured) -> None:
    answer = secured.ask(f"/{INDEX}/_search?size=100")
    numbers = sorted(hit["_source"]["number"] for hit in answer.body["hits"]["hits"])
    assert numbers == list(range(DOCUMENTS))


def test_anonymous_requests_get_401_from_every_node(secured: Secured) -> None:
    for number in range(len(secured.cluster.nodes)):
        assert secured.ask(f"/{INDEX}/_search", user="", node=number).status == 401


@pytest.mark.parametrize("user", ["elastic", "kibana_system"])
def test_built_in_users_have_the_passwords_that_estui_made(secured: Secured, user: str) -> None:
    for number in range(len(secured.cluster.nodes)):
        answer = secured.ask("/_security/_authenticate", user=user, node=number)
        assert (answer.status, answer.body["username"]) == (200, user)
        assert secured.ask("/", user=user, password="wrong-password", node=number).status == 401


def test_no_temporary_superuser_is_left(secured: Secured) -> None:
    for node in secured.cluster.nodes:
        for name in ("users", "users_roles"):
            path = node.config / name
            assert not path.exists() or "estui-tmp" not in path.read_text()


def test_the_cluster_is_whole_and_green(secured: Secured) -> None:
    def whole() -> bool:
        health = secured.ask("/_cluster/health").body
        return bool(health["number_of_nodes"] == len(secured.cluster.nodes) and health["status"] == "green")

    until(whole, 30)


def test_a_second_plan_has_nothing_to_do(secured: Secured) -> None:
    secured.estui.run("plan", *secured.job.choice, *secured.job.plain, code=0)


def test_java_lists_the_stores_that_estui_wrote(secured: Secured, keystore_tool: KeystoreTool) -> None:
    """One key entry with its chain, and the CA as a trusted certificate; by keytool, with the stored password."""
    job, node = secured.job, secured.cluster.nodes[0]
    sets = sorted(node.config.glob("estui/*/current"))
    assert [path.parent.name for path in sets] == list(job.layers)
    entries = keystore_tool.read(node.config, job.keystore_password).entries
    for path in sets if job.format == "pkcs12" else ():
        prefix = f"xpack.security.{path.parent.name}.ssl"
        own = keytool(path / "node.p12", entries[f"{prefix}.keystore.secure_password"].decode())
        assert own.count("Entry type: PrivateKeyEntry") == 1
        assert own.count("Entry type:") == 1
        assert "Certificate chain length: 2" in own
        trusted = keytool(path / "ca.p12", entries[f"{prefix}.truststore.secure_password"].decode())
        assert trusted.count("Entry type: trustedCertEntry") == 1
        assert trusted.count("Entry type:") == 1


def keytool(store: Path, password: str) -> str:
    """What Java lists of a PKCS#12 file."""
    command = [str(jdk() / "bin" / "keytool"), "-J-Duser.language=en", "-list", "-v", "-keystore", str(store)]
    done = subprocess.run([*command, "-storepass", password], capture_output=True, text=True, check=True)
    return done.stdout


def test_no_secret_was_said(secured: Secured) -> None:
    for said in (secured.plan, secured.apply):
        for user in ("elastic", "kibana_system"):
            assert secured.password(user) not in said.output + said.talk
        if secured.job.keystore_password:
            assert secured.job.keystore_password not in said.output + said.talk


def test_a_node_without_a_certificate_of_the_ca_stays_out(secured: Secured) -> None:
    """With the right names and usages from another CA; on minimal, a plain node of a cluster of the same name."""
    files: dict[str, bytes] = {}
    settings: dict[str, object] = {"xpack.security.enabled": True}
    if secured.job.scenario != "minimal":
        ca = make_ca("Intruder CA")
        files = pem_files("transport", make_leaf(ca, "outsider"), ca)
        files["certs/transport-ca.crt"] += secured.estui.authority("transport").read_bytes()
        settings |= pem_settings("transport")
    outsider = secured.cluster.outsider(files, settings)
    try:
        outsider.start().wait()
        assert "while waiting for initial discovery state" in outsider.new_log()
        assert secured.ask("/_cluster/health").body["number_of_nodes"] == len(secured.cluster.nodes)
        names = [node["name"] for node in secured.ask("/_cat/nodes?format=json").body]
        assert sorted(names) == [node.name for node in secured.cluster.nodes]
    finally:
        outsider.stop()


def test_a_renewal_replaces_every_leaf_under_load_without_a_restart_or_a_failed_request(secured: Secured) -> None:
    """`estui rotate`: the same CA signs the new ones, and running nodes load them by themselves."""
    nodes = secured.cluster.nodes
    ports = [port for node in nodes for port in secured.job.ports(node)]
    before = {port: served(port) for port in ports}
    processes = [node.pid for node in nodes]
    login = f"elastic:{secured.password('elastic')}"
    with Load([node.http for node in nodes], login, secured.context) as load:
        secured.estui.run("rotate", "--all", *secured.job.plain, "--yes", *secured.job.restart)
        after = {port: served(port) for port in ports}
    assert load.failures == []
    assert load.asked > len(nodes) * 4
    assert [node.pid for node in nodes] == processes
    for port in ports:
        assert after[port].serial_number != before[port].serial_number
        assert after[port].issuer == before[port].issuer
    assert secured.estui.json("verify")["ok"]


def test_rollback_brings_everything_back_run_by_run(secured: Secured) -> None:
    """Last of all, it ends what the other tests look at: the old leaves by hot reload, then the unsecured cluster."""
    if secured.job.scenario != "minimal":
        secured.estui.run("rollback", "--yes", *secured.job.restart)
        assert secured.estui.json("verify")["ok"]
    secured.estui.run("rollback", "--yes", "--restart")
    assert yml_texts(secured.cluster) == secured.before
    for node in secured.cluster.nodes:
        assert until(lambda node=node: node.probe() == 200, 60)  # type: ignore[misc]
    answer = until(lambda: whole_count(secured), 60)
    assert answer == DOCUMENTS


def whole_count(secured: Secured) -> int:
    """Documents, once every shard answers."""
    answer = ask(secured.cluster.nodes[0].http, f"/{INDEX}/_count")
    return int(answer.body["count"]) if answer.status == 200 and not answer.body["_shards"]["failed"] else 0
