"""What ends when: every certificate wherever it is, once, and never a silence about what could not be looked at."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide.expiry import expiry_report
from estui.model.certificate import CertificateFacts
from estui.model.expiry import (
    ExpiryReport,
    ExpiryRow,
    ExpiryState,
    Holder,
    ListedCertificate,
    NodeList,
    Sighting,
    Where,
)
from estui.model.finding import Finding, Severity
from estui.model.inventory import Address, Layer
from estui.model.observed import AuthorityFacts, Fault, Observed, ObservedNode, PortState, Served
from tests.unit.decide.findings.builders import NOW, SECURED, V9, beat, ca, disk, facts, kibana, named, node, on, seen

HTTP = Address("es-1", 9200)


def ending(days: float, common_name: str = "es-1") -> CertificateFacts:
    """A leaf that ends after so many days; its fingerprint is made up, so that each is another certificate."""
    made = facts(common_name=common_name)
    return replace(made, not_after=NOW + timedelta(days=days), sha256=f"{common_name}-{days}")


def report(
    *things: object, lists: dict[str, NodeList] | None = None, network: bool = False, **given: object
) -> ExpiryReport:
    observed = things[0] if isinstance(things[0], Observed) else seen(*things)  # type: ignore[arg-type]
    return expiry_report(observed, NOW, lists=lists or {}, network=network, **given)  # type: ignore[arg-type]


def with_leaf(leaf: CertificateFacts, name: str = "es-1") -> ObservedNode:
    return node(name=name, disk=on(Layer.HTTP, disk(leaf)))


def row_of(found: ExpiryReport, leaf: CertificateFacts) -> ExpiryRow:
    (row,) = [row for row in found.rows if row.sha256 == leaf.sha256]
    return row


# how one stands


@pytest.mark.parametrize(
    ("days", "state"),
    [
        (-0.1, ExpiryState.EXPIRED),
        (0.5, ExpiryState.CRITICAL),
        (7.9, ExpiryState.CRITICAL),
        (8, ExpiryState.DUE),
        (30.9, ExpiryState.DUE),
        (31, ExpiryState.OK),
    ],
)
def test_days_left_decide(days: float, state: ExpiryState) -> None:
    """Seven days are critical and the policy's thirty are due, counted in whole days as elsewhere."""
    found = report(with_leaf(ending(days)))
    assert row_of(found, ending(days)).state is state
    assert found.state is state


def test_thresholds_can_be_given() -> None:
    assert report(with_leaf(ending(50)), warn_days=60).state is ExpiryState.DUE
    assert report(with_leaf(ending(50)), warn_days=60, critical_days=55).state is ExpiryState.CRITICAL


def test_a_certificate_of_tomorrow_is_told_whatever_its_end() -> None:
    early = replace(ending(300), not_before=NOW + timedelta(hours=1))
    assert report(with_leaf(early)).state is ExpiryState.NOT_YET_VALID


def test_dates_that_cannot_be_read_are_no_reason_to_say_ok() -> None:
    odd = replace(ending(1), not_after=NOW.replace(year=1))
    assert report(with_leaf(odd)).state is ExpiryState.UNKNOWN


def test_what_ends_first_comes_first_and_what_is_unknown_last() -> None:
    locked = replace(
        disk(), chain=(), leaf=None, named=(named("certificate", "x.crt", fault=Fault.BROKEN, detail="no"),)
    )
    found = report(
        with_leaf(ending(90, "b"), "es-1"),
        with_leaf(ending(-5, "a"), "es-2"),
        node(name="es-3", disk=on(Layer.HTTP, locked)),
    )
    ends = [row.not_after for row in found.rows]
    assert ends[-1] is None
    assert ends[:-1] == sorted(end for end in ends if end)
    assert found.rows[0].state is ExpiryState.EXPIRED


# where certificates are


