"""Rotation of files that keep their names, by the public commands: under running nodes, and back byte for byte."""

from __future__ import annotations

import pytest
from cryptography import x509

from estui.formats import pkcs12
from estui.secret import Secret
from tests.job.by_hand import STORE, STORE_PASSWORD, put, with_one_store, with_own_names
from tests.job.conftest import Maker
from tests.job.test_rotation import APPLY, _pids, _served

pytestmark = pytest.mark.slow


def test_files_with_names_of_their_own_are_rotated_and_brought_back(bastion: Maker) -> None:
    """New leaves are served without a restart; the CA files stay; an undo restores every byte, owner and mode."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    with_own_names(here)
    before, files, pids = _served(here), here.tree(), _pids(here)
    here.estui("rotate", "--all", "--yes")
    after = _served(here)
    assert all(after[name] != serial for name, serial in before.items())
    assert _pids(here) == pids
    changed = {path for path, state in here.tree().items() if files.get(path) != state}
    assert changed == {
        f"{node}/certs/{layer}.{end}"
        for node in here.sandbox.node_names
        for layer in ("http", "transport")
        for end in ("crt", "key")
    }
    assert here.leftovers() == []
    here.estui("rollback", "--yes")
    assert here.tree() == files
    assert _served(here) == before
    assert here.json("verify")["ok"]


def test_one_store_for_both_layers_gets_one_new_leaf(bastion: Maker) -> None:
    """Alias, password and trusted entries stay; every node gets a leaf of its own; one layer alone is refused."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    with_one_store(here)
    before, files, pids = _served(here), here.tree(), _pids(here)
    assert len(set(before.values())) == 1
    here.estui("rotate", "es-1", "--layer", "http", "--yes", expect=1)
    assert "share one leaf" in here.err
    here.estui("rotate", "--all", expect=2)
    assert "copies of one certificate" in here.err
    here.estui("rotate", "--all", "--yes")
    after = _served(here)
    assert after["es-1 http"] == after["es-1 transport"] != after["es-2 http"]
    assert before["es-1 http"] not in after.values()
    assert _pids(here) == pids
    store = (here.sandbox.config("es-1") / STORE).read_bytes()
    content = pkcs12.read_pkcs12(store, Secret(STORE_PASSWORD), STORE)
    (entry,), ((alias, ca),) = content.keys, content.trusted
    assert (entry.alias, alias, entry.chain) == ("instance", "ca", (ca,))
    assert entry.leaf
    names = entry.leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    assert here.json("verify")["ok"]
    here.estui("rollback", "--yes")
    assert here.tree() == files
    assert _served(here) == before


def test_a_node_that_does_not_reload_is_restarted(bastion: Maker) -> None:
    """One after the other, by the inventory's own commands; the undo restarts them as well."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "https")
    with_own_names(here, "resource.reload.enabled: false")
    before, files, pids = _served(here), here.tree(), _pids(here)
    here.estui("rotate", "--all", "--yes", "--restart")
    after = _served(here)
    assert all(after[name] != serial for name, serial in before.items())
    assert _pids(here) != pids
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == files
    assert _served(here) == before


def test_why_a_node_has_not_loaded_new_files_is_told(bastion: Maker) -> None:
    """The yml was changed after the node's start: it goes on with the files of before, and says so when asked."""
    here = bastion(1, kibana=False)
    here.estui(*APPLY, "https")
    with_own_names(here)
    config = here.sandbox.config("es-1")
    for end in ("crt", "key"):
        put(config / f"certs/http-new.{end}", (config / f"certs/http.{end}").read_bytes())
    yml = config / "elasticsearch.yml"
    yml.write_text(yml.read_text().replace("certs/http.", "certs/http-new."))
    files = here.tree()
    here.estui("rotate", "--all", "--layer", "http", "--yes", expect=1)
    assert "es-1 has not loaded its http set" in here.err
    assert "its yml names certs/http-new.crt, and the node was started with certs/http.crt" in here.err
    here.estui("rollback", "--yes")
    assert here.tree() == files
