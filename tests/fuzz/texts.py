"""Targets for text: yml files, the inventory, files of the file realm, password files, node logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from estui.decide import log_fragments
from estui.formats import file_realm, yml, yml_tree
from estui.formats.beats_values import change_on_reading, expanded, sent_text
from estui.formats.inventory import parse_inventory
from estui.formats.inventory_edit import with_node
from estui.formats.password_file import parse_password_file
from estui.model.inventory import NodeEntry
from estui.secret import Secret
from tests.fuzz.engine import Target

_YML = Path(__file__).parents[1] / "fixtures" / "yml"
_SMALL = (
    b"# a\ncluster.name: lab # b\nxpack:\n  security:\n    enabled: true\n    http.ssl: {enabled: true, key: a.key}\n",
    b"a: &x {b: 1}\nc: *x\nd:\n  <<: *x\n  e: [1, 'two', \"three\\n\"]\nf: |\n  text\n  more\ng: >-\n  folded\n\n",
    b'\xef\xbb\xbf? k\n: v\r\nhosts: ["a", b]\r\nlist:\r\n  - name: x\r\n    v: 1\r\n  - name: y\r\n',
    b"output.elasticsearch:\n  hosts: ['https://a:9200']\n  password: ${ES_PWD}\n---\n...\n",
)
_PLAIN = (
    b"# a\ncluster.name: lab # b\nxpack:\n  security:\n    enabled: true\n    x: 'a b'\nhosts: [\"a\", b]\n",
    b"a:\n  - b\n  - c: 1\n    d: 2\ne:\n- f\n",
)
_EDITS = (
    yml.Put("xpack.security.enabled", True, "why"),
    yml.Put("hosts", ("a", "b: c")),
    yml.Put("a.b", "x\n\u202e'\""),
    yml.Drop("c.b"),
    yml.Drop("cluster.name"),
)
_INVENTORY = (
    b"cluster: lab\nnodes:\n  - /srv/es-1\n  - config: /srv/es-2\n    http: es-2:9200\n    names: [a, b]\n"
    b"    environment: {A: b}\n    restart: [systemctl, restart, es]\nkibana:\n  - config: k\nbeats:\n  - config: b\n"
    b"    kind: metricbeat\npolicy: {key: ec-p256, leaf_days: 90}\nexpect_nodes: 2\ncredentials: {user: elastic}\n"
)
_LOG = (
    b"[2026-11-25T01:02:03,004][INFO ][o.e.n.Node               ] [es-1] started {x}\n"
    b"[2026-11-25T01:02:04,004][ERROR][o.e.b.Elasticsearch      ] [es-1] fatal exception while booting Elasticsearch\n"
    b"org.elasticsearch.ElasticsearchSecurityException: failed to load SSL configuration [xpack.security.http.ssl]\n"
    b"\tat x.y(Z.java:1)\nCaused by: java.io.IOException: cannot read [/etc/elasticsearch/http.p12]\n"
)
_JSON_LOG = (
    b'{"@timestamp":"2026-11-25T01:02:03.004Z","log.level":"ERROR","message":"fatal","error.type":"x.Y",'
    b'"error.message":"PKIX path building failed","error.stack_trace":"a\\nb"}\n'
)


def _whole_files() -> Sequence[bytes]:
    return [*_SMALL, *(path.read_bytes()[-600:] for path in sorted(_YML.iterdir()))]


def _read_settings(content: bytes) -> None:
    yml._settings.__wrapped__(content, "x.yml", "")
    yml.auto_configured_lines(content)


def _read_both_ways(content: bytes) -> None:
    """The short way for plain files has to find what the parser finds, or leave it to the parser."""
    short = yml_tree.read_document(content, "x.yml").root
    with patch.object(yml_tree, "plain_tree", lambda text: None):
        whole = yml_tree.read_document(content, "x.yml").root
    if _shape(short) != _shape(whole):
        raise AssertionError("two ways, two trees")


def _shape(node: Any) -> object:
    """A tree as plain tuples: kinds, places and texts."""
    match node:
        case yml_tree.Scalar():
            return node.start, node.end, node.text, node.style, node.tagged
        case yml_tree.Sequence():
            return node.start, node.end, node.is_flow, [_shape(item) for item in node.items]
        case yml_tree.Mapping():
            return node.start, node.end, node.is_flow, [(_shape(p.key), _shape(p.value)) for p in node.pairs]
        case yml_tree.Alias():
            return node.start, node.end
    return node


def _edit_settings(content: bytes) -> None:
    at = sum(content) % len(_EDITS)  # each input meets edits of its own, the same at every try
    edited = yml.edit(content, _EDITS[at : at + 2], "x.yml", "added")
    again = yml.edit(edited, _EDITS[at : at + 2], "x.yml", "added")
    if again != edited:
        raise AssertionError("the same edit a second time changes the file again")


def _read_list(content: bytes) -> None:
    yml._settings.__wrapped__(content, "modules.d/x.yml", "modules")


def _read_inventory(content: bytes) -> None:
    parse_inventory(content, "estui.yaml", "/w")
    with_node(content, NodeEntry("/srv/es-9"), "estui.yaml", "/w")


def _change_realm(content: bytes) -> None:
    """What is not asked for stays, whatever the file holds."""
    changed = file_realm.without_user(file_realm.with_user(content, "estui-tmp-1", "{PBKDF2}x"), "estui-tmp-1")
    if b"estui-tmp-1" not in content and not changed.startswith(content):
        raise AssertionError("another line was changed")
    roles = file_realm.with_role(content, "superuser", "estui-tmp-1")
    file_realm.without_user_in_roles(roles, "estui-tmp-1")
    file_realm.parse_users(content)
    file_realm.parse_users_roles(content)


def _read_values(content: bytes) -> None:
    text = content.decode(errors="replace")
    sent_text(text)
    change_on_reading(Secret(text))
    expanded(text, {"A": "b"}.get, key="k")


def _read_log(content: bytes) -> None:
    lines = content.decode("utf-8", "replace").splitlines()
    for meaning in log_fragments.meanings(lines):
        if not meaning.words.isprintable():
            raise AssertionError("a control character of a log is shown")


TEXTS = (
    Target("yml", _whole_files, _read_settings),
    Target("yml-ways", lambda: [*_PLAIN, *_SMALL], _read_both_ways),
    Target("yml-edit", lambda: list(_SMALL), _edit_settings),
    Target("yml-list", lambda: [b"- module: system\n  period: 10s\n  metricsets: [cpu]\n- module: x\n"], _read_list),
    Target("inventory", lambda: [_INVENTORY], _read_inventory),
    Target(
        "file-realm",
        lambda: [b"# c\nalice:{PBKDF2}10000$x$y\r\nbob:secret\n", b"superuser:alice, bob\nkibana_admin:bob\n"],
        _change_realm,
    ),
    Target(
        "password-file", lambda: [b"# c\nelastic=pw=1\r\n\nkibana_system=x\n"], lambda c: parse_password_file(c, "x")
    ),
    Target("beats-values", lambda: [b"${A:default}$${B} 'x' 0x1p-2 1e5 {a: [b]}"], _read_values),
    Target("node-log", lambda: [_LOG, _JSON_LOG, _LOG + _JSON_LOG], _read_log),
)
