"""What became of issued leaves, and CAs that cut leaves short."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide import lifetimes
from estui.decide.issued import Fate, issued_leaves
from estui.errors import StoreError
from estui.model.goal import Goal, Rotation, Scenario
from estui.model.inventory import Inventory, Layer, Policy
from estui.model.observed import Observed
from estui.pki.renewal import renew_authority
from tests.unit.decide.samples import NOW, Lab


def record(sha256: str, target: str = "es-1", set_name: str = "http", days: int = 300) -> dict[str, object]:
    return {
        "serial": "ab",
        "subject": f"CN={target}",
        "names": [target],
        "not_after": (NOW + timedelta(days=days)).isoformat(),
        "sha256": sha256,
        "target": target,
        "set": set_name,
        "run": "r",
    }


def test_every_leaf_is_installed_replaced_outstanding_or_expired(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    observed = lab.look()
    leaf = observed.nodes[0].disk[Layer.HTTP].leaf
    assert leaf
    records = [record(leaf.sha256), record("00"), record("00", target="gone"), record("00", days=-1)]
    found = issued_leaves(records, observed, NOW)
    assert [each.fate for each in found] == [Fate.INSTALLED, Fate.REPLACED, Fate.OUTSTANDING, Fate.EXPIRED]
    assert found[0].installed == ("es-1 http",)


def test_a_leaf_that_was_carried_elsewhere_is_seen_where_it_is(lab: Lab) -> None:
    """A copy of a node's files on another node is told by where the leaf lies, not by what it was issued for."""
    lab.three()
    lab.apply(lab.plan(Scenario.HTTPS))
    observed = lab.look()
    leaf = observed.nodes[1].disk[Layer.HTTP].leaf
    assert leaf
    assert issued_leaves([record(leaf.sha256)], observed, NOW)[0].installed == ("es-2 http",)


def test_a_record_without_a_date_is_told() -> None:
    with pytest.raises(StoreError, match="serial ab has no date"):
        issued_leaves([{**record("00"), "not_after": "soon"}], Observed(Inventory("lab", ()), ()), NOW)


def test_a_review_says_that_a_leaf_ends_with_its_ca(lab: Lab) -> None:
    lab.three()
    lab.policy = replace(Policy(), ca_days=400)
    lab.apply(lab.plan(Scenario.HTTPS))
    assert not [note for note in lab.plan(Goal(Scenario.HTTPS, rotation=Rotation())).notes if "with its CA" in note]
    lab.later(days=330)
    notes = lab.plan(Goal(Scenario.HTTPS, rotation=Rotation(sets=("http",)))).notes
    names = "es-1 http, es-2 http, es-3 http"
    assert f"{names}: a leaf of 397 days ends with its CA on 2027-12-30" in notes
    assert "the CA http ends in 70 days: estui ca renew http makes it last, with the same key" in notes


def test_a_ca_is_due_earlier_than_a_leaf(lab: Lab) -> None:
    lab.three()
    lab.apply(lab.plan(Scenario.BASIC))
    (authority,) = lab.look().authorities
    end = authority.certificate.not_after
    assert not lifetimes.is_authority_due(authority, Policy(), end - timedelta(days=91))
    assert lifetimes.is_authority_due(authority, Policy(), end - timedelta(days=90))
    assert lifetimes.is_authority_due(authority, Policy(renew_before_days=120), end - timedelta(days=120))


def test_who_trusts_the_certificate_before_gets_the_new_one_by_a_rotation(lab: Lab) -> None:
    """A CA that was renewed with the same key is no stranger, and every set is published with its new certificate."""
    yml = "server.port: 5601\nelasticsearch.hosts: http://127.0.0.1:9201\n"
    lab.three().with_kibana(yml, on_host="/etc/kibana")
    lab.apply(lab.plan(Scenario.HTTPS))
    before = lab.look()
    old = {each.name: each.certificate for each in before.authorities}
    for name, (key, certificate) in lab.authorities.items():
        new = renew_authority(certificate, key=key, serial=9, now=NOW + timedelta(days=1), days=3650, name=name)
        lab.authorities[name] = (key, new)
    lab.later(days=1)
    observed = lab.look()
    authorities = tuple(replace(each, earlier=(old[each.name].sha256,)) for each in observed.authorities)
    renewed = replace(observed, authorities=authorities)
    plan = lab.plan(Goal(Scenario.HTTPS, rotation=Rotation()), observed=renewed)
    published = {(change.target, change.set_name) for change in plan.changes}  # type: ignore[union-attr]
    nodes = {(f"es-{number}", layer) for number in (1, 2, 3) for layer in ("transport", "http")}
    assert published == nodes | {("kibana/kibana-1", "server"), ("kibana/kibana-1", "elasticsearch")}
    lab.apply(plan)
    trusted = {each.sha256 for node in lab.look().nodes for disk in node.disk.values() for each in disk.trusted}
    assert trusted == {each.certificate.sha256 for each in authorities}
    assert lab.look().kibana[0].trust.trusted[0].sha256 != old["http"].sha256
