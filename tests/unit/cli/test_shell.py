"""Completions, the man page and versions: made from the commands themselves, so that nothing is left out."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from estui.cli.completion import completion
from estui.cli.grammar import Completes, Takes, grammar_of
from estui.cli.manual import man_page
from estui.cli.output import MEANINGS, Exit
from estui.cli.parsers import build_parser
from estui.cli.parsers.shell import SHELLS
from tests.unit.cli.conftest import Shell

ROOT = grammar_of(build_parser())
BASH = """source $1; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _estui; printf '%s\\n' "${COMPREPLY[@]}"
"""
ZSH = """source =(sed '/loadautofunc/d' $1); shift
_describe() { local -a shown; shown=(${(P)@[-1]}); print -l -- ${shown%%:*} }
_files() { print -l -- *(N) }
compadd() { shift; print -l -- $@ }
_message() { :; }
words=("$@"); CURRENT=$#; _estui
"""
FISH = """source $argv[1]; complete -C (string join ' ' -- $argv[2..])"""
STARTS = {"bash": ["bash", "-c", BASH, "-"], "zsh": ["zsh", "-fc", ZSH, "-"], "fish": ["fish", "-c", FISH]}


def offered(shell: str, folder: Path, *words: str) -> set[str]:
    """What a shell offers for the last word, which is begun or empty."""
    if not shutil.which(shell):
        pytest.skip(f"needs {shell}")
    script = folder / "script"
    script.write_text(completion(shell, ROOT))
    place = folder / "place"
    place.mkdir(exist_ok=True)
    (place / "plan.json").touch()
    command = [*STARTS[shell], str(script), *words]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return {line.split("\t")[0].split(" ")[0] for line in done.stdout.splitlines() if line}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("typed", "some", "never"),
    [
        (("estui", ""), {"init", "plan", "ca", "completion"}, {"list", "minimal"}),
        (("estui", "ca", "rollover", ""), {"start", "status", "abort"}, {"list", "init"}),
        (("estui", "plan", ""), {"minimal", "basic", "https", "mutual"}, {"init"}),
        (("estui", "plan", "https", "--format", ""), {"pem", "pkcs12"}, {"minimal"}),
        (("estui", "--user", "ca", "plan", ""), {"https"}, {"list"}),
        (("estui", "--json", "ca", ""), {"list", "renew"}, {"init"}),
        (("estui", "apply", ""), {"plan.json"}, {"init"}),
        (("estui", "ca", "export", "--"), {"--with-key", "--to", "--workspace"}, {"--days"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_shell_offers_what_can_come_next(
    shell: str, typed: tuple[str, ...], some: set[str], never: set[str], tmp_path: Path
) -> None:
    found = offered(shell, tmp_path, *typed)
    assert some <= found
    assert not never & found


def test_every_command_and_option_is_in_the_man_page_and_in_every_completion() -> None:
    page = man_page(ROOT, "1.2.3", MEANINGS)
    scripts = [completion(shell, ROOT) for shell in SHELLS]
    for command in ROOT.every():
        if command.path and not command.commands:
            assert f'.SS "{command.name}"'.replace("-", "\\-") in page
        for option in command.options:
            for flag in option.flags:
                assert flag.replace("-", "\\-") in page or flag == "-h"
                assert all(flag.lstrip("-") in script for script in scripts)


def test_the_man_page_is_plain_roff_without_a_date() -> None:
    page = man_page(ROOT, "1.2.3", MEANINGS)
    assert page.startswith('.TH ESTUI 1 "" "estui 1.2.3"')
    assert [line for line in page.splitlines() if line.startswith("'") or not line.strip()] == []
    assert all(f".B {code:d}\n" in page for code in Exit)


def test_the_grammar_knows_values_words_and_what_is_required() -> None:
    commands = {command.name: command for command in ROOT.every()}
    export = {each.flags[-1]: each for each in commands["estui ca export"].options}
    assert (export["--to"].is_required, export["--to"].completes) == (True, Completes.FILE)
    assert export["--with-key"].takes is Takes.NONE
    assert commands["estui plan"].operands[0].words == ("minimal", "basic", "https", "mutual")
    assert commands["estui doctor"].operands[0].completes is Completes.FOLDER
    assert commands["estui apply"].operands[0].words == ("minimal", "basic", "https", "mutual")
    assert "estui ca export" in commands["estui ca export"].synopsis
    assert "--workspace" not in commands["estui ca export"].synopsis


@pytest.mark.parametrize("arguments", [("completion", "bash"), ("completion", "zsh"), ("completion", "fish"), ("man",)])
def test_they_are_printed_on_standard_output_alone(arguments: tuple[str, ...], shell: Shell) -> None:
    assert shell.run(*arguments) == Exit.DONE
    assert "estui" in shell.out
    assert shell.err == ""


def test_versions_are_those_that_a_bug_report_needs(shell: Shell) -> None:
    assert shell.run("--version") == 0
    for name in (
        "estui ",
        "Python 3.",
        "TLS OpenSSL",
        "cryptography",
        "textual",
        "ruamel.yaml",
        "httpx",
        "system Linux",
    ):
        assert name in shell.out
