"""The pages of docs/ as data: their shell blocks, what each is said to print, and the state they begin in.

A page says in a comment what it begins with: `<!-- begins: secured -->` (see `states.py`), or nothing. Further down
another such comment begins anew, on other hosts: what follows is another part.

- A block of ```` ```sh ```` is run, command by command, in one shell per page. A command that is to end with another
  code than 0 says so: `estui plan https   # exit code 3`.
- A block of ```` ```text ```` right after it is what these commands print, in this order. `...` stands for anything on
  a line, and alone on a line for any lines. Blank lines and the width of gaps do not count.
- `<!-- meanwhile: WHAT ARGUMENTS -->` is something that other people do in between (see `people.py`).
- Blocks of other kinds (yaml, ini) are not run; one that says `<!-- file: PATH -->` above it is written there first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BEGINS = re.compile(r"<!-- begins: ([\w -]+?) -->")
_BLOCK = re.compile(
    r"(?:<!-- file: (?P<file>\S+) -->\n)?^```(?P<language>\w+)\n(?P<text>.*?)^```$|<!-- meanwhile: (?P<do>.+?) -->",
    re.MULTILINE | re.DOTALL,
)
MEANWHILE = "meanwhile"
"""Language of what is no block, but something that others do."""
_CODE = re.compile(r"#.*\bexit code (\d+)")
_HEREDOC = re.compile(r"<<-?\s*'?\"?(\w+)")


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    language: str
    text: str
    line: int
    """Of its fence in the page, from 1."""
    file: str = ""
    """Where it is to be written."""


@dataclass(frozen=True)
class Typed:
    """One command as a person types it."""

    text: str
    code: int
    """The exit code that the page promises."""


@dataclass(frozen=True)
class Part:
    """A page of docs/, or the part of one that begins anew."""

    path: Path
    begins: str
    """Empty where nothing of it is run."""
    blocks: tuple[Block, ...]
    number: int = 1

    @property
    def name(self) -> str:
        return f"{self.path.stem}-{self.number}"


def read_page(path: Path) -> list[Part]:
    """The parts of a page from its file."""
    text = path.read_text(encoding="utf-8")
    begins = list(_BEGINS.finditer(text))
    if not begins:
        return [Part(path, "", tuple(_blocks(text, 0, len(text))))]
    ends = [*(found.start() for found in begins[1:]), len(text)]
    return [
        Part(path, found[1], tuple(_blocks(text, found.end(), end)), number)
        for number, (found, end) in enumerate(zip(begins, ends, strict=True), 1)
    ]


def _blocks(text: str, start: int, end: int) -> Iterator[Block]:
    for found in _BLOCK.finditer(text, start, end):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(found["language"] or MEANWHILE, found["text"] or found["do"], line, found["file"] or "")


def commands(block: Block) -> list[Typed]:
    """The commands of a shell block; a here document and lines ended by a backslash belong together."""
    found: list[Typed] = []
    lines = block.text.splitlines()
    while lines:
        taken = [lines.pop(0)]
        while taken[-1].endswith("\\"):
            taken.append(lines.pop(0))
        if here := _HEREDOC.search(taken[0]):
            while taken[-1] != here[1]:
                taken.append(lines.pop(0))
        text = "\n".join(taken)
        if text.strip() and not text.lstrip().startswith("#"):
            code = _CODE.search(text)
            found.append(Typed(text, int(code[1]) if code else 0))
    return found


def not_printed(promised: str, printed: str) -> str:
    """The first line of what a page promises that does not come, in this order; empty where all do."""
    lines = [" ".join(line.split()) for line in printed.splitlines()]
    at = 0
    for promise in promised.splitlines():
        wanted = " ".join(promise.split())
        if wanted in ("", "...", "…"):
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in re.split(r"\.\.\.|…", wanted)))
        at = next((place for place in range(at, len(lines)) if pattern.fullmatch(lines[place])), -1) + 1
        if not at:
            return promise
    return ""
