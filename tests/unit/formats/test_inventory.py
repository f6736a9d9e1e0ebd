"""`estui.yaml`: read with a message for everything that is not understood, and written for people."""

from __future__ import annotations

import pytest

from estui.errors import SettingsError
from estui.formats.inventory import joined, parse_inventory, write_inventory
from estui.model.inventory import (
    Address,
    BeatEntry,
    Commands,
    CredentialFiles,
    Inventory,
    KeyType,
    KibanaEntry,
    Limits,
    NodeEntry,
    Policy,
    StoreFormat,
)
from estui.model.version import Version

WHOLE = b"""\
cluster: logs-prod
nodes:
  - config: /mnt/es-1/config          # name, ports, hosts are read from its elasticsearch.yml
    tags: [zone-a, hot]
  - config: es-2/../es-2/./config/
    name: es-2
    version: 8.10
    http: https://es-2.example.net:9200/
    transport: "[2001:db8::2]:9300"
    names: [logs.example.net]
    stop:  [ssh, es-2, sudo, systemctl, stop, elasticsearch]
    start: [ssh, es-2, sudo, systemctl, start, elasticsearch]
    restart:
      - ssh
      - es-2
  - /mnt/es-3/config
kibana:
  - config: /mnt/kibana/config
    on_host: /etc/kibana
    data: kibana-data
beats:
  - config: /mnt/metricbeat
    on_host: /etc/metricbeat
    kind: metricbeat
policy: {key: rsa-3072, http_key: ec-p256, leaf_days: 90, format: pkcs12}
production: true
read_only: false
expect_nodes: 3
folder: tls
credentials:
  user: elastic
  password_file: secrets/elastic
  api_key_file: /etc/estui/key
keystore_password: secrets/keystore
limits: {start_seconds: 600}
"""


def parsed(text: str) -> Inventory:
    return parse_inventory(text.encode(), "estui.yaml", "/home/op/logs")


def failure(text: str) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parsed(text)
    return caught.value


def with_node(line: str) -> str:
    return f"cluster: c\nnodes:\n  - config: /a\n    {line}\n"


def test_the_whole_of_an_inventory_is_read() -> None:
    inventory = parse_inventory(WHOLE, "estui.yaml", "/home/op/logs")
    stop, start = (("ssh", "es-2", "sudo", "systemctl", verb, "elasticsearch") for verb in ("stop", "start"))
    assert inventory == Inventory(
        cluster="logs-prod",
        nodes=(
            NodeEntry("/mnt/es-1/config", tags=("zone-a", "hot")),
            NodeEntry(
                "/home/op/logs/es-2/config",
                name="es-2",
                version=Version(8, 10),
                http=Address("es-2.example.net", 9200),
                transport=Address("2001:db8::2", 9300),
                names=("logs.example.net",),
                commands=Commands(stop, start, ("ssh", "es-2")),
            ),
            NodeEntry("/mnt/es-3/config"),
        ),
        kibana=(KibanaEntry("/mnt/kibana/config", on_host="/etc/kibana", data="/home/op/logs/kibana-data"),),
        beats=(BeatEntry("/mnt/metricbeat", on_host="/etc/metricbeat", kind="metricbeat"),),
        policy=Policy(
            transport_key=KeyType.RSA_3072,
            http_key=KeyType.EC_P256,
            ca_key=KeyType.RSA_3072,
            leaf_days=90,
            format=StoreFormat.PKCS12,
        ),
        production=True,
        expect_nodes=3,
        folder="tls",
        credentials=CredentialFiles("elastic", "/home/op/logs/secrets/elastic", "/etc/estui/key"),
        keystore_password="/home/op/logs/secrets/keystore",
        limits=Limits(start_seconds=600),
    )


def test_every_entry_has_its_line() -> None:
    lines = parse_inventory(WHOLE, "estui.yaml", "/").lines
    assert lines == (("nodes[0]", 3), ("nodes[1]", 5), ("nodes[2]", 16), ("kibana[0]", 18), ("beats[0]", 22))


