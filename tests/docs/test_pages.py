"""What can be said of the pages without running them: the reference is the code's, links lead somewhere, commands are
understood, and every task page answers the same questions."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from estui.cli.parsers import build_parser
from estui.formats import inventory
from tests.docs import settings
from tests.docs.generate import FOLDER, pages
from tests.docs.pages import DOCS, ROOT, Block, Part, commands, not_printed, read_page

TASKS = [
    "change-request", "corporate-ca", "install", "interrupted", "kibana-beats", "lost-password", "monitoring",
    "mutual-tls", "renew", "replace-ca", "secure", "take-over",
]  # fmt: skip
ALL = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


@pytest.mark.parametrize("name", ["commands.md", "settings.md", "findings.md", "exit-codes.md"])
def test_the_reference_is_that_of_the_code(name: str) -> None:
    """`python -m tests.docs.generate` writes it anew."""
    assert (FOLDER / name).read_text() == pages()[name]


@pytest.mark.parametrize(
    ("described", "known"),
    [
        (settings.TOP, inventory._TOP),
        (settings.NODES, inventory._NODE),
        (settings.KIBANA, inventory._KIBANA),
        (settings.BEATS, inventory._BEAT),
        (settings.POLICY, inventory._POLICY),
        (settings.LIMITS, inventory._LIMITS),
        (settings.CREDENTIALS, inventory._CREDENTIALS),
    ],
)
def test_every_key_of_the_inventory_is_described_once(
    described: tuple[settings.Key, ...], known: tuple[str, ...]
) -> None:
    assert sorted(each.name for each in described) == sorted(known)


def test_the_example_of_the_settings_is_understood() -> None:
    found = inventory.parse_inventory(settings.EXAMPLE.encode(), "estui.yaml", "/home/me/estui-logs")
    assert (len(found.nodes), len(found.kibana), len(found.beats)) == (2, 1, 1)


@pytest.mark.parametrize("page", TASKS)
def test_a_task_page_answers_the_same_questions(page: str) -> None:
    text = (DOCS / f"{page}.md").read_text()
    for question in ("**When:**", "**You need:**", "## What can go wrong", "way back"):
        assert question in text, question
    assert "<!-- begins: " in text, "its commands are not run"


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[\w-]*)?\)", path.read_text())
    assert [target for target in targets if "://" not in target and not (path.parent / target).exists()] == []


def shown_commands() -> list[str]:
    """Commands of estui that a page shows and that no test runs."""
    blocks = [block for path in ALL for part in read_page(path) for block in part.blocks if block.language == "shell"]
    lines = [typed.text.split("#")[0].strip() for block in blocks for typed in commands(block)]
    return sorted({line for line in lines if line.startswith("estui ") and "$" not in line})


@pytest.mark.parametrize("line", shown_commands())
def test_a_command_that_is_only_shown_is_understood(line: str) -> None:
    assert build_parser().parse_args(shlex.split(line)[1:]).command


def mentioned() -> list[str]:
    """Commands in running text: `estui ca renew NAME`."""
    texts = [re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL) for path in ALL if path.parent != FOLDER]
    found = {" ".join(each.split()) for text in texts for each in re.findall(r"`(estui [^`]+)`", text)}
    return sorted(each for each in found if "..." not in each and "|" not in each and ">" not in each)


@pytest.mark.parametrize("line", mentioned())
def test_a_command_in_the_text_is_understood(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A line that only points to options may leave out what they need."""
    try:
        build_parser().parse_args(shlex.split(line)[1:])
    except SystemExit as end:
        if end.code:
            assert "the following arguments are required" in capsys.readouterr().err


def test_the_readme_is_one_screen_plus_pictures() -> None:
    lines = [line for line in (ROOT / "README.md").read_text().splitlines() if line and not line.startswith("![")]
    assert len(lines) <= 60


# the reader of pages itself


def test_blocks_files_and_what_others_do_come_in_order(tmp_path: Path) -> None:
    text = "<!-- begins: secured -->\n```sh\nls\n```\n<!-- meanwhile: sign a b -->\n"
    text += "<!-- file: ~/x -->\n```yaml\na: 1\n```\n<!-- begins: nothing -->\n"
    target = tmp_path / "page.md"
    target.write_text(text)
    page, last = read_page(target)
    assert (last.name, last.begins) == ("page-2", "nothing")
    assert page == Part(
        target,
        "secured",
        (
            Block("sh", "ls\n", 2),
            Block("meanwhile", "sign a b", 5),
            Block("yaml", "a: 1\n", 6, "~/x"),
        ),
    )


def test_commands_span_lines_and_promise_codes() -> None:
    text = "# a remark\nls \\\n  -l\ncat <<'END' > x\nls\nEND\nestui plan https   # exit code 3: changes\n"
    found = commands(Block("sh", text, 1))
    assert [(each.text.splitlines()[0], each.code) for each in found] == [
        ("ls \\", 0),
        ("cat <<'END' > x", 0),
        ("estui plan https   # exit code 3: changes", 3),
    ]


@pytest.mark.parametrize(
    ("promised", "missing"),
    [
        ("one two\n...\nfour", ""),
        ("one ...\nfour", ""),
        ("four\none two", "one two"),
        ("one", "one"),
        ("three ... x", "three ... x"),
    ],
)
def test_what_is_promised_is_looked_for_in_order(promised: str, missing: str) -> None:
    assert not_printed(promised, "one    two\nthree\n  four\n") == missing
