"""A CA that was made elsewhere: what keeps it out, and what is said about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from estui.decide.admission import admit_authority, bundle_reasons, weak_key, weak_signature
from estui.model.certificate import CertificateFacts
from estui.pki.facts import certificate_facts
from tests.corporate import Corporate
from tests.unit.pki.samples import NOW, authority, leaf

GOOD = certificate_facts(authority())
ENDED = replace(GOOD, not_after=NOW - timedelta(days=1))


def test_a_ca_with_its_key_comes_in_without_a_word() -> None:
    admission = admit_authority("corporate", GOOD, GOOD.key_sha256, NOW)
    assert (admission.reasons, admission.notes) == ((), ())


@pytest.mark.parametrize(
    ("facts", "key", "words"),
    [
        (certificate_facts(leaf()), None, "is no certificate authority (no CA:TRUE in its basic constraints)"),
        (replace(GOOD, key_usage=("digitalSignature",)), None, "may not sign certificates: its KeyUsage is digitalSig"),
        (GOOD, "00", "the key does not belong to the certificate"),
        (ENDED, None, "it ended on 2026-11-24, and without its key nothing can be done with it"),
    ],
)
def test_what_keeps_it_out(facts: CertificateFacts, key: str | None, words: str) -> None:
    reasons = admit_authority("corporate", facts, key, NOW).reasons
    assert len(reasons) == 1
    assert words in reasons[0]


@pytest.mark.parametrize(
    ("facts", "key", "words"),
    [
        (ENDED, GOOD.key_sha256, "signs nothing until: estui ca renew corporate"),
        (replace(GOOD, key_usage=None), GOOD.key_sha256, "Python 3.13 refuse it: estui ca renew corporate adds one"),
        (replace(GOOD, key_usage=None), None, "Python 3.13 refuse it: its owner can renew it with one"),
        (replace(GOOD, not_before=NOW + timedelta(days=1)), None, "it is not valid before 2026-11-26"),
        (replace(GOOD, key_type="rsa-1024"), None, "its key is RSA 1024, less than 2048 bits"),
        (certificate_facts(Corporate(now=NOW).issuing), None, "it was issued by CN=Corp Root"),
    ],
    ids=["ended", "no key usage", "no key usage, no key", "not yet valid", "weak key", "intermediate"],
)
def test_what_is_said_about_it(facts: CertificateFacts, key: str | None, words: str) -> None:
    admission = admit_authority("corporate", facts, key, NOW)
    assert admission.reasons == ()
    assert any(words in note for note in admission.notes), admission.notes


@pytest.mark.parametrize("name", ["", "..", "a/b", "Corporate", "a b", "-x", "x-", "a" * 41])
def test_a_name_is_a_plain_word(name: str) -> None:
    """It becomes a folder's name, and part of the names of successors."""
    assert "is no name for a CA" in admit_authority(name, GOOD, None, NOW).reasons[0]


def test_weak_algorithms() -> None:
    assert weak_key(replace(GOOD, key_type="rsa-2048")) == weak_key(GOOD) == ""
    assert weak_signature(replace(GOOD, signature_hash="md5")) == "it is signed with MD5, which Java refuses"
    assert weak_signature(replace(GOOD, signature_hash="sha1")) == "it is signed with SHA-1, which Java refuses"
    assert weak_signature(GOOD) == ""


def test_a_bundle_is_one_root_with_the_cas_below_it() -> None:
    corporate, other = Corporate(now=NOW), Corporate(now=NOW, words="Other")
    root, issuing = certificate_facts(corporate.root), certificate_facts(corporate.issuing)
    assert bundle_reasons([issuing, root]) == bundle_reasons([root]) == []
    assert bundle_reasons([issuing]) == ["it holds no root CA (CN=Corp Issuing,O=Example)"]
    assert "it holds 2 root CAs" in bundle_reasons([root, certificate_facts(other.root)])[0]
    assert bundle_reasons([root, certificate_facts(other.issuing)]) == [
        "CN=Other Issuing,O=Example was not signed by CN=Corp Root,O=Example, nor by a CA below it"
    ]
