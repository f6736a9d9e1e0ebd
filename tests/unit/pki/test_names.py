"""Names are sorted into SANs, and certificates cover hosts, by the rules that TLS clients follow."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.errors import CertificateError
from estui.pki.facts import certificate_facts
from estui.pki.names import covers, normalised_address, split_names
from tests.unit.pki import samples


def test_hosts_and_addresses_are_told_apart_each_once_in_order() -> None:
    names = [
        "ES-2.example.net.",
        "10.0.0.2",
        "[2001:DB8:0::1]",
        "es-2.example.net",
        "es_3",
        "2001:db8::1",
        "*.example.net",
    ]
    assert split_names(names) == (("es-2.example.net", "es_3", "*.example.net"), ("10.0.0.2", "2001:db8::1"))


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "a b", "es-1:9200", "https://es-1", "-a", "a-", "a..b", "*", "a.*.b", "*a.b", "x" * 64),
        *("a." * 127 + "a", "10.0.0", "300.1.1.1", "fe80::1%eth0", "[::1", "ä.example.net", "a\nb"),
    ],
)
def test_what_is_neither_is_refused_by_name(name: str) -> None:
    with pytest.raises(CertificateError) as caught:
        split_names(["ok", name])
    assert repr(name) in str(caught.value)


@pytest.mark.parametrize(
    ("text", "address"), [("[::1]", "::1"), ("10.0.0.1", "10.0.0.1"), ("0:0::1", "::1"), ("es-1", None), ("", None)]
)
def test_addresses_are_normalised(text: str, address: str | None) -> None:
    assert normalised_address(text) == address


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("es-1.example.net", True),
        ("ES-1.Example.NET.", True),
        ("a.wild.example.net", True),
        ("10.0.0.1", True),
        ("[2001:db8:0::1]", True),
        ("es-2.example.net", False),
        ("wild.example.net", False),
        ("a.b.wild.example.net", False),
        (".wild.example.net", False),
        ("a.local", False),
        ("es-9.partial.net", False),
        ("10.0.0.2", False),
        ("1.1.1.1", False),
        ("cn-only", False),
        ("", False),
    ],
)
def test_a_certificate_covers_what_tls_clients_accept(host: str, covered: bool) -> None:
    """`1.1.1.1` stands as a host name there: an address is covered by an address only."""
    facts = replace(
        certificate_facts(samples.leaf()),
        subject="CN=cn-only",
        dns_names=("es-1.example.net", "*.wild.example.net", "*.local", "es-*.partial.net", "1.1.1.1"),
        addresses=("10.0.0.1", "2001:db8::1"),
    )
    assert covers(facts, host) is covered
