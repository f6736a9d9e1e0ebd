"""Run-books and reports as documents: one content, as text and as Markdown, and nothing from outside is markup."""

from __future__ import annotations

from estui.present.document import (
    Facts,
    Heading,
    Listing,
    Paragraph,
    Quoted,
    Table,
    document_lines,
    document_markdown,
)
from estui.present.lines import Kind, Line

BLOCKS = (
    Heading("Report", 1),
    Facts((("cluster", "logs|demo"), ("nothing", ""))),
    Paragraph("an outage", Kind.WARN),
    Table(("where", "what"), (("es-1", "a | b"), ("kibana/x", "<b>\x1b[31m"))),
    Listing(("`one`",)),
    Quoted((Line(Kind.ADD, "+ ```"), Line(Kind.TEXT, "\u202ex")), "diff"),
)


def test_both_renderings_hold_the_same() -> None:
    text = "\n".join(line.text for line in document_lines(BLOCKS))
    markdown = document_markdown(BLOCKS)
    for word in ("Report", "cluster", "an outage", "es-1", "kibana/x", "one"):
        assert word in text
        assert word in markdown
    assert "nothing" not in text + markdown


def test_what_comes_from_outside_stays_text() -> None:
    markdown = document_markdown(BLOCKS)
    assert "logs\\|demo" in markdown
    assert "a \\| b" in markdown
    assert "\\<b\\>\\\\x1b\\[31m" in markdown
    assert "````diff\n+ ```\n\\u202ex\n````" in markdown
    for shown in (markdown, "\n".join(line.text for line in document_lines(BLOCKS))):
        assert "\x1b" not in shown
        assert "\u202e" not in shown


def test_an_empty_table_still_has_its_head() -> None:
    assert [line.text for line in document_lines([Table(("a", "b"), ())])] == ["  a  b"]
