"""The scenarios by the public commands, on a sandbox cluster: reviewed, applied, proven, undone."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.job.conftest import Maker

APPLY = ("apply", "--yes", "--restart")


def test_https_on_three_nodes_and_kibana_and_back(bastion: Maker) -> None:
    """Unsecured to basic + HTTPS, then byte for byte back; nothing of ours is left in the way."""
    here = bastion()
    before = here.tree()
    assert "unsecured" in here.estui("status")
    review = here.estui("plan", "https", expect=3)
    assert "FULL RESTART needed" in review
    assert "same change on es-2, es-3" in review
    here.estui("apply", "https", "--yes", "--restart")
    assert here.leftovers() == []
    verdict = here.json("verify")
    assert verdict["ok"]
    assert len(verdict["proofs"]) == 3 * 4 + 1 + 2 + 3
    assert "nothing to do" in here.estui("plan", "https")
    assert "estui-tmp" not in (here.sandbox.config("es-1") / "users").read_text()
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
    assert here.leftovers() == []
    assert "unsecured" in here.estui("status")


def test_minimal_on_a_single_node(bastion: Maker) -> None:
    """Security and single-node discovery, which excludes the bootstrap setting; passwords work over plain HTTP."""
    here = bastion(1)
    review = here.estui("plan", "minimal", expect=3)
    assert "discovery.type: single-node" in review
    assert "passwords travel over plain HTTP" in review
    here.estui(*APPLY, "minimal")
    yml = (here.sandbox.config("es-1") / "elasticsearch.yml").read_text()
    assert "\ncluster.initial_master_nodes" not in yml
    assert here.json("verify")["ok"]


def test_minimal_is_refused_for_several_nodes(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    before = here.tree()
    here.estui("apply", "minimal", "--yes", "--restart", expect=1)
    assert "minimal is for a single node" in here.err
    assert here.tree() == before


@pytest.mark.parametrize("nodes", [1, pytest.param(3, marks=pytest.mark.slow)])
def test_basic_then_https_rolls(bastion: Maker, nodes: int) -> None:
    """Transport first, by a full restart; HTTP later, node by node, with the PKCS#12 format throughout."""
    here = bastion(nodes, kibana=False)
    here.estui(*APPLY, "basic", "--format", "pkcs12")
    assert here.json("verify")["ok"]
    review = here.estui("plan", "https", "--plain-http", expect=3)
    assert "ROLLING RESTART needed" in review
    assert "node.p12" in review
    here.estui(*APPLY, "https", "--plain-http")
    assert here.json("verify")["ok"]
    assert "nothing to do" in here.estui("plan", "https")


@pytest.mark.slow
def test_due_leaves_are_renewed_without_a_restart(bastion: Maker) -> None:
    """Leaves inside the renewal window: a plan without a restart, served within the poll interval."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    started = [(here.sandbox.folder / name / "run" / "pid").read_text() for name in here.sandbox.node_names]
    yaml = here.workspace / "estui.yaml"
    yaml.write_text(yaml.read_text() + "\npolicy: {renew_before_days: 500}\n")
    review = here.estui("plan", "https", expect=3)
    assert "no restart needed" in review
    here.estui("apply", "https", "--yes")
    assert started == [(here.sandbox.folder / name / "run" / "pid").read_text() for name in here.sandbox.node_names]
    assert here.json("verify")["ok"]


def _all_commands() -> str:
    """Command lines of every process of this host, where there is a /proc."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            lines.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(lines)


@pytest.mark.slow
def test_the_demo_without_a_terminal_does_the_tour_and_leaves_nothing(tmp_path: Path) -> None:
    """Exit 0 only if everything held; every process and file of the sandbox is gone afterwards."""
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "estui", "demo"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=180,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "VERIFIED" in done.stdout
    assert "the data is still there: 5 documents" in done.stdout
    assert list(tmp_path.iterdir()) == []
    assert done.stdout.isascii()
    assert str(tmp_path) not in _all_commands()


def test_a_rung_cannot_be_skipped(bastion: Maker) -> None:
    here = bastion(1, kibana=False)
    here.estui("plan", "mutual", expect=1)
    assert "estui plan https first" in here.err
