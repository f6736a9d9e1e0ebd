"""The CAs that a server says it accepts are read from its request, and odd bytes are no list."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.formats.certificate_request import announced_names

NAMES = (b"\x30\x03abc", b"\x30\x01z")


def vector(content: bytes, width: int) -> bytes:
    return len(content).to_bytes(width, "big") + content


LIST = vector(b"".join(vector(name, 2) for name in NAMES), 2)
TLS12 = b"\x0d\x00\x00\x00" + vector(b"\x01\x40", 1) + vector(b"\x04\x03\x08\x04", 2) + LIST
ALGORITHMS = (13).to_bytes(2, "big") + vector(vector(b"\x04\x03", 2), 2)
TLS13 = b"\x0d\x00\x00\x00" + vector(b"", 1) + vector(ALGORITHMS + (47).to_bytes(2, "big") + vector(LIST, 2), 2)


def test_both_versions_name_the_accepted_cas_in_order() -> None:
    assert announced_names(TLS12, tls13=False) == NAMES
    assert announced_names(TLS13, tls13=True) == NAMES


def test_a_request_without_the_list_names_nobody() -> None:
    bare = b"\x0d\x00\x00\x00" + vector(b"", 1) + vector(ALGORITHMS, 2)
    assert announced_names(bare, tls13=True) == ()


@pytest.mark.parametrize(("whole", "tls13"), [(TLS12, False), (TLS13, True)])
def test_a_message_that_is_cut_off_names_nobody(whole: bytes, tls13: bool) -> None:
    assert {announced_names(whole[:length], tls13=tls13) for length in range(len(whole))} == {()}


@given(st.binary(max_size=80), st.booleans())
def test_noise_is_read_without_an_error(noise: bytes, tls13: bool) -> None:
    announced_names(noise, tls13=tls13)
