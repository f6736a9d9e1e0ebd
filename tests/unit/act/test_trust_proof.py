"""Whether a running node trusts a CA whose key is elsewhere: its transport port has to name it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.act import trust_proof
from estui.act.peers import Peers
from estui.act.trust_proof import TrustProof
from estui.errors import ProbeError
from estui.model.goal import Goal, Phase, Rollover, Scenario
from estui.model.inventory import Layer, StoreFormat
from estui.model.plan import PublishSet
from tests.corporate import Corporate
from tests.unit.act.folders import NOW, Cluster
from tests.unit.act.offline import go_offline
from tests.unit.act.test_imported import with_change

OLD, NEW = Corporate(now=NOW, words="Old"), Corporate(now=NOW, words="New")


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    go_offline(monkeypatch)


def _proof(cluster: Cluster, phase: Phase, *trust: str, new: Corporate = NEW) -> TrustProof:
    """A rollover from one CA of others to another; the leaf stays in this phase."""
    cluster.workspace.import_authority("old", OLD.root, None, None)
    cluster.workspace.import_authority("new", new.root, None, None)
    kept = PublishSet("n1", "transport", None, trust, StoreFormat.PEM, True, "t", keep_leaf=True)
    plan = with_change(cluster.plan(sets=("transport",), pkcs12=()), kept)
    goal = Goal(Scenario.HTTPS, rollover=Rollover("r-1", phase, (("old", "new"),)))
    context = cluster.context(replace(plan, goal=goal))
    return TrustProof(context, Peers(context))


def _names(monkeypatch: pytest.MonkeyPatch, *named: Corporate) -> None:
    found = tuple(each.root.subject.public_bytes() for each in named)
    monkeypatch.setattr(trust_proof, "announced", lambda address, *, timeout_s: found)


def test_new_trust_is_loaded_once_the_port_names_the_new_ca(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = _proof(single, Phase.TRUST, "old", "new")
    assert proof.authorities("n1", Layer.TRANSPORT) == ("old", "new")
    _names(monkeypatch, OLD)
    with pytest.raises(ProbeError, match="does not name CA new yet"):
        proof.trusts("n1", "new")
    _names(monkeypatch, OLD, NEW)
    assert proof.trusts("n1", "new") == "transport names CA new as one that it accepts"


def test_a_dropped_ca_is_gone_once_the_port_names_it_no_longer(
    single: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof = _proof(single, Phase.DROP, "new")
    assert proof.dropped("n1", Layer.TRANSPORT) == ("old",)
    _names(monkeypatch, OLD, NEW)
    with pytest.raises(ProbeError, match="still names CA old"):
        proof.refuses("n1", "old")
    _names(monkeypatch, NEW)
    assert proof.refuses("n1", "old") == "transport no longer names CA old as one that it accepts"


def test_a_port_that_names_nobody_proves_nothing_and_says_so(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told as not seen, never as proven; and it does not block those who run a proxy in front of the port."""
    _names(monkeypatch)
    assert "cannot be seen" in _proof(single, Phase.TRUST, "old", "new").trusts("n1", "new")


def test_two_cas_of_one_name_are_not_told_apart_by_it(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    _names(monkeypatch, OLD)
    proof = _proof(single, Phase.TRUST, "old", "new", new=Corporate(now=NOW, words="Old"))
    assert "another CA has its name" in proof.trusts("n1", "new")
