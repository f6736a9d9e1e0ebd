"""Every name under which a node is reached is in its certificate, as the certificate will spell it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide import hosts
from estui.model.inventory import Address
from estui.model.observed import ApiFacts, Member, Observed
from tests.unit.decide.samples import Lab, node_yml


def published(observed: Observed, **members: tuple[str, str]) -> Observed:
    """The cluster as one node tells it: HTTP and transport publish address by node name."""
    told = tuple(Member(name, http=http, transport=transport) for name, (http, transport) in members.items())
    first = replace(observed.nodes[0], api=ApiFacts(reachable=True, members=told))
    return replace(observed, nodes=(first, *observed.nodes[1:]))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("10.0.0.5:9300", ("10.0.0.5",)),
        ("es-1.example.net/10.0.0.5:9300", ("es-1.example.net", "10.0.0.5")),
        ("[::1]:9300", ("::1",)),
        ("es-1/[fd00::5]:9300", ("es-1", "fd00::5")),
        ("", ()),
    ],
)
def test_publish_addresses_are_read_as_elasticsearch_prints_them(text: str, found: tuple[str, ...]) -> None:
    assert hosts.publish_hosts(text) == found


@pytest.mark.parametrize(
    ("line", "host"),
    [
        ("", "127.0.0.1"),
        ("network.host: 10.0.0.5", "10.0.0.5"),
        ("network.host: [10.0.0.5]", "10.0.0.5"),
        ("network.host: es-1.example.net", "es-1.example.net"),
        ('network.host: "[fd00::5]"', "fd00::5"),
        ("network.host: _local_", "127.0.0.1"),
        ("network.host: _site_", None),
        ("network.host: 0.0.0.0", None),
        ('network.host: ["_local_", "_site_"]', None),
        ("network.host: ${HOSTNAME}", None),
        ("network.host: 0.0.0.0\ntransport.publish_host: 10.0.0.7", "10.0.0.7"),
        ("network.host: 10.0.0.5\ntransport.host: 10.1.0.5", "10.1.0.5"),
    ],
)
def test_a_publish_host_counts_as_fixed_only_if_the_yml_fixes_it(lab: Lab, line: str, host: str | None) -> None:
    lab.node("es-1", node_yml("es-1", 1, line))
    assert hosts.static_transport_host(lab.look().nodes[0]) == host


def test_the_inventory_fixes_what_the_yml_leaves_open(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "network.host: 0.0.0.0"), transport=Address("10.0.0.9", 9300))
    observed = lab.look()
    assert hosts.static_transport_host(observed.nodes[0]) == "10.0.0.9"
    assert hosts.unchecked_hosts(observed) == ()


def test_a_host_name_is_enough_only_where_its_address_was_seen(lab: Lab) -> None:
    lab.node("es-1", node_yml("es-1", 1, "network.host: es-1.example.net"))
    down = lab.look(up=False)
    assert "the IP address behind es-1.example.net was not observed" in hosts.unchecked_hosts(down)[0]
    seen = published(down, **{"es-1": ("", "es-1.example.net/10.0.0.5:9300")})
    assert hosts.unchecked_hosts(seen) == ()
    assert hosts.transport_names(seen.nodes[0], seen) == (
        ("es-1", "es-1.example.net", "localhost"),
        ("10.0.0.5", "127.0.0.1"),
    )


def test_names_are_spelled_as_a_certificate_holds_them() -> None:
    asked = ["ES-1.Example.Net", "es-1.example.net.", "0:0:0:0:0:0:0:1", "[::1]", "fe80::1%eth0", "my node", "node.1"]
    assert hosts.split(asked) == (("es-1.example.net",), ("::1",))


def test_http_names_are_the_union_of_everything_that_reaches_the_node(lab: Lab) -> None:
    lab.node("es-1", None, http=Address("10.0.0.1", 9200), names=("logs.example.net", "*.search.example.net"))
    lab.node("es-2", None, http=Address("10.0.0.2", 9200))
    lab.with_kibana('elasticsearch.hosts: ["http://10.0.0.2:9200", "http://lb.example.net:9200", "http://[fd00::9]"]\n')
    lab.with_beat('output.elasticsearch.hosts: ["10.0.0.1:9200", "beats-lb"]\n')
    seen = published(lab.look(), **{"es-1": ("es-1.example.net/10.0.0.1:9200", ""), "es-2": ("10.0.0.2:9200", "")})
    names, addresses = hosts.http_names(seen.nodes[0], seen)
    assert set(names) == {
        "es-1", "es-1.example.net", "logs.example.net", "*.search.example.net", "lb.example.net", "beats-lb",
        "localhost",
    }  # fmt: skip
    assert set(addresses) == {"10.0.0.1", "fd00::9", "127.0.0.1"}


def test_a_port_decides_whose_address_it_is(lab: Lab) -> None:
    lab.node("es-1", None, http=Address("proxy.example.net", 9201)).node(
        "es-2", None, http=Address("proxy.example.net", 9202)
    )
    lab.with_kibana('elasticsearch.hosts: "http://proxy.example.net:9201"\n')
    observed = lab.look()
    assert hosts.client_hosts(observed.nodes[0], observed) == ("proxy.example.net",)
    assert hosts.client_hosts(observed.nodes[1], observed) == ()


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("http://es-1:9201", Address("es-1", 9201)),
        ("https://es-1/path", Address("es-1", 9200)),
        ("es-1:9201", Address("es-1", 9201)),
        ("http://[::1]:9201", Address("::1", 9201)),
        ("http://es-1:notaport", None),
        ("http://[broken", None),
        ("", None),
    ],
)
def test_urls_give_host_and_port_or_nothing(url: str, address: Address | None) -> None:
    assert hosts.address_of_url(url) == address