def test_one_certificate_of_several_holders_is_one_row_for_each_kind() -> None:
    """The HTTP CA: trusted by nodes, by Kibana and by a Beat, and kept by the workspace."""
    trusting = replace(disk(), leaf=None, chain=())
    things = (
        with_leaf(ending(100, "a"), "es-1"),
        with_leaf(ending(100, "b"), "es-2"),
        kibana(trust=trusting),
        beat(trust=trusting),
    )
    observed = replace(seen(*things), authorities=(AuthorityFacts("http", ca(), True),))
    rows = [row for row in report(observed).rows if row.sha256 == ca().sha256]
    assert [row.holder for row in rows] == list(Holder)
    assert [seen.target for seen in rows[0].seen] == ["es-1", "es-2"]
    assert {each.where for row in rows[:3] for each in row.seen} == {Where.TRUST}
    assert rows[3].seen == (Sighting("ca/http", "ca", Where.DISK, "ca/http/ca.crt"),)


def test_a_leaf_on_disk_and_served_is_one_row_and_another_one_served_is_a_second() -> None:
    """What was replaced and is not loaded shows itself: the old one is served still."""
    new, old = ending(300, "new"), ending(3, "old")
    here = with_leaf(new)
    same = report(replace(here, served={Layer.HTTP: Served(HTTP, PortState.TLS, chain=(new,))}), network=True)
    assert [each.where for each in row_of(same, new).seen] == [Where.DISK, Where.SERVED]
    stale = report(replace(here, served={Layer.HTTP: Served(HTTP, PortState.TLS, chain=(old,))}), network=True)
    assert [each.where for each in row_of(stale, old).seen] == [Where.SERVED]
    assert stale.state is ExpiryState.CRITICAL


def test_certificates_in_a_store_are_told_apart_from_files() -> None:
    store = replace(disk(ending(9)), named=(named("keystore.path", "t.p12"), named("truststore.path", "t.p12")))
    (own,) = row_of(report(node(disk=on(Layer.HTTP, store))), ending(9)).seen
    assert (own.where, own.place) == (Where.STORE, "t.p12")


@pytest.mark.parametrize("enabled", [True, False])
def test_contexts_beside_the_layers_count_where_they_are_used(enabled: bool) -> None:
    realm = replace(disk(ending(-1)), enabled=enabled)
    found = report(node(extra=(("realm/ldap/one", realm),)))
    assert found.state is (ExpiryState.EXPIRED if enabled else ExpiryState.OK)
    assert [each.context for row in found.rows for each in row.seen] == ["realm/ldap/one"] * 2 * enabled


def test_a_layer_that_does_not_speak_tls_is_left_out() -> None:
    """Left-over settings of a node without security, and a layer that is switched off."""
    expired = on(Layer.HTTP, disk(ending(-1)))
    for yml in (SECURED.replace("security.enabled: true", "security.enabled: false"), "xpack.security.enabled: true\n"):
        assert report(node(yml, disk=expired)).rows == ()


def test_client_certificates_and_trust_of_kibana_and_beats_count() -> None:
    found = report(kibana(trust=disk(ending(5, "kibana"))), beat(trust=disk(ending(4, "beat"))))
    assert [row.subject for row in found.rows[:2]] == [ending(4, "beat").subject, ending(5, "kibana").subject]
    contexts = {(each.target, each.context) for row in found.rows for each in row.seen}
    assert contexts == {("kibana/kibana", "elasticsearch"), ("beat/metricbeat", "output")}


# what cannot be looked at


def hidden(found: ExpiryReport) -> list[str]:
    return [row.detail for row in found.rows if row.state is ExpiryState.UNKNOWN]


@pytest.mark.parametrize("setting", ["certificate", "keystore.path", "certificate_authorities", "truststore.path"])
def test_a_file_that_cannot_be_read_is_never_ok(setting: str) -> None:
    locked = named(setting, "x.p12", fault=Fault.PASSWORD, detail="x.p12: wrong password")
    found = report(node(disk=on(Layer.HTTP, replace(disk(ending(300)), named=(locked,)))))
    assert found.state is ExpiryState.UNKNOWN
    assert hidden(found) == ["x.p12: wrong password"]
    assert [each.complete for each in found.targets] == [False]


def test_a_key_that_cannot_be_opened_hides_no_certificate() -> None:
    locked = named("key", "x.key", fault=Fault.PASSWORD, detail="x.key: encrypted")
    assert report(node(disk=on(Layer.HTTP, replace(disk(ending(300)), named=(locked,))))).state is ExpiryState.OK