def test_the_smallest_form_is_a_list_of_folders() -> None:
    assert parsed("cluster: c\nnodes: [a, b]\n").nodes == (NodeEntry("/home/op/logs/a"), NodeEntry("/home/op/logs/b"))


def test_a_key_without_a_value_counts_as_absent() -> None:
    text = "cluster: c\nnodes:\n  - config: /a\n    tags:\nkibana:\n#  - config: /k\npolicy:\nproduction:\n"
    assert parsed(text) == Inventory("c", (NodeEntry("/a"),))


@pytest.mark.parametrize(
    ("text", "where", "summary", "hint"),
    [
        ("", "estui.yaml", "empty", "estui init"),
        ("nodes: [/a]", "estui.yaml: cluster", "missing", "name the cluster"),
        ("cluster: c\n", "estui.yaml: nodes", "missing", "folders"),
        ("cluster: c\nnode: [/a]\n", "estui.yaml:2: node", "unknown key", "did you mean nodes?"),
        ("cluster: c\nnodes: [/a]\nxyzzy: 1\n", "estui.yaml:3: xyzzy", "unknown key", "known here: beats, cluster"),
        (with_node("htpp: a:1"), "estui.yaml:4: nodes[0].htpp", "unknown key", "did you mean http?"),
        (with_node("kind: x"), "estui.yaml:4: nodes[0].kind", "unknown key", ""),
        ("cluster: c\nnodes: /a\n", "estui.yaml:2: nodes", "list", "- config:"),
        ("cluster: c\nnodes: [[/a]]\n", "estui.yaml:2: nodes[0]", "folder or a map", "- config:"),
        ("cluster: c\nnodes:\n  -\n", "estui.yaml:3: nodes[0]", "folder or a map", "- config:"),
        ("cluster: c\nnodes:\n  - name: x\n", "estui.yaml:3: nodes[0].config", "missing", "config:"),
        ("cluster: c\nnodes:\n  - config: ~\n", "estui.yaml:3: nodes[0].config", "missing", "config:"),
        ("cluster: c\nnodes: [~/es]\n", "estui.yaml:2: nodes[0].config", "~", "whole path"),
        ("cluster: [c]\nnodes: [/a]\n", "estui.yaml:1: cluster", "text", "cluster:"),
        ("cluster: ' '\nnodes: [/a]\n", "estui.yaml:1: cluster", "text", "cluster:"),
        (with_node("stop: systemctl stop"), "estui.yaml:4: nodes[0].stop", "list", "no shell"),
        (with_node("stop: [a, [b]]"), "estui.yaml:4: nodes[0].stop", "list", "no shell"),
        (with_node("names: a"), "estui.yaml:4: nodes[0].names", "list", "names: [one"),
        (with_node("http: es-1"), "estui.yaml:4: nodes[0].http", "host:port", "9200"),
        (with_node("http: es-1:0"), "estui.yaml:4: nodes[0].http", "host:port", "9200"),
        (with_node("http: es-1:65536"), "estui.yaml:4: nodes[0].http", "host:port", "9200"),
        (with_node("http: 2001:db8::1:9200"), "estui.yaml:4: nodes[0].http", "host:port", "["),
        (with_node("http: [::1]:9200"), "estui.yaml:4", "not valid YAML", '"[::1]:9200"'),
        (with_node("version: newest"), "estui.yaml:4: nodes[0].version", "version", "8.19.0"),
        ("cluster: c\nnodes: [/a]\nproduction: yes\n", "estui.yaml:3: production", "true or false", "true"),
        ("cluster: c\nnodes: [/a]\nexpect_nodes: 0\n", "estui.yaml:3: expect_nodes", "whole number", "3"),
        ("cluster: c\nnodes: [/a]\nfolder: a/b\n", "estui.yaml:3: folder", "one name", "estui"),
        ("cluster: c\nnodes: [/a]\npolicy: pem\n", "estui.yaml:3: policy", "map", "leaf_days"),
        ("cluster: c\nnodes: [/a]\npolicy: {format: p12}\n", "estui.yaml:3: policy.format", "word", "pkcs12"),
        ("cluster: c\nnodes: [/a]\npolicy:\n  key: ed25519\n", "estui.yaml:4: policy.key", "word", "ec-p256"),
        ("cluster: c\nnodes: [/a]\npolicy:\n  leaf_days: 1y\n", "estui.yaml:4: policy.leaf_days", "number", "3"),
        ("cluster: c\nnodes: [/a, ./x, /a/]\n", "estui.yaml:2: nodes[2].config", "same config", "remove"),
        ("cluster: c\nnodes: [/a]\nkibana: [/a]\n", "estui.yaml:3: kibana[0].config", "same config as in line 2", ""),
        (
            "cluster: c\nnodes:\n - {config: /a, name: x}\n - {config: /b, name: x}\n",
            "estui.yaml:4: nodes[1].name",
            "same name as in line 3",
            "",
        ),
        ("cluster: c\nnodes: [/a]\nlimits: {start: 9}\n", "estui.yaml:3: limits.start", "unknown", "start_seconds"),
        (
            "cluster: c\nnodes: [/a]\nlimits: {start_seconds: 10m}\n",
            "estui.yaml:3: limits.start_seconds",
            "whole number",
            "3",
        ),
        ("cluster: c\ncluster: d\nnodes: [/a]\n", "estui.yaml:2: cluster", "set twice", "keep one"),
    ],
)
def test_what_is_not_understood_is_named_with_a_hint(text: str, where: str, summary: str, hint: str) -> None:
    error = failure(text)
    assert str(error.location) == where
    assert summary in error.summary
    assert error.hint
    assert hint in error.hint


