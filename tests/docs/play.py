"""`python -m tests.docs.play PAGE[:PART]...`: runs a page and shows what is printed, for whoever writes it."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.docs.pages import DOCS, MEANWHILE, Part, Typed, commands, not_printed, read_page
from tests.docs.people import meanwhile
from tests.docs.states import begun


def play(path: Path, wanted: str = "") -> int:
    """The number of surprises: exit codes and lines that are not as the page says."""
    return sum(_part(part) for part in read_page(path) if part.begins and wanted in ("", str(part.number)))


def _part(page: Part) -> int:
    _say(f"== {page.name}: {page.begins}\n")
    surprises, printed = 0, ""
    with tempfile.TemporaryDirectory() as folder, begun(page.begins, Path(folder)) as hosts:
        for block in page.blocks:
            if block.file:
                hosts.write(block.file, block.text)
            if block.language == MEANWHILE:
                meanwhile(hosts, block.text)
            if block.language == "text":
                missing = not_printed(block.text, printed)
                surprises += bool(missing)
                _say(f"\x1b[31mnot printed (line {block.line}): {missing}\x1b[0m\n" if missing else "as promised\n")
            if block.language == "sh":
                printed = ""
                for typed in commands(block):
                    surprises += _typed(typed, shown := hosts.run(typed))
                    printed += shown[1]
    return surprises


def _typed(typed: Typed, seen: tuple[int, str]) -> bool:
    code, printed = seen
    wrong = code != typed.code
    _say(f"\x1b[1m$ {typed.text}\x1b[0m\n{printed}")
    _say(f"\x1b[{31 if wrong else 32}m[{code}]\x1b[0m\n")
    return wrong


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(bool(sum(play(DOCS / name, part) for name, _, part in (each.partition(":") for each in sys.argv[1:]))))
