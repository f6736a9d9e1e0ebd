"""Certificates of an external CA by the public commands: requests out, answers in, applied, served, and back."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_inventory
from tests.corporate import Corporate, pem_of
from tests.job.conftest import Bastion, Maker

pytestmark = pytest.mark.slow

APPLY = ("apply", "--yes", "--restart")


def _served(here: Bastion) -> dict[str, tuple[CertificateFacts, ...]]:
    """Every chain that is served now."""
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    found = {f"{node.target} {layer.value}": node.port(layer).chain for node in observed.nodes for layer in Layer}
    found |= {each.target: each.served.chain for each in observed.kibana}
    return {name: chain for name, chain in found.items() if chain}


def _answered(here: Bastion, corporate: Corporate, folder: Path, *more: str) -> None:
    """Requests out, signed as they ask, and in again."""
    here.estui("csr", "export", "--to", str(folder), *more)
    answers = []
    for request in sorted(folder.glob("*.csr")):
        answer = request.with_suffix(".crt")
        answer.write_bytes(pem_of(corporate.sign(request.read_bytes())))
        answers.append(str(answer))
    root, issuing = folder / "root.crt", folder / "issuing.crt"
    root.write_bytes(pem_of(corporate.root))
    issuing.write_bytes(pem_of(corporate.issuing))
    here.estui("csr", "import", *answers, str(issuing), "--ca", str(root))


def test_a_cluster_is_secured_and_renewed_by_an_external_ca(bastion: Maker, tmp_path: Path) -> None:
    """Leaf and intermediate are served everywhere, nothing restarts for the renewal, and an undo brings back."""
    here, corporate = bastion(2, kibana=True), Corporate()
    _answered(here, corporate, tmp_path / "first")
    assert "estui plan" in here.err
    here.estui(*APPLY, "https")
    first = _served(here)
    assert len(first) == 5
    issuing = "CN=Corp Issuing,O=Example"
    assert {chain[0].issuer for chain in first.values()} == {issuing}
    assert {chain[1].subject for chain in first.values()} == {issuing}
    assert [each["name"] for each in here.json("ca", "list")] == ["corporate"]
    here.estui("plan", "https")
    assert here.json("verify")["ok"]

    _answered(here, corporate, tmp_path / "second", "--layer", "http")
    here.estui("csr", "apply", "--yes", "--restart")
    second = _served(here)
    assert {name for name in first if first[name][0] != second[name][0]} == {
        "es-1 http",
        "es-2 http",
        "kibana/kibana",
    }
    assert {chain[1].subject for chain in second.values()} == {issuing}
    assert "installed: es-1 http" in here.estui("ca", "issued", "corporate")
    here.estui("csr", "apply", "--yes")
    assert "nothing to do" in here.err
    here.estui("rollback", "--yes", "--restart")
    assert _served(here) == first
    assert here.json("verify")["ok"]


def test_another_ca_is_not_slipped_under_those_who_do_not_trust_it(bastion: Maker, tmp_path: Path) -> None:
    """A layer in use changes its CA by a rollover only; rotation says where new leaves of a CA of others come from."""
    here = bastion(2, kibana=True)
    here.estui(*APPLY, "https")
    _answered(here, Corporate(), tmp_path / "requests")
    here.estui("csr", "apply", "--layer", "transport", "--yes", expect=1)
    assert "es-2 would refuse the imported leaf" in here.err
    assert "estui ca rollover" in here.err
    here.estui("csr", "apply", "--layer", "http", "--yes", expect=1)
    assert "kibana/kibana would refuse the imported leaf" in here.err
    here.estui("plan", "https")
