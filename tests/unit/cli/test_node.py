"""`estui node`: what is wrong with the request is said before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.cli.output import Exit
from estui.sandbox.cluster import Sandbox
from tests.unit.cli.conftest import Shell


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--http", "es-4"), "es-4 is no address"),
        (("--transport", "[2001:db8::1]"), "is no address"),
        (("--start-command", "ssh 'es-4"), "--start-command: No closing quotation"),
        (("--node-version", "new"), "new is no version"),
    ],
)
def test_an_option_that_makes_no_sense_is_named(shell: Shell, options: tuple[str, str], words: str) -> None:
    shell.made()
    assert shell.run("node", "add", str(shell.node("es-4")), "--yes", *options) == Exit.USAGE
    assert words in shell.err


def test_a_refused_node_leaves_the_inventory_as_it_was(shell: Shell) -> None:
    shell.made()
    yaml = shell.workspace / "estui.yaml"
    before = yaml.read_bytes()
    for folder, code, words in (
        (shell.home / "es-1", Exit.USAGE, "is in estui.yaml already"),
        (shell.home / "nowhere", Exit.FAILED, "the configuration folder does not exist"),
        (shell.node("es-4"), Exit.FAILED, "start the new node as it is"),
    ):
        assert shell.run("node", "add", str(folder), "--yes") == code
        assert words in shell.err
        assert yaml.read_bytes() == before


def test_a_node_without_a_name_asks_for_one(shell: Shell) -> None:
    shell.made()
    folder = shell.node("es-4")
    (folder / "elasticsearch.yml").write_text("cluster.name: lab\n")
    assert shell.run("node", "add", str(folder), "--yes") == Exit.USAGE
    assert "give --name NAME" in shell.err


def test_removing_counts_the_stated_nodes_and_names_those_that_it_knows(shell: Shell) -> None:
    shell.made("es-1", "es-2", "es-3")
    yaml = shell.workspace / "estui.yaml"
    assert shell.run("node", "remove", "es-9", "--yes") == Exit.USAGE
    assert "it has: es-1, es-2, es-3" in shell.err
    assert shell.run("node", "remove", "es-3", "--yes") == Exit.FAILED
    assert "--force" in shell.err
    assert shell.run("node", "remove", str(shell.home / "es-3"), "--yes", "--force") == Exit.DONE
    assert "expect_nodes: 2" in yaml.read_text()
    assert '"what": "node removed"' in (shell.workspace / "audit.jsonl").read_text()


def test_an_inventory_that_is_a_link_is_left_to_a_person(shell: Shell) -> None:
    """Replacing it would cut it off from where it is kept."""
    shell.made("es-1", "es-2", "es-3")
    yaml = shell.workspace / "estui.yaml"
    kept = shell.home / "kept.yaml"
    yaml.rename(kept)
    yaml.symlink_to(kept)
    before = kept.read_bytes()
    assert shell.run("node", "remove", "es-3", "--yes", "--force") == Exit.FAILED
    assert kept.read_bytes() == before


def test_the_sandbox_gives_a_folder_to_try_it_with(shell: Shell, tmp_path: Path) -> None:
    sandbox = Sandbox.create(tmp_path / "sandbox", 2, kibana=False, start=False)
    assert shell.run("sandbox", "add", "--folder", str(sandbox.folder)) == Exit.DONE
    folder = Path(shell.out.strip())
    assert folder == sandbox.folder / "es-3" / "config"
    assert "estui node add" in shell.err
    text = (folder / "elasticsearch.yml").read_text()
    assert "\n#discovery.seed_hosts" in text
    assert "\n#cluster.initial_master_nodes" in text
