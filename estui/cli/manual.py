"""The man page estui(1), made from the grammar of the commands. Pure: a grammar in, roff (man(7)) out.

It carries no date, so that two builds of one release are the same bytes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from estui.cli.grammar import Argument, Command

ENVIRONMENT = {
    "ESTUI_WORKSPACE": "the workspace folder, where --workspace is not given",
    "ESTUI_PASSPHRASE_FILE": "file with the workspace passphrase, where --passphrase-file is not given",
    "NO_COLOR": "no colours, where it is set and not empty",
}
"""Variables that estui reads."""
FILES = {
    "estui.yaml": "the inventory of a workspace: which folders belong to which cluster, and the policy",
    "ca/": "certificate authorities of the workspace, their keys encrypted",
    "runs/": "one folder for each run: its plan, its journal, its report",
    "CONFIG/estui/": "in each configuration folder: sets of certificates, and copies of what was replaced",
}
"""Files that estui owns."""


def man_page(root: Command, version: str, exit_codes: Mapping[int, str]) -> str:
    """The whole page."""
    common = [each for each in root.options if each.is_common]
    own = [each for each in root.options if not each.is_common]
    lines = [
        f'.TH ESTUI 1 "" "estui {_text(version)}" "User Commands"',
        ".SH NAME",
        "estui \\- secure self\\-managed Elasticsearch clusters and keep their certificates alive",
        ".SH SYNOPSIS",
        ".B estui",
        "[OPTIONS] [COMMAND ...]",
        ".SH DESCRIPTION",
        _text(root.help),
        ".SH OPTIONS",
        *_listed(own),
        ".SS Workspace and credentials",
        "Every command takes these, before or after its name.",
        *_listed(common),
        ".SH COMMANDS",
    ]
    for command in root.every():
        if command.path and not command.commands:
            lines += _command(command)
    lines += [".SH EXIT STATUS", *_terms((str(code), text) for code, text in exit_codes.items())]
    lines += [".SH ENVIRONMENT", *_terms(ENVIRONMENT.items()), ".SH FILES", *_terms(FILES.items())]
    return "\n".join(lines) + "\n"


def _command(command: Command) -> list[str]:
    lines = [f'.SS "{_text(command.name)}"', _text(f"{command.help}."), ".PP", f".B {_text(command.synopsis)}"]
    lines += _listed(command.operands)
    lines += _listed(each for each in command.options if not each.is_common and "--help" not in each.flags)
    if command.epilog:
        lines += [".PP", _text(command.epilog)]
    return lines


def _listed(arguments: Iterable[Argument]) -> list[str]:
    def head(argument: Argument) -> str:
        flags = ", ".join(argument.flags)
        return f"{flags} {argument.value}".strip()

    return _terms((head(each), each.help or f"one of {', '.join(each.words)}") for each in arguments)


def _terms(pairs: Iterable[tuple[str, str]]) -> list[str]:
    return [line for name, text in pairs for line in (".TP", f".B {_text(name)}", _text(text))]


def _text(text: str) -> str:
    """Plain text for roff: no escape, no request at the start of a line, and hyphens that can be copied."""
    plain = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", plain, flags=re.MULTILINE)