@pytest.mark.parametrize("line", ["password: hunter22", "api_key: hunter22", "Password: hunter22"])
def test_a_secret_is_refused_and_not_repeated(line: str) -> None:
    error = failure(f"cluster: c\nnodes: [/a]\ncredentials:\n  {line}\n")
    assert "_file: /path" in error.hint
    assert "hunter22" not in "\n".join(error.lines())


def test_a_name_may_be_that_of_another_kind() -> None:
    text = "cluster: c\nnodes: [{config: /a, name: x}]\nkibana: [{config: /b, name: x}]\n"
    assert parsed(text).kibana[0].name == "x"


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        ("a", "/base/a"), ("./a//b/", "/base/a/b"), ("../a", "/a"), ("../../../a", "/a"), ("/x/../y", "/y"),
        ("/", "/"), (".", "/base"),
    ],
)  # fmt: skip
def test_a_relative_path_starts_at_the_folder_of_the_file(path: str, whole: str) -> None:
    assert joined("/base", path) == whole


def test_a_fresh_inventory_is_for_people() -> None:
    inventory = Inventory(
        "logs",
        (NodeEntry("/mnt/es-1", http=Address("::1", 9200), tags=("hot",), logs="/mnt/log"), NodeEntry("/mnt/es-2")),
        kibana=(KibanaEntry("/mnt/kibana", on_host="/etc/kibana"),),
        production=True,
    )
    assert (
        write_inventory(inventory, "Made by estui init.").decode()
        == """\
# Made by estui init.

cluster: logs

# Configuration folders as this host sees them; what is not written here is read from them.
nodes:
  - config: /mnt/es-1
    http: "[::1]:9200"
    tags: ["hot"]
    logs: /mnt/log
  - config: /mnt/es-2

kibana:
  - config: /mnt/kibana
    on_host: /etc/kibana

# Keys and lifetimes of what estui issues.
# policy: {key: ec-p256, leaf_days: 397, ca_days: 3650, renew_before_days: 30, format: pem}

# Marked on every screen; louder confirmations.
production: true
"""
    )


def test_groups_are_tags_that_nodes_have() -> None:
    text = b"cluster: c\nnodes:\n  - config: /a\n    tags: [zone-a]\ngroups: [zone-a]\n"
    found = parse_inventory(text, "estui.yaml", "/w")
    assert found.groups == ("zone-a",)
    assert parse_inventory(write_inventory(found), "estui.yaml", "/w").groups == ("zone-a",)
    with pytest.raises(SettingsError, match="no node has the tag zone-b"):
        parse_inventory(text.replace(b"groups: [zone-a]", b"groups: [zone-b]"), "estui.yaml", "/w")
