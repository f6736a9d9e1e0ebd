"""Puts the man page and the completions into the wheel, made from the commands of this very tree.

The grammar of the commands needs nothing but the standard library, so building needs no package of estui's.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

PLACES = {
    "man": "share/man/man1/estui.1",
    "bash": "share/bash-completion/completions/estui",
    "zsh": "share/zsh/site-functions/_estui",
    "fish": "share/fish/vendor_completions.d/estui.fish",
}
"""Where each finds its file below the prefix of an installation; pipx links the man page from there."""


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Hatchling's name for it."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        sys.path.insert(0, self.root)
        try:
            texts = _texts()
        finally:
            sys.path.remove(self.root)
        for name, place in PLACES.items():
            path = Path(self._folder.name, name)
            path.write_text(texts[name], encoding="utf-8")
            build_data["shared_data"][str(path)] = place

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if version != "editable":
            self._folder.cleanup()


def _texts() -> dict[str, str]:
    from estui import __version__
    from estui.cli.completion import completion
    from estui.cli.grammar import grammar_of
    from estui.cli.manual import man_page
    from estui.cli.output import MEANINGS
    from estui.cli.parsers import build_parser

    root = grammar_of(build_parser())
    shells = {shell: completion(shell, root) for shell in PLACES if shell != "man"}
    return {"man": man_page(root, __version__, MEANINGS), **shells}
