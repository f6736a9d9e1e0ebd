"""Every command of docs/ is run, in order, on a sandbox with the hosts that the pages speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import DOCS, MEANWHILE, Part, commands, not_printed, read_page
from tests.docs.people import meanwhile
from tests.docs.states import begun

PARTS = [part for path in sorted(DOCS.glob("*.md")) for part in read_page(path) if part.begins]


@pytest.mark.docs
@pytest.mark.parametrize("page", PARTS, ids=lambda part: part.name)
def test_a_page_does_what_it_says(page: Part, tmp_path: Path) -> None:
    """Exit codes are those that the page promises, and what it shows is printed in this order."""
    printed = ""
    with begun(page.begins, tmp_path) as hosts:
        for block in page.blocks:
            place = f"{page.path.name}:{block.line}"
            if block.file:
                hosts.write(block.file, block.text)
            if block.language == MEANWHILE:
                meanwhile(hosts, block.text)
            elif block.language == "text":
                missing = not_printed(block.text, printed)
                assert not missing, f"{place}: not printed: {missing}\n{printed}"
            elif block.language == "sh":
                printed = ""
                for typed in commands(block):
                    code, told = hosts.run(typed)
                    printed += told
                    assert code == typed.code, f"{place}: {typed.text}: exit code {code}\n{told}"
