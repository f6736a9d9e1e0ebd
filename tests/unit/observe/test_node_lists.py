"""A node's own list of certificates, read from bodies that real nodes answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from estui.errors import ProbeError
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode, PortState, Served
from estui.observe.cluster import client_factory
from estui.observe.http import Basic, Client
from estui.observe.node_lists import read_node_lists, ssl_certificates
from estui.secret import Secret
from tests.unit.decide.findings.builders import answers, node
from tests.unit.observe.servers import ANSWERS, Handler, answer, http, refused_address, server

LOGIN = Basic("elastic", Secret("changeme"))


def listing(body: bytes, status: str = "200 OK") -> Handler:
    return http(lambda path, request: answer(body, status) if path == "/_ssl/certificates" else answer(b"", "404 No"))


def sample(kind: str) -> bytes:
    return (ANSWERS / f"_ssl_certificates-{kind}-9.1.0.json").read_bytes()


@pytest.mark.parametrize("kind", ["p12", "pem"])
def test_the_list_of_a_real_node_is_understood(kind: str) -> None:
    with server(listing(sample(kind))) as address, Client(address, None) as client:
        found = ssl_certificates(client)
    leaf = next(each for each in found if each.subject == "CN=n1")
    assert leaf.not_after == datetime(2027, 9, 20, 0, 39, 57, tzinfo=UTC)
    assert leaf.issuer == "CN=Lab CA"
    assert leaf.has_private_key
    assert leaf.serial > 2**100
    assert (leaf.alias, leaf.path) == (("instance", "certs/http.p12") if kind == "p12" else ("", "certs/http.crt"))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"error":{"reason":"action is unauthorized"}}', "action is unauthorized"),
        (b'{"certificates":[]}', "not with a list"),
        (b'[{"path":"a","serial_number":"zz","expiry":"2027-09-20T00:39:57.000Z"}]', "readable serial number"),
        (b'[{"path":"a","serial_number":"1","expiry":"tomorrow"}]', "readable serial number"),
    ],
)
def test_another_answer_is_told_in_words(body: bytes, words: str) -> None:
    status = "403 Forbidden" if b"error" in body else "200 OK"
    with (
        server(listing(body, status)) as address,
        Client(address, None) as client,
        pytest.raises(ProbeError, match=words),
    ):
        ssl_certificates(client)


def logged_in(made: ObservedNode, **given: object) -> ObservedNode:
    return replace(made, api=answers(made.name, authenticated_as="elastic"), **given)  # type: ignore[arg-type]


def test_only_nodes_that_let_us_log_in_are_asked_and_none_holds_up_the_others() -> None:
    closed = refused_address()
    with server(listing(sample("pem"))) as address:
        plain = {Layer.HTTP: Served(address, PortState.PLAIN)}
        nodes = [
            logged_in(node(name="es-1"), http_address=address, served=plain),
            logged_in(node(name="es-2"), http_address=closed, served={Layer.HTTP: Served(closed, PortState.PLAIN)}),
            replace(node(name="es-3"), http_address=address, served=plain),
        ]
        found = read_node_lists(nodes, (), client_factory(LOGIN, over_plain=True))
    assert set(found) == {"es-1", "es-2"}
    assert found["es-1"].certificates
    assert not found["es-1"].problem
    assert found["es-2"].problem
