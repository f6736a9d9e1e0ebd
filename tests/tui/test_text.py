"""Text from outside: nothing in it acts on the terminal, nothing in it is lost."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from estui.tui.rows import Row, Span, wrap
from estui.tui.text import cut, cut_middle, pad, plain, shortened


@given(st.text())
def test_nothing_that_a_terminal_acts_on_is_left(text: str) -> None:
    """No control, format or surrogate character of the dangerous kinds comes through."""
    shown = plain(text)
    assert not any(unicodedata.category(each) in ("Cc", "Cs") for each in shown)
    assert not any(each in shown for each in "\u202e\u2066\u200b\ufeff")


@given(st.text())
def test_ascii_mode_is_ascii(text: str) -> None:
    """In ASCII mode every character has a twin."""
    assert plain(text, ascii_only=True).isascii()


def test_controls_are_written_out() -> None:
    """What is taken out is shown as an escape, so that nobody wonders."""
    assert plain("a\x1b[31mb\nc\u202ed") == "a\\x1b[31mb\\x0ac\\u202ed"


_SPANS = st.lists(
    st.builds(Span, st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=30), st.sampled_from("ab")),
    max_size=6,
)


@given(_SPANS, st.integers(3, 60), st.integers(0, 20))
def test_wrapping_keeps_every_word(spans: list[Span], width: int, indent: int) -> None:
    """Every character but spaces at the breaks is there, in order, and no line is too wide."""
    row = Row(tuple(spans), indent=indent)
    lines = wrap(row, width)
    together = "".join(span.text for line in lines for span in line)
    assert together.replace(" ", "") == row.text.replace(" ", "")
    assert all(cell_len("".join(span.text for span in line)) <= max(width, 1) for line in lines)


def test_wrapping_breaks_at_spaces_and_indents() -> None:
    """Words stay whole where they can."""
    row = Row((Span("one two three four"),), indent=2)
    assert ["".join(span.text for span in line) for line in wrap(row, 9)] == ["one two ", "  three ", "  four"]


@given(st.text(max_size=40), st.integers(0, 30))
def test_padding_is_exact(text: str, width: int) -> None:
    """A padded cell has the width that was asked for."""
    shown = plain(text)
    assert cell_len(pad(shown, width)) == width
    assert cell_len(cut(shown, width)) <= width


def test_long_paths_keep_their_file_name() -> None:
    """The middle of a path goes first."""
    assert cut_middle("/etc/elasticsearch/estui/http/current/node.crt", 24).endswith("node.crt")
    assert cell_len(cut_middle("/etc/elasticsearch/estui/http/current/node.crt", 24)) == 24


def test_a_headline_loses_parts_not_letters() -> None:
    """A header that is too long drops whole parts."""
    assert shortened("logs · 3 nodes · basic · next expiry: 3 d", 40) == "logs · basic · next expiry: 3 d"
    assert shortened("logs · 3 nodes · basic · next expiry: 3 d", 26) == "logs · next expiry: 3 d"
