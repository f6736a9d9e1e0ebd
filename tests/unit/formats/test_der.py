"""DER values are cut where their lengths say, and nothing else passes."""

from __future__ import annotations

import pytest

from estui.formats.der import INTEGER, OCTET_STRING, OID, SEQUENCE, DerError, Tlv, encode, parse_value, parse_values


@pytest.mark.parametrize(
    ("content", "dotted"),
    [("2a864886f70d010c0a0102", "1.2.840.113549.1.12.10.1.2"), ("551d25", "2.5.29.37"), ("883703", "2.999.3")],
)
def test_object_identifiers_have_their_dotted_text(content: str, dotted: str) -> None:
    """The last is the example of X.690 §8.19.5."""
    assert Tlv(OID, bytes.fromhex(content), b"").oid == dotted


@pytest.mark.parametrize("length", [0, 127, 128, 255, 256, 70_000])
def test_lengths_of_every_form_round_trip(length: int) -> None:
    value = parse_value(encode(OCTET_STRING, bytes(length)))
    assert (value.tag, len(value.content)) == (OCTET_STRING, length)


def test_a_child_has_the_tag_asked_for() -> None:
    value = parse_value(encode(SEQUENCE, encode(INTEGER, b"\x05"), encode(OCTET_STRING, b"x")))
    assert value.child(0, INTEGER).integer == 5
    for number, tag in ((0, OCTET_STRING), (2, INTEGER)):
        with pytest.raises(DerError):
            value.child(number, tag)


@pytest.mark.parametrize("damaged", ["30", "3001", "3080", "30ff", "3082", "1f0100", "308900000000000000000000"])
def test_what_is_cut_off_or_indefinite_is_refused(damaged: str) -> None:
    with pytest.raises(DerError):
        parse_values(bytes.fromhex(damaged))


def test_one_value_is_exactly_one() -> None:
    for content in (b"", encode(OCTET_STRING) * 2):
        with pytest.raises(DerError):
            parse_value(content)


def test_an_empty_object_identifier_is_refused() -> None:
    with pytest.raises(DerError):
        _ = Tlv(OID, b"", b"").oid
