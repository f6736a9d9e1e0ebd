"""Where a service listens, as far as its yml tells."""

from __future__ import annotations

import pytest

from estui.formats.yml import parse_settings
from estui.model.inventory import Address, KibanaEntry, Layer, NodeEntry
from estui.observe.addresses import kibana_address, node_address

NODE = NodeEntry("/mnt/es-1/config")


@pytest.mark.parametrize(
    ("yml", "http", "transport"),
    [
        ("", "127.0.0.1:9200", "127.0.0.1:9300"),
        ("network.host: 10.0.0.1", "10.0.0.1:9200", "10.0.0.1:9300"),
        ("network.host: _local_\nhttp.port: 9201", "127.0.0.1:9201", "127.0.0.1:9300"),
        ("network.host: localhost", "127.0.0.1:9200", "127.0.0.1:9300"),
        ("network.host: 0.0.0.0", None, None),
        ("network.host: _site_", None, None),
        ("network.host: _eth0:ipv4_", None, None),
        ("network.host: ${ES_HOST}", None, None),
        (
            "network.host: 0.0.0.0\nnetwork.publish_host: es-1.example.net",
            "es-1.example.net:9200",
            "es-1.example.net:9300",
        ),
        ("network.host: 0.0.0.0\nhttp.host: 10.0.0.9", "10.0.0.9:9200", None),
        ("http.host: 10.0.0.9\nhttp.publish_host: es-1\ntransport.host: 10.0.0.8", "es-1:9200", "10.0.0.8:9300"),
        ("network.host: [_local_, _site_]", None, None),
        ("network.host: [_local_, 10.0.0.1]", "10.0.0.1:9200", "10.0.0.1:9300"),
        ("network.host: _local_, 10.0.0.1", "10.0.0.1:9200", "10.0.0.1:9300"),
        ("network.host: '[::1]'", "[::1]:9200", "[::1]:9300"),
        ("http.port: 9200-9300\ntransport.port: '9305'", "127.0.0.1:9200", "127.0.0.1:9305"),
        ("http.port: 9250\nhttp.publish_port: 443", "127.0.0.1:443", "127.0.0.1:9300"),
        ("transport.tcp.port: 9310", "127.0.0.1:9200", "127.0.0.1:9310"),
        ("http.port: ${PORT}\ntransport.port: 0", None, None),
        ("http.port: 99999", None, "127.0.0.1:9300"),
    ],
)
def test_a_nodes_addresses_are_those_of_its_yml_or_none(yml: str, http: str | None, transport: str | None) -> None:
    settings = parse_settings(yml.encode(), "elasticsearch.yml")
    found = [node_address(NODE, settings, layer) for layer in (Layer.HTTP, Layer.TRANSPORT)]
    assert [str(address) if address else None for address in found] == [http, transport]


def test_the_inventory_wins_over_the_yml() -> None:
    entry = NodeEntry("/c", http=Address("lb", 443), transport=Address("es-1", 9301))
    settings = parse_settings(b"network.host: 0.0.0.0", "elasticsearch.yml")
    assert node_address(entry, settings, Layer.HTTP) == Address("lb", 443)
    assert node_address(entry, settings, Layer.TRANSPORT) == Address("es-1", 9301)


@pytest.mark.parametrize(
    ("yml", "address"),
    [
        ("", "localhost:5601"),
        ("server.host: 0.0.0.0", "localhost:5601"),
        ('server.host: "::"', "localhost:5601"),
        ("server.host: kb.example.net\nserver.port: 5602", "kb.example.net:5602"),
        ("server.host: ${HOST}", None),
        ("server.port: nonsense", None),
    ],
)
def test_kibanas_address_is_that_of_its_yml_or_none(yml: str, address: str | None) -> None:
    found = kibana_address(KibanaEntry("/k"), parse_settings(yml.encode(), "kibana.yml"))
    assert (str(found) if found else None) == address
