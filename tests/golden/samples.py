"""The clusters of the golden files, by name: each is a lab and a goal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import Address, Policy, StoreFormat
from estui.model.observed import Observed
from tests.unit.decide.by_hand import one_store, own_names
from tests.unit.decide.samples import STORES, V7, V8, Lab, answering, at_mount, fixture_yml

KIBANA = """\
# Kibana of the lab
server.name: kibana-1
server.publicBaseUrl: "http://kibana.example.net:5601"
elasticsearch.hosts: ["http://127.0.0.1:9201", "http://logs.example.net:9200"]
#elasticsearch.password: "left in a comment"
"""
MASTERS = 'cluster.initial_master_nodes: ["es-1", "es-2", "es-3"]'


@dataclass(frozen=True)
class Case:
    """One golden file: how the lab is built, and what is asked of it."""

    build: Callable[[Lab], None]
    goal: Goal
    up: bool = True

    def lab(self, root: Path) -> Lab:
        lab = Lab(root)
        self.build(lab)
        return lab

    def observed(self, lab: Lab) -> Observed:
        return at_mount(lab.look(up=self.up), lab.root)


def single(lab: Lab) -> None:
    lab.node("es-1").with_kibana(KIBANA, on_host="/etc/kibana")


def three(lab: Lab) -> None:
    lab.three(MASTERS)


def three_with_kibana(lab: Lab) -> None:
    lab.three(MASTERS).with_kibana(KIBANA, on_host="/etc/kibana")


METRICBEAT = """\
# Metricbeat of the lab
metricbeat.config.modules:
  path: ${path.config}/modules.d/*.yml   # all that are switched on
setup.kibana:
  host: "kibana.example.net:5601"
output.elasticsearch:
  # without a scheme
  hosts: ["127.0.0.1:9201", "logs.example.net:9200"]
  headers.X-Team: ${TEAM}
  #password: "left in a comment"
monitoring.enabled: true
"""
MODULE = """\
# Module: elasticsearch
- module: elasticsearch
  xpack.enabled: true
  hosts: ["http://127.0.0.1:9201"]
"""
HEARTBEAT = """\
output.elasticsearch:
  hosts: [http://127.0.0.1:9201]
  username: elastic
  password: changeme
  ssl.verification_mode: none
"""


def three_with_beats(lab: Lab) -> None:
    """A Metricbeat with a keystore in its data folder, and a Heartbeat that was pointed somewhere by hand."""
    three(lab)
    lab.with_kibana(KIBANA, on_host="/etc/kibana", http=Address("kibana.example.net", 5601))
    lab.with_beat(METRICBEAT, modules={"elasticsearch-xpack.yml": MODULE}, secure={"TEAM": "blue"})
    lab.beats[-1] = replace(lab.beats[-1], name="metricbeat", on_host="/etc/metricbeat")
    lab.with_beat(HEARTBEAT, "heartbeat", name="heartbeat", on_host="/etc/heartbeat")


def basic_with_kibana(lab: Lab) -> None:
    three_with_kibana(lab)
    lab.apply(lab.plan(Scenario.BASIC))


def stock_7(lab: Lab) -> None:
    yml = fixture_yml("elasticsearch-7.17.yml")
    lab.version = V7
    lab.node("es-1", yml, name="es-1", http=Address("es-1.example.net", 9200))


def stock_9(lab: Lab) -> None:
    lab.node("es-1", fixture_yml("elasticsearch-9.yml"), name="es-1")


def auto_configured(lab: Lab) -> None:
    lab.version = V8
    lab.node(
        "es-1",
        fixture_yml("elasticsearch-8-auto-configured.yml"),
        name="es-1",
        http=Address("es-1.example.net", 9200),
        secure={
            f"xpack.security.{name}.secure_password": b"auto-pass"
            for name in ("http.ssl.keystore", "transport.ssl.keystore", "transport.ssl.truststore")
        },
    )
    for name in ("http.p12", "transport.p12", "http_ca.crt"):
        lab.put("es-1", f"certs/{name}", (STORES / "auto-configured" / name).read_bytes())


def docker(lab: Lab) -> None:
    lab.node(
        "es-1",
        fixture_yml("elasticsearch-docker.yml") + "xpack.security.enabled: false\n",
        name="es-1",
        http=Address("es-1.example.net", 9200),
        transport=Address("es-1.example.net", 9300),
    )


def due(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.BASIC))
    lab.later(days=380)


def pkcs12_policy(lab: Lab) -> None:
    lab.policy = replace(Policy(), format=StoreFormat.PKCS12)
    lab.three(MASTERS)


def own_names_due(lab: Lab) -> None:
    own_names(lab).later(days=380)


def one_store_with_a_deaf_node(lab: Lab) -> None:
    one_store(lab)
    lab.put("es-2", "elasticsearch.yml", (lab.yml("es-2") + "resource.reload.enabled: false\n").encode())


SENDER = """\
metricbeat.config.modules:
  path: ${path.config}/modules.d/*.yml
output.elasticsearch:
  hosts: ["http://127.0.0.1:9201"]
"""


def https_with_clients(lab: Lab) -> None:
    """Basic + HTTPS, with a Kibana and a Metricbeat, in files of estui's own."""
    three(lab)
    lab.with_kibana(KIBANA.replace("logs.example.net:9200", "127.0.0.1:9202"), on_host="/etc/kibana")
    lab.with_beat(SENDER, modules={"elasticsearch-xpack.yml": MODULE}, on_host="/etc/metricbeat", name="metricbeat")
    lab.apply(lab.plan(Goal(Scenario.HTTPS)))


CASES = {
    "minimal-one-node": Case(single, Goal(Scenario.MINIMAL)),
    "basic-three-nodes": Case(three, Goal(Scenario.BASIC)),
    "https-three-nodes-kibana": Case(three_with_kibana, Goal(Scenario.HTTPS)),
    "https-pkcs12": Case(pkcs12_policy, Goal(Scenario.HTTPS)),
    "https-beats": Case(three_with_beats, Goal(Scenario.HTTPS)),
    "https-from-basic": Case(basic_with_kibana, Goal(Scenario.HTTPS)),
    "basic-due-leaves": Case(due, Goal(Scenario.BASIC)),
    "basic-stock-7.17": Case(stock_7, Goal(Scenario.BASIC)),
    "https-stock-9": Case(stock_9, Goal(Scenario.HTTPS)),
    "https-docker": Case(docker, Goal(Scenario.HTTPS)),
    "https-auto-configured": Case(auto_configured, Goal(Scenario.HTTPS)),
    "mutual-from-https": Case(https_with_clients, Goal(Scenario.MUTUAL)),
    "rotate-own-names": Case(own_names_due, Goal(Scenario.HTTPS, only=("es-1",), rotation=Rotation())),
    "rotate-one-store": Case(one_store_with_a_deaf_node, Goal(Scenario.HTTPS, rotation=Rotation(fresh_names=True))),
}


def no_kibana_path(lab: Lab) -> None:
    lab.three().with_kibana("elasticsearch.hosts: http://127.0.0.1:9201\n")


def all_comments(lab: Lab) -> None:
    lab.version = None
    lab.node("es-1", fixture_yml("elasticsearch-8.yml"))


def twins(lab: Lab) -> None:
    lab.node("es-1").node("other", "node.name: es-1\ncluster.name: elsewhere\nxpack.security.enabled: false\n")


def lost_beat(lab: Lab) -> None:
    """Nothing tells where its folder is on its own host; it takes a value from a keystore that is not seen."""
    three(lab)
    lab.with_beat(METRICBEAT)


REFUSED = {
    "a Beat with much unsaid": Case(lost_beat, Goal(Scenario.HTTPS)),
    "minimal on three nodes": Case(three, Goal(Scenario.MINIMAL)),
    "mutual": Case(three, Goal(Scenario.MUTUAL)),
    "no on_host for Kibana": Case(no_kibana_path, Goal(Scenario.HTTPS)),
    "all comments, down": Case(all_comments, Goal(Scenario.BASIC), up=False),
    "a cluster that is down": Case(three, Goal(Scenario.BASIC), up=False),
    "one of three only": Case(three, Goal(Scenario.BASIC, only=("es-2",))),
    "an unknown target": Case(three, Goal(Scenario.BASIC, only=("es-9",))),
    "another number stated": Case(three, Goal(Scenario.BASIC, expect_nodes=5)),
    "twins": Case(twins, Goal(Scenario.BASIC)),
}
__all__ = ["CASES", "REFUSED", "Case", "answering"]
