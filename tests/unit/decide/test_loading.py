"""Why a node does not serve new files: each explanation from its own evidence, the certain ones first."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from estui.decide.loading import NodeView, why_not_loaded
from estui.model.inventory import Layer
from estui.model.observed import FileState, ObservedNode, OnDisk, SeenFile
from tests.unit.decide.by_hand import one_layer
from tests.unit.decide.samples import Lab

UNASKED = NodeView(error="no credentials at hand", asked=False)


@pytest.fixture
def node(tmp_path: Path) -> ObservedNode:
    """A node whose transport layer has `certs/t.crt` and `certs/t.key`."""
    (found,) = one_layer(Lab(tmp_path)).look().nodes
    return found


def disk(node: ObservedNode) -> OnDisk:
    return node.disk[Layer.TRANSPORT]


def seen(node: ObservedNode, *, path: str = "certs/t.crt", serial: int | None = None) -> NodeView:
    """What the node lists: by default just what is on disk."""
    leaf = disk(node).leaf
    assert leaf
    return NodeView((SeenFile(path, leaf.serial if serial is None else serial, True), SeenFile("certs/ca.crt", 7)))


def why(node: ObservedNode, view: NodeView = UNASKED) -> str:
    reason = why_not_loaded(node, Layer.TRANSPORT, view)
    assert reason.hint
    return reason.text


def with_disk(node: ObservedNode, **changed: object) -> ObservedNode:
    return replace(node, disk={**node.disk, Layer.TRANSPORT: replace(disk(node), **changed)})  # type: ignore[arg-type]


def test_reload_is_switched_off(tmp_path: Path) -> None:
    lab = one_layer(Lab(tmp_path))
    lab.put("es-1", "elasticsearch.yml", (lab.yml("es-1") + "resource.reload.enabled: false\n").encode())
    (node,) = lab.look().nodes
    assert "resource.reload.enabled is false" in why(node, seen(node))


def test_certificate_and_key_do_not_match(node: ObservedNode) -> None:
    assert "do not belong together" in why(with_disk(node, key_sha256="another"), seen(node))


def test_the_yml_names_other_files_than_the_node_was_started_with(node: ObservedNode) -> None:
    text = why(node, seen(node, path="certs/before.crt"))
    assert "its yml names certs/t.crt, and the node was started with certs/before.crt" in text


def test_the_node_does_not_see_the_new_file(node: ObservedNode) -> None:
    assert "does not see the new file: it reads serial abcdef…" in why(node, seen(node, serial=0xABCDEF))


def test_the_node_sees_the_file_and_has_not_loaded_it(node: ObservedNode) -> None:
    assert why(node, seen(node)) == "the node sees the new file but has not loaded it"


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            "cannot read configured [PKCS12] keystore [/x] - this is usually caused by an incorrect password",
            "another password than the secure settings have now",
        ),
        (
            "cannot read configured PEM certificate [/x] because the file does not exist",
            "does not find a file that is there",
        ),
        ("not permitted to read the PEM certificate file [/x]", "may not read a file"),
        ("cannot load PEM certificate from [/x] due to CertificateException", "cannot use its files"),
    ],
)
def test_what_the_node_itself_complains_about(node: ObservedNode, error: str, words: str) -> None:
    """Real answers of 9.1.0 to `GET /_ssl/certificates`, HTTP 500."""
    text = why(node, NodeView(error=f"HTTP 500: {error}"))
    assert words in text
    assert error in text


@pytest.mark.parametrize("view", [UNASKED, NodeView(error="HTTP 500: not permitted to read the file [/x]")])
def test_a_file_that_the_reader_of_the_yml_may_not_read(node: ObservedNode, view: NodeView) -> None:
    """Packages: root:elasticsearch; a key of root alone is out of reach."""
    files = {**node.files, "elasticsearch.yml": replace(node.files["elasticsearch.yml"], mode=0o660, uid=0, gid=977)}
    named = tuple(
        replace(each, mode=0o600 if each.setting == "key" else 0o644, uid=0, gid=0) for each in disk(node).named
    )
    text = why(replace(with_disk(node, named=named), files=files), view)
    assert "may not read" in text
    if not view.asked:
        assert "elasticsearch.yml (0660 0:977) may not read certs/t.key (0600 0:0)" in text


def test_without_credentials_the_hint_says_how_to_find_out(node: ObservedNode) -> None:
    yml = FileState(node.files["elasticsearch.yml"].kind, mode=0o644, uid=1000, gid=1000)
    named = tuple(replace(each, mode=0o644) for each in disk(node).named)
    reason = why_not_loaded(
        replace(with_disk(node, named=named), files={"elasticsearch.yml": yml}), Layer.TRANSPORT, UNASKED
    )
    assert "no credentials at hand" in reason.text
    assert "--user" in reason.hint


def test_nobody_who_asked_is_said_as_well(node: ObservedNode) -> None:
    yml = FileState(node.files["elasticsearch.yml"].kind, mode=0o644, uid=1000, gid=1000)
    open_to_all = with_disk(node, named=tuple(replace(each, mode=0o644) for each in disk(node).named))
    reason = why_not_loaded(
        replace(open_to_all, files={"elasticsearch.yml": yml}), Layer.TRANSPORT, NodeView(asked=False)
    )
    assert reason.text.endswith("(no login)")