def test_a_folder_that_cannot_be_read_is_never_ok() -> None:
    gone = Finding("folder-unreadable", Severity.FATAL, "es-1", "the folder does not answer", where="/mnt/es-1")
    assert hidden(report(node("", disk={}, problems=(gone,)))) == ["the folder does not answer"]
    locked = Finding("keystore-locked", Severity.FATAL, "es-1", "elasticsearch.keystore: wrong password")
    assert report(replace(with_leaf(ending(300)), problems=(locked,))).state is ExpiryState.OK


@pytest.mark.parametrize("state", [PortState.REFUSED, PortState.TIMED_OUT, PortState.UNREACHABLE, PortState.SILENT])
def test_a_port_that_should_speak_tls_and_gives_no_answer_is_never_ok(state: PortState) -> None:
    ports = {layer: Served(HTTP, state) for layer in Layer}
    found = report(replace(with_leaf(ending(300)), served=ports), network=True)
    assert hidden(found) == sorted(f"the {layer.value} port does not answer: {state.value}" for layer in Layer)
    plain = report(node("xpack.security.enabled: false\n", served=ports), network=True)
    assert plain.rows == (), "a port without TLS hides no certificate"


def test_a_port_whose_address_is_not_known_is_never_ok_unless_no_port_was_to_be_asked() -> None:
    here = with_leaf(ending(300))
    assert all("address is not known" in text for text in hidden(report(here, network=True)))
    assert hidden(report(here, network=True))
    assert report(here, network=False).state is ExpiryState.OK


def test_a_handshake_without_a_certificate_is_never_ok() -> None:
    failed = Served(HTTP, PortState.TLS, "speaks only versions of TLS before 1.2")
    found = report(replace(with_leaf(ending(300)), served=dict.fromkeys(Layer, failed)), network=True)
    assert found.state is ExpiryState.UNKNOWN


def test_a_stock_container_that_is_down_may_hide_certificates() -> None:
    """Its settings come from the environment, so its yml says nothing."""
    yml = "cluster.name: docker-cluster\nnetwork.host: 0.0.0.0\n"
    made = node(yml, version=V9, served=dict.fromkeys(Layer, Served(HTTP, PortState.REFUSED)))
    stock = replace(made, settings={key: value for key, value in made.settings.items() if key != "node.name"})
    assert hidden(report(stock, network=True))


# the nodes' own lists


def entry(leaf: CertificateFacts, path: str = "t.crt", **given: object) -> ListedCertificate:
    made = ListedCertificate(path, "PEM", leaf.subject, leaf.issuer, leaf.serial, leaf.not_after)
    return replace(made, **given)  # type: ignore[arg-type]


def test_what_a_node_lists_joins_what_is_known_of_it_and_adds_the_rest() -> None:
    leaf, unused = ending(200), replace(ending(2, "unused"), serial=99)
    lists = {"es-1": NodeList((entry(leaf), entry(unused, "old.p12")))}
    found = report(with_leaf(leaf), lists=lists)
    assert [each.where for each in row_of(found, leaf).seen] == [Where.DISK, Where.LISTED]
    first = found.rows[0]
    assert (first.subject, first.sha256, first.state) == (unused.subject, "", ExpiryState.CRITICAL)
    assert [(each.context, each.where) for each in first.seen] == [("other", Where.LISTED)]


def test_a_store_that_only_the_node_can_open_is_no_riddle_once_it_lists_it() -> None:
    """JKS, or a password that is not here."""
    foreign = replace(
        disk(), leaf=None, chain=(), named=(named("keystore.path", "node.jks", fault=Fault.FOREIGN, detail="JKS"),)
    )
    here = node(disk=on(Layer.HTTP, replace(foreign, trusted=())))
    assert report(here).state is ExpiryState.UNKNOWN
    found = report(here, lists={"es-1": NodeList((entry(ending(100), "node.jks", format="jks"),))})
    assert found.state is ExpiryState.OK
    assert [each.context for row in found.rows for each in row.seen] == ["http"]


def test_a_node_that_does_not_list_is_never_ok() -> None:
    found = report(with_leaf(ending(300)), lists={"es-1": NodeList(problem="HTTP 500: cannot read x.crt")})
    assert hidden(found) == ["the node does not list its certificates: HTTP 500: cannot read x.crt"]


def test_a_cluster_without_certificates_is_in_order() -> None:
    found = report(node("xpack.security.enabled: false\n"))
    assert (found.rows, found.state) == ((), ExpiryState.OK)
