"""A new CA for set-ups that estui did not make: files keep their names, and no node restarts."""

from __future__ import annotations

import pytest

from estui.formats import pkcs12
from estui.secret import Secret
from tests.job.by_hand import STORE, STORE_PASSWORD, with_one_store, with_own_names
from tests.job.conftest import Bastion, Maker
from tests.job.test_rollover import APPLY, NEXT, START, _issuers, _pids, _served, _trusted

pytestmark = pytest.mark.slow


def _through(here: Bastion, *names: str) -> None:
    """All three phases; after the first one both CAs are trusted everywhere."""
    here.estui(*START, *names, "--yes", expect=3)
    assert {frozenset(trusted) for trusted in _trusted(here).values()} == {
        frozenset({name, f"{name}-2"}) for name in names
    }
    for expect in (3, 0):
        here.estui("ca", "rollover", "tick", "--all")
        here.estui(*NEXT, expect=expect)
    assert {frozenset(trusted) for trusted in _trusted(here).values()} == {frozenset({f"{name}-2"}) for name in names}


def test_one_store_for_everything_gets_leaves_and_trust_of_the_new_ca(bastion: Maker) -> None:
    """Keystore and truststore at once, a copy of one file on all nodes; undone, it is what it was to the byte."""
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    with_one_store(here)
    files, before, pids = here.tree(), _served(here), _pids(here)
    _through(here, "transport")
    assert _issuers(here) == {"CN=logs-demo transport CA 2"}
    assert _pids(here) == pids
    for node in here.sandbox.node_names:
        content = pkcs12.read_pkcs12((here.sandbox.config(node) / STORE).read_bytes(), Secret(STORE_PASSWORD), STORE)
        (entry,), ((_, ca),) = content.keys, content.trusted
        assert (entry.alias, entry.chain) == ("instance", (ca,))
    assert here.leftovers() == []
    assert here.json("verify")["ok"]
    for _ in range(3):
        here.estui("rollback", "--yes")
    assert here.tree() == files
    assert _served(here) == before


def test_pem_files_with_names_of_their_own_get_a_new_ca(bastion: Maker) -> None:
    here = bastion(2, kibana=False)
    here.estui(*APPLY, "https")
    with_own_names(here)
    pids, names = _pids(here), set(here.tree())
    _through(here, "transport", "http")
    assert _issuers(here) == {"CN=logs-demo transport CA 2", "CN=logs-demo HTTP CA 2"}
    assert _pids(here) == pids
    assert set(here.tree()) == names
    assert here.json("verify")["ok"]
