"""A CA that is renewed under a running cluster, by the public commands."""

from __future__ import annotations

import pytest

from estui.model.inventory import Layer
from estui.observe.cluster import observe
from estui.observe.workspace import read_inventory
from tests.job.conftest import Bastion, Maker

pytestmark = pytest.mark.slow


def _authorities(here: Bastion) -> set[int]:
    """Serials of the CA certificates that are served on HTTP and trusted by Kibana."""
    observed = observe(read_inventory(here.workspace), digest_key=b"test")
    served = [node.port(Layer.HTTP).chain[1] for node in observed.nodes]
    served += [each.served.chain[1] for each in observed.kibana]
    return {each.serial for each in (*served, *(facts for each in observed.kibana for facts in each.trust.trusted))}


def test_a_renewed_ca_is_spread_by_a_rotation(bastion: Maker) -> None:
    """Old and new certificate of one key vouch for one another's leaves: nothing fails at any point between."""
    here = bastion(1, kibana=True)
    here.estui("apply", "--yes", "--restart", "https")
    before = _authorities(here)
    here.estui("ca", "renew", "http", "--days", "4000")
    assert "is still what these trust: es-1 http, kibana/kibana" in here.out
    assert here.json("verify")["ok"]
    here.estui("rotate", "es-1", "--layer", "http", "--yes")
    assert here.json("verify")["ok"]
    here.estui("rotate", "--all", "--yes", "--restart")
    after = _authorities(here)
    assert len(after) == 1
    assert after.isdisjoint(before)
    assert here.json("verify")["ok"]
    issued = here.estui("ca", "issued", "http")
    assert [issued.count(word) for word in ("installed: es-1 http", "installed: kibana/kibana", "replaced")] == [
        1,
        1,
        3,
    ]
    here.estui("plan", "https")
    here.estui("rollback", "--yes", "--restart")
    assert here.json("verify")["ok"]
