"""A layer moves to a CA of others and back by the public commands: no key of that CA is ever seen here."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_inventory
from tests.corporate import Corporate, pem_of
from tests.job.by_hand import with_one_store
from tests.job.conftest import Bastion, Maker
from tests.job.test_membership import _add
from tests.job.test_rollover import APPLY, NEXT, START, _issuers, _pids, _served, _trusted

pytestmark = pytest.mark.slow

ISSUING = "CN=Corp Issuing,O=Example"


def _bundle(corporate: Corporate, folder: Path) -> Path:
    """The file that those who run the CA hand out: root and the CA below it."""
    path = folder / "corporate.pem"
    path.write_bytes(pem_of(corporate.issuing, corporate.root))
    return path


def _sign(corporate: Corporate, folder: Path) -> list[str]:
    """Answers to all requests of a folder, beside them."""
    answers = []
    for request in sorted(folder.glob("*.csr")):
        answer = request.with_suffix(".crt")
        answer.write_bytes(pem_of(corporate.sign(request.read_bytes())))
        answers.append(str(answer))
    return answers


def _chains(here: Bastion) -> dict[str, list[str]]:
    """Subjects that are served above each leaf."""
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    chains = {f"{node.target} {layer.value}": node.port(layer).chain for node in observed.nodes for layer in Layer}
    chains |= {each.target: each.served.chain for each in observed.kibana}
    return {name: [each.subject for each in chain[1:]] for name, chain in chains.items()}


@pytest.mark.parametrize("store", ["pem", "pkcs12"])
def test_both_layers_move_to_a_corporate_ca_and_no_node_restarts(bastion: Maker, tmp_path: Path, store: str) -> None:
    """Everyone trusts the root, leaves come with the intermediate, and phase 2 says what it waits for."""
    here, corporate = bastion(2, kibana=True), Corporate()
    here.estui(*APPLY, "https", "--format", store)
    pids, own = _pids(here), _issuers(here)
    bundle = _bundle(corporate, tmp_path)
    here.estui(*START, "transport", "http", "--to", "corporate", expect=1)
    assert "give its certificate with --ca-file" in here.err
    start = (*START, "transport", "http", "--to", "corporate", "--ca-file", str(bundle))
    here.estui(*start, expect=2)
    assert "estui csr export es-1 es-2 kibana/kibana --to DIR" in here.err
    here.estui(*start, "--yes", "--restart", expect=3)
    assert set(map(frozenset, _trusted(here).values())) == {
        frozenset({"transport", "corporate"}),
        frozenset({"http", "corporate"}),
    }
    assert _issuers(here) == own
    here.estui("ca", "rollover", "tick", "--all")
    here.estui(*NEXT, expect=1)
    assert "no certificate of CA corporate is imported yet for es-1 transport, es-1 http, es-2 transport" in here.err
    assert "estui csr export es-1 es-2 kibana/kibana --to DIR, then estui csr import" in here.err
    requests = tmp_path / "requests"
    here.estui("csr", "export", "--to", str(requests))
    here.estui("csr", "import", *_sign(corporate, requests), "--ca", str(bundle))
    assert "estui ca rollover next" in here.err
    here.estui(*NEXT, expect=3)
    assert _issuers(here) == {ISSUING}
    assert all(chain[0] == ISSUING for chain in _chains(here).values())
    here.estui("ca", "rollover", "tick", "--all")
    before = _served(here)
    here.estui(*NEXT)
    assert here.err.count("transport refuses a certificate of CA transport") == 2
    assert set(map(frozenset, _trusted(here).values())) == {frozenset({"corporate"})}
    assert _served(here) == before
    assert _pids(here) == pids
    assert here.json("verify")["ok"]
    here.estui("plan", "https")
    assert "nothing to do" in here.out + here.err


def test_a_corporate_ca_is_left_for_one_of_estuis_own_and_an_abort_brings_back(bastion: Maker, tmp_path: Path) -> None:
    """Leaves that were imported stay where they are in the first phase: nobody here can sign for their CA."""
    here, corporate = bastion(2, kibana=True), Corporate()
    here.estui(*APPLY, "https")
    bundle = _bundle(corporate, tmp_path)
    half = tmp_path / "issuing.pem"
    half.write_bytes(pem_of(corporate.issuing))
    here.estui(*START, "http", "--ca-file", str(bundle), expect=2)
    here.estui(*START, "http", "--to", "http-9", "--ca-file", str(bundle), expect=2)
    assert "is a name of estui's own CAs" in here.err
    here.estui(*START, "http", "--to", "corporate", "--ca-file", str(half), expect=1)
    assert f"it holds no root CA ({ISSUING})" in here.err
    assert [each["name"] for each in here.json("ca", "list")] == ["http", "transport"]
    here.estui(*START, "http", "--to", "corporate", "--ca-file", str(bundle), "--yes", "--restart", expect=3)
    here.estui("ca", "rollover", "tick", "--all")
    requests = tmp_path / "requests"
    here.estui("csr", "export", "--layer", "http", "--to", str(requests))
    here.estui("csr", "import", *_sign(corporate, requests), "--ca", str(bundle))
    for expect in (3, 0):
        here.estui("ca", "rollover", "tick", "--all")
        here.estui(*NEXT, expect=expect)
    away = _served(here)
    here.estui(*START, "corporate", "--yes", "--restart", expect=3)
    assert _served(here) == away
    assert {frozenset(names) for name, names in _trusted(here).items() if "transport" not in name} == {
        frozenset({"corporate", "http-2"})
    }
    here.estui("ca", "rollover", "tick", "--all")
    here.estui(*NEXT, expect=3)
    assert _issuers(here) == {"CN=logs-demo transport CA", "CN=logs-demo HTTP CA 2"}
    here.estui("ca", "rollover", "abort", "--yes", "--restart")
    assert _served(here) == away
    assert here.json("verify")["ok"]


def test_a_node_joins_a_cluster_whose_leaves_a_corporate_ca_signs(bastion: Maker, tmp_path: Path) -> None:
    """Refused with the commands that help; after them the node is added with the leaves that came back."""
    here, corporate = bastion(2, kibana=False), Corporate()
    bundle = _bundle(corporate, tmp_path)
    first = tmp_path / "first"
    here.estui("csr", "export", "--to", str(first))
    here.estui("csr", "import", *_sign(corporate, first), "--ca", str(bundle))
    here.estui(*APPLY, "https")
    name = here.sandbox.add_node(masters=("es-3",))
    inventory = (here.workspace / "estui.yaml").read_bytes()
    _add(here, name, "--restart", expect=1)
    assert f"{name} transport and http: CA corporate has no key here" in here.err
    assert f"estui node add {here.sandbox.config(name)} --requests-to DIR" in here.err
    second = tmp_path / "second"
    here.estui("node", "add", str(here.sandbox.config(name)), "--requests-to", str(second), expect=3)
    assert (here.workspace / "estui.yaml").read_bytes() == inventory
    here.estui("csr", "import", *_sign(corporate, second), "--ca", str(bundle))
    _add(here, name, "--restart")
    assert all(chain[0] == ISSUING for chain in _chains(here).values())
    assert here.json("verify")["ok"]
    here.estui("plan", "https")
    assert "nothing to do" in here.out + here.err


def test_one_store_for_both_layers_moves_to_a_corporate_ca(bastion: Maker, tmp_path: Path) -> None:
    """As certutil's guide has it: the file can hold one leaf, so one request is made for both layers."""
    here, corporate = bastion(2, kibana=False), Corporate()
    here.estui(*APPLY, "https")
    with_one_store(here)
    files, pids = here.tree(), _pids(here)
    bundle = _bundle(corporate, tmp_path)
    start = (*START, "transport", "--to", "corporate", "--ca-file", str(bundle))
    here.estui(*start, "--yes", expect=3)
    requests = tmp_path / "requests"
    here.estui("csr", "export", "--to", str(requests))
    assert [path.name for path in sorted(requests.iterdir())] == ["es-1-transport.csr", "es-2-transport.csr"]
    assert "es-1 transport and http" in here.out + here.err
    here.estui("csr", "import", *_sign(corporate, requests), "--ca", str(bundle))
    for expect in (3, 0):
        here.estui("ca", "rollover", "tick", "--all")
        here.estui(*NEXT, expect=expect)
    assert _issuers(here) == {ISSUING}
    assert set(map(frozenset, _trusted(here).values())) == {frozenset({"corporate"})}
    assert _pids(here) == pids
    assert here.json("verify")["ok"]
    here.estui("ca", "rollover", "abort", "--yes")
    assert here.tree() == files
