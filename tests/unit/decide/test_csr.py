"""Answers of an external CA: each thing that can be wrong with one is told precisely, and what is right passes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa

from estui.decide.csr import (
    Matched,
    Pending,
    answer_notes,
    answer_reasons,
    needed_names,
    request_refusals,
    sort_out,
    stems,
    unanswered,
    wanted_requests,
)
from estui.model.certificate import CertificateFacts
from estui.model.csr import CsrEntry, Received
from estui.model.inventory import KeyType, Layer
from estui.model.plan import LeafRequest
from estui.pki.csr import build_request, request_pem
from estui.pki.facts import certificate_facts
from estui.pki.keys import public_key_sha256
from tests.corporate import Corporate
from tests.unit.decide.samples import NOW, Lab
from tests.unit.pki.samples import key, rsa_key

CORPORATE = Corporate(now=NOW)
REQUEST = LeafRequest(
    "es-1",
    "transport",
    "",
    "es-1",
    ("es-1", "localhost"),
    ("10.0.0.1",),
    ("serverAuth", "clientAuth"),
    KeyType.EC_P256,
    397,
)


def entry(number: int = 1, target: str = "es-1", set_name: str = "transport") -> CsrEntry:
    usages = ("serverAuth", "clientAuth") if set_name == "transport" else ("serverAuth",)
    request = replace(REQUEST, target=target, set_name=set_name, usages=usages)
    return CsrEntry(request, f"{target}-{set_name}", public_key_sha256(key(number)), ("es-1", "10.0.0.1"))


PENDING = [Pending("set-1", entry())]


def signed(corporate: Corporate = CORPORATE, number: int = 1, **otherwise: object) -> x509.Certificate:
    return corporate.sign(request_pem(build_request(REQUEST, key(number))), **otherwise)  # type: ignore[arg-type]


def received(*certificates: x509.Certificate, file: str = "es-1.crt") -> list[Received]:
    return [Received(certificate_facts(each), file, number) for number, each in enumerate(certificates)]


def facts(*certificates: x509.Certificate) -> list[CertificateFacts]:
    return [certificate_facts(each) for each in certificates]


def reasons(
    leaf: x509.Certificate,
    *above: x509.Certificate,
    pending: Sequence[Pending] = PENDING,
    partial: bool = False,
    known: Sequence[CertificateFacts] = (),
) -> list[str]:
    found = sort_out(received(leaf, *above), pending, known)
    assert found.reasons == ()
    return [text for each in found.answers for text in answer_reasons(each, NOW, partial=partial)]


def test_an_answer_as_it_was_asked_for_passes() -> None:
    assert reasons(signed(), CORPORATE.issuing, CORPORATE.root) == []


def test_the_root_may_be_known_from_before() -> None:
    assert reasons(signed(), CORPORATE.issuing, known=facts(CORPORATE.root)) == []


def by_http(number: int = 1) -> list[Pending]:
    return [Pending("set-1", entry(number, set_name="http"))]


WRONG: list[tuple[str, Callable[[], list[str]], str]] = [
    (
        "a CA",
        lambda: reasons(signed(is_ca=True), CORPORATE.issuing, CORPORATE.root),
        "es-1.crt: es-1 transport: it is a CA certificate (CA:TRUE), and a leaf was asked for",
    ),
    (
        "names",
        lambda: reasons(signed(names=[x509.DNSName("es-1")]), CORPORATE.issuing, CORPORATE.root),
        "it lacks the names 10.0.0.1 (it has es-1): have it issued with the subjectAltName of the request",
    ),
    (
        "server only on transport",
        lambda: reasons(signed(usages=["serverAuth"]), CORPORATE.issuing, CORPORATE.root),
        "its extended key usage lacks clientAuth (transport needs serverAuth and clientAuth, since nodes are each",
    ),
    (
        "client only on http",
        lambda: reasons(signed(usages=["clientAuth"]), CORPORATE.issuing, CORPORATE.root, pending=by_http()),
        "its extended key usage lacks serverAuth (HTTP needs serverAuth)",
    ),
    (
        "key usage",
        lambda: reasons(signed(without_signing=True), CORPORATE.issuing, CORPORATE.root),
        "its key usage is keyEncipherment without digitalSignature, which TLS needs",
    ),
    (
        "expired",
        lambda: reasons(signed(start=timedelta(days=-20), days=19), CORPORATE.issuing, CORPORATE.root),
        "it expired on 2026-11-24: have it issued anew",
    ),
    (
        "not yet valid",
        lambda: reasons(signed(start=timedelta(days=2)), CORPORATE.issuing, CORPORATE.root),
        "it is not valid before 2026-11-27 12:00 UTC: import it after that, or compare the clocks",
    ),
    (
        "issuer missing",
        lambda: reasons(signed()),
        "the certificate of its issuer, CN=Corp Issuing,O=Example, is missing: give it too, or with --ca FILE",
    ),
    (
        "root missing",
        lambda: reasons(signed(), CORPORATE.issuing),
        "its chain ends at CN=Corp Issuing,O=Example, whose issuer CN=Corp Root,O=Example is missing",
    ),
    (
        "another root of the same name",
        lambda: reasons(signed(), CORPORATE.issuing, Corporate(now=NOW).root),
        "its chain ends at CN=Corp Issuing,O=Example",
    ),
]


@pytest.mark.parametrize(("judge", "words"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_what_is_wrong_is_told_with_its_file_and_what_to_do(judge: Callable[[], list[str]], words: str) -> None:
    found = judge()
    assert len(found) == 1, found
    assert words in found[0]
    assert found[0].startswith("es-1.crt: es-1 ")


def changed(answer: Matched, **otherwise: object) -> Matched:
    return replace(answer, received=replace(answer.received, facts=replace(answer.received.facts, **otherwise)))  # type: ignore[arg-type]


def test_weak_algorithms_are_told() -> None:
    (answer,) = sort_out(received(signed(), CORPORATE.issuing, CORPORATE.root), PENDING, ()).answers
    (weak_signature,) = answer_reasons(changed(answer, signature_hash="sha1"), NOW, partial=False)
    assert "it is signed with SHA-1, which Java refuses: have it issued anew" in weak_signature
    (weak_key,) = answer_reasons(changed(answer, key_type="rsa-1024"), NOW, partial=False)
    assert "its key is RSA 1024, less than 2048 bits" in weak_key


def test_a_signature_that_is_too_weak_to_be_checked_is_the_only_complaint() -> None:
    """Its issuer was given; that nobody verifies such a signature is no reason to ask for it."""
    (answer,) = sort_out(received(signed(), CORPORATE.issuing, CORPORATE.root), PENDING, ()).answers
    unchecked = replace(changed(answer, signature_hash="sha1"), anchor=None)
    (only,) = answer_reasons(unchecked, NOW, partial=False)
    assert "it is signed with SHA-1" in only


def test_what_is_weak_or_over_above_the_leaf_is_told_with_its_ca() -> None:
    (answer,) = sort_out(received(signed(), CORPORATE.issuing, CORPORATE.root), PENDING, ()).answers
    assert answer.anchor
    issuing = answer.intermediates[0]
    cases = {
        "its CA CN=Corp Issuing,O=Example: it is signed with MD5": replace(issuing, signature_hash="md5"),
        "its CA CN=Corp Issuing,O=Example: its key is RSA 1024": replace(issuing, key_type="rsa-1024"),
        "its CA CN=Corp Issuing,O=Example: it expired on": replace(issuing, not_after=NOW - timedelta(days=1)),
        "its CA CN=Corp Issuing,O=Example: is no CA": replace(issuing, is_ca=False),
        "its CA CN=Corp Issuing,O=Example: may not sign": replace(issuing, key_usage=("digitalSignature",)),
    }
    for words, worse in cases.items():
        (told,) = answer_reasons(replace(answer, intermediates=(worse,)), NOW, partial=False)
        assert words in told
    own = replace(answer, anchor=replace(answer.anchor, signature_hash="sha1"))
    assert answer_reasons(own, NOW, partial=False) == []  # nobody checks a root's own signature


def test_an_intermediate_as_the_end_is_let_in_with_words_alone() -> None:
    assert reasons(signed(), CORPORATE.issuing, partial=True) == []
    (answer,) = sort_out(received(signed(), CORPORATE.issuing), PENDING, ()).answers
    assert "trust ends at the intermediate CN=Corp Issuing" in " ".join(answer_notes(answer, 30, NOW))


def test_several_things_are_told_at_once() -> None:
    assert len(reasons(signed(usages=["serverAuth"], names=[x509.DNSName("x")], start=timedelta(days=2)))) == 4


# sorting out


def test_certificates_are_found_by_their_key_in_any_order_and_any_file() -> None:
    leaf, twin = signed(), signed(number=2)
    files = [
        *received(CORPORATE.root, CORPORATE.issuing, leaf, file="bundle.p7b"),
        *received(twin, CORPORATE.issuing, file="es-2.crt"),
    ]
    found = sort_out(files, [*PENDING, Pending("set-1", entry(2, "es-2"))], ())
    assert [(each.pending.entry.name, each.received.file) for each in found.answers] == [
        ("es-1 transport", "bundle.p7b"),
        ("es-2 transport", "es-2.crt"),
    ]
    assert all(each.anchor == certificate_facts(CORPORATE.root) for each in found.answers)
    assert found.notes == ("bundle.p7b: the leaf is not the first certificate in it; it is stored in the right order",)
    assert found.reasons == ()


def test_a_leaf_of_another_key_answers_nothing() -> None:
    found = sort_out(received(signed(public_key=rsa_key())), PENDING, ())
    assert len(found.reasons) == 1
    assert "answers no request of this workspace: its key is another one" in found.reasons[0]


def test_two_certificates_for_one_request_are_one_too_many() -> None:
    found = sort_out([*received(signed()), *received(signed(), file="again.crt")], PENDING, ())
    assert "es-1 transport: 2 different certificates answer its request (es-1.crt serial" in found.reasons[0]
    one = signed()
    assert sort_out([*received(one), *received(one, file="again.crt")], PENDING, ()).reasons == ()


def test_files_of_cas_alone_answer_nothing() -> None:
    found = sort_out(received(CORPORATE.root), PENDING, ())
    assert found.reasons == ("no certificate in these files answers a request of this workspace",)


def test_of_two_roots_with_one_name_the_one_that_signed_counts() -> None:
    found = sort_out(received(signed(), CORPORATE.issuing, Corporate(now=NOW).root, CORPORATE.root), PENDING, ())
    assert found.answers[0].anchor == certificate_facts(CORPORATE.root)


def test_what_should_be_known_is_noted() -> None:
    short = Corporate(now=NOW, days=100)
    names = [x509.DNSName("es-1"), x509.IPAddress(ip_address("10.0.0.1"))]
    (answer,) = sort_out(received(signed(short, names=names), short.issuing, short.root), PENDING, ()).answers
    told = " ".join(answer_notes(answer, 30, NOW))
    assert "its CA CN=Corp Issuing,O=Example ends before it, on 2027-03-05" in told
    assert "it does not cover localhost, which was asked for and nobody uses" in told
    (answer,) = sort_out(received(signed(days=20), CORPORATE.issuing, CORPORATE.root), PENDING, ()).answers
    assert "it ends in 19 days, which is inside the renewal window already" in " ".join(answer_notes(answer, 30, NOW))


def test_requests_of_the_same_set_that_lack_an_answer_are_named() -> None:
    pending = [*PENDING, Pending("set-1", entry(2, "es-2")), Pending("set-0", entry(3, "es-3"))]
    found = sort_out(received(signed(), CORPORATE.issuing, CORPORATE.root), pending, ())
    assert unanswered(pending, found.answers, []) == ["es-2 transport"]
    assert unanswered(pending, found.answers, [public_key_sha256(key(2))]) == []


# asking


def test_a_request_asks_for_what_a_leaf_of_our_own_would_have(lab: Lab) -> None:
    lab.three().with_kibana("server.port: 5601\n", on_host="/etc/kibana")
    observed = lab.look()
    wanted = wanted_requests(observed, (), None)
    assert [(each.target, each.set_name) for each in wanted] == [
        *((f"es-{number}", layer) for number in (1, 2, 3) for layer in ("transport", "http")),
        ("kibana/kibana-1", "server"),
    ]
    assert {each.set_name for each in wanted_requests(observed, (), Layer.HTTP)} == {"http", "server"}
    assert {each.set_name for each in wanted_requests(observed, (), Layer.TRANSPORT)} == {"transport"}
    assert [each.target for each in wanted_requests(observed, ("es-2",), None)] == ["es-2", "es-2"]
    assert request_refusals(observed, ("es-9",)) == ["the inventory has no es-9"]


def test_loopback_names_are_needed_only_where_they_are_used(lab: Lab) -> None:
    """Corporate CAs refuse `localhost`; a cluster on one host lives by it."""
    lab.three()
    observed = lab.look()
    request = wanted_requests(observed, ("es-1",), Layer.HTTP)[0]
    assert "127.0.0.1" in needed_names(request, observed)
    elsewhere = replace(
        observed, nodes=tuple(replace(node, http_address=None, transport_address=None) for node in observed.nodes)
    )
    assert {"localhost", "127.0.0.1"}.isdisjoint(needed_names(request, elsewhere))
    assert "es-1" in needed_names(request, elsewhere)


def test_file_names_are_plain_and_never_alike() -> None:
    requests = [
        replace(REQUEST, target="es 1/a"),
        replace(REQUEST, target="es-1-a"),
        replace(REQUEST, target="../.."),
        replace(REQUEST, target="kibana/kibana-1", set_name="server"),
    ]
    found = stems(requests)
    assert found == ["es-1-a-transport", "es-1-a-transport~2", "transport", "kibana-kibana-1-server"]


def test_an_rsa_ca_and_sha1_of_a_real_signature() -> None:
    """The facts that the checks look at are those of real certificates."""
    weak = Corporate(now=NOW, words="Weak", issuing_key=rsa.generate_private_key(public_exponent=65537, key_size=1024))
    told = reasons(signed(weak, digest=hashes.SHA256()), weak.issuing, weak.root)
    assert told == [
        "es-1.crt: es-1 transport: its CA CN=Weak Issuing,O=Example: its key is RSA 1024, less than 2048 bits"
    ]
