"""Which CAs an import takes, under which names, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import pytest

from estui.decide.imports import CORPORATE, OTHER, base_name, check_given, free_name, plan_import
from estui.errors import CertificateError, UsageError
from estui.model.adoption import (
    AdoptionReport,
    FilePlace,
    FoundFile,
    Outcome,
    ReportedAuthority,
    SignedLeaf,
    UnknownIssuer,
    Use,
    Way,
)
from estui.model.observed import AuthorityFacts
from estui.pki.facts import certificate_facts
from estui.present.adoption import import_lines
from tests.corporate import Corporate
from tests.unit.adoptable import ca
from tests.unit.pki.samples import leaf

LEAF = certificate_facts(leaf())
KEY = FilePlace("/mnt/es-1/http.p12", "http.p12", "es-1")


def made(
    *contexts: str, name: str = "Lab CA", number: int = 11, keys: tuple[FilePlace, ...] = (), **given: object
) -> ReportedAuthority:
    facts = certificate_facts(ca(name, number).certificate)
    uses = tuple(Use("es-1", context) for context in contexts)
    leaves = (SignedLeaf(LEAF, uses),) if uses else ()
    return replace(
        ReportedAuthority(facts, Way.IMPORT, leaves=leaves, keys=keys),
        **given,  # type: ignore[arg-type]
    )


def names(*authorities: ReportedAuthority, taken: tuple[str, ...] = ()) -> list[tuple[str, Outcome]]:
    there = tuple(AuthorityFacts(name, LEAF, True) for name in taken)
    return [(each.name, each.outcome) for each in plan_import(AdoptionReport(authorities), there)]


@pytest.mark.parametrize(
    ("contexts", "name"),
    [
        (("transport",), "transport"),
        (("http",), "http"),
        (("http", "transport"), "transport"),
        (("server",), "http"),
        (("elasticsearch",), "client"),
        (("elasticsearch", "http"), "http"),
        (("realm/pki/pki1",), OTHER),
        ((), OTHER),
    ],
)
def test_a_ca_is_named_by_the_layer_that_it_signs(contexts: tuple[str, ...], name: str) -> None:
    assert base_name(made(*contexts)) == name


def test_the_ca_of_a_pki_realm_is_that_of_clients() -> None:
    assert base_name(made(trusted=(Use("es-1", "realm/pki/pki1"),))) == "client"


def test_a_taken_name_gets_the_next_number_of_its_family() -> None:
    assert free_name("http", set()) == "http"
    assert free_name("http", {"http", "transport"}) == "http-2"
    assert free_name("http", {"http", "http-4"}) == "http-5"


def test_of_two_cas_of_one_layer_each_gets_its_own_name() -> None:
    first, second = made("http", keys=(KEY,)), made("http", number=12)
    assert names(first, second) == [("http", Outcome.WITH_KEY), ("http-2", Outcome.CERTIFICATE)]
    assert names(first, taken=("http",)) == [("http-2", Outcome.WITH_KEY)]


def test_what_is_there_is_left_alone_and_a_missing_key_is_added() -> None:
    there = made("http", keys=(KEY,), workspace="http", has_key=True)
    assert names(there, taken=("http",)) == [("http", Outcome.THERE)]
    assert names(replace(there, has_key=False), taken=("http",)) == [("http", Outcome.KEY_ADDED)]
    assert names(replace(there, has_key=False, keys=()), taken=("http",)) == [("http", Outcome.THERE)]


def test_a_ca_that_nobody_uses_comes_along_only_when_it_is_named_or_given() -> None:
    lying = made(keys=(KEY,))
    assert names(lying) == [("", Outcome.UNUSED)]
    assert names(replace(lying, given=True)) == [(OTHER, Outcome.WITH_KEY)]
    picked = plan_import(AdoptionReport((lying,)), (), (lying.certificate.sha256[:8],))
    assert [(each.name, each.outcome) for each in picked] == [(OTHER, Outcome.WITH_KEY)]


def test_a_selector_is_a_fingerprint_or_a_subject() -> None:
    first, second = made("http"), made("transport", name="Other CA", number=12)
    report = AdoptionReport((first, second))
    digest = first.certificate.sha256
    colons = ":".join(digest[at : at + 2] for at in range(0, 12, 2)).upper()
    for selector in (digest[:6], digest, colons, "CN=Lab CA", "lab ca"):
        assert [each.authority for each in plan_import(report, (), (selector,))] == [first]
    both = plan_import(report, (), ("Other CA", digest[:6], digest))
    assert [each.authority for each in both] == [second, first]


def test_a_subject_of_two_cas_is_refused_with_their_fingerprints() -> None:
    report = AdoptionReport((made("http"), made("http", number=12)))
    with pytest.raises(UsageError, match="means 2 CAs") as caught:
        plan_import(report, (), ("CN=Lab CA",))
    assert all(each.certificate.sha256[:16] in caught.value.hint for each in report.authorities)


def test_an_unknown_selector_is_refused_with_what_there_is() -> None:
    report = AdoptionReport((made("http"),), unknown=(UnknownIssuer("CN=Elsewhere", ()),))
    with pytest.raises(UsageError, match="no CA here is") as caught:
        plan_import(report, (), ("CN=Nobody",))
    assert "CN=Lab CA" in caught.value.hint
    with pytest.raises(UsageError, match="in no file here"):
        plan_import(report, (), ("CN=Elsewhere",))


def test_a_root_without_the_ca_flag_is_left_out_and_refused_by_name() -> None:
    unmarked = made("http")
    unmarked = replace(unmarked, certificate=replace(unmarked.certificate, is_ca=False))
    assert names(unmarked) == []
    with pytest.raises(CertificateError, match="no CA flag"):
        plan_import(AdoptionReport((unmarked,)), (), ("Lab CA",))


def test_a_given_key_of_no_ca_is_refused() -> None:
    one = made("http")
    file = FoundFile("/given/ca.key", "ca.key", keys=(one.certificate.key_sha256,))
    check_given((file,), AdoptionReport((one,)))
    with pytest.raises(CertificateError, match="belongs to no CA") as caught:
        check_given((replace(file, keys=("00",)),), AdoptionReport((one,)))
    assert str(caught.value.location) == "/given/ca.key"


def test_an_intermediate_of_others_gets_no_name_of_a_layer() -> None:
    """Without its key it would be taken for a CA of estui's that lost it."""
    issuing = replace(made("http", "transport"), certificate=certificate_facts(Corporate().issuing))
    assert base_name(issuing) == CORPORATE
    ours = replace(issuing, keys=(KEY,))
    assert base_name(ours) == "transport"
    text = "\n".join(line.text for line in import_lines(plan_import(AdoptionReport((issuing,)), ())))
    assert "called corporate, since it is a CA of others: it was issued by CN=Corp Root" in text
