"""Promises about the text of the project that a machine can check."""

from __future__ import annotations

import argparse
import ast
import copy
import pickle
import re
import shlex
from pathlib import Path

import pytest

from estui.cli.output import exit_code
from estui.cli.parsers import build_parser
from estui.errors import EstuiError
from estui.secret import Secret

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "estui").rglob("*.py"))
LONGEST_FILE = 500
"""Lines; at 400 it is time to look for the next cut."""
LONGEST_FUNCTION = 75
"""Lines; one that holds a text of many lines is no cut to make."""


def trees() -> list[tuple[str, ast.Module]]:
    return [(str(path.relative_to(ROOT)), ast.parse(path.read_text())) for path in MODULES]


def test_every_module_says_what_it_is_for() -> None:
    assert [name for name, tree in trees() if tree.body and not ast.get_docstring(tree)] == []


def test_no_file_and_no_function_grows_without_end() -> None:
    lengths = {str(path.relative_to(ROOT / "estui")): len(path.read_text().splitlines()) for path in MODULES}
    long = [name for name, lines in lengths.items() if lines > LONGEST_FILE]
    assert long == []
    functions = [  # a text of many lines is no cut to make
        f"{name}: {node.name}"
        for name, tree in trees()
        for node in ast.walk(tree)
        if name != "estui/sandbox/stock.py"
        and isinstance(node, ast.FunctionDef)
        and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION
    ]
    assert functions == []


def readme_commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    lines = [line.split("#")[0].strip() for block in blocks for line in block.splitlines()]
    return [line for line in lines if line.startswith("estui ")]


def test_the_readme_shows_commands() -> None:
    assert len(readme_commands()) >= 5


@pytest.mark.parametrize("line", readme_commands())
def test_every_command_of_the_readme_is_understood(line: str) -> None:
    assert build_parser().parse_args(shlex.split(line)[1:]).command


def subcommands() -> dict[str, argparse.ArgumentParser]:
    parser = build_parser()
    action = next(each for each in parser._actions if isinstance(each, argparse._SubParsersAction))
    return dict(action.choices)


@pytest.mark.parametrize("name", subcommands())
def test_every_command_and_option_has_a_line_of_help_and_a_module(name: str) -> None:
    parser = subcommands()[name]
    assert parser.description
    options = [action for action in parser._actions if action.option_strings]
    assert [action.option_strings for action in options if not action.help] == []
    module = ROOT / "estui" / "cli" / "commands" / f"{parser.get_default('module')}.py"
    assert module.exists()


def test_a_secret_leaves_by_no_accident() -> None:
    secret = Secret("hunter2")
    shown = [repr(secret), str(secret), f"{secret}", f"{secret:>20}", repr([secret]), repr({"a": secret})]
    assert not any("hunter2" in text for text in shown)
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError):
            leave(secret)
    assert secret == Secret("hunter2")
    assert secret != Secret("other")
    assert secret != "hunter2"


@pytest.mark.parametrize("kind", [EstuiError, *EstuiError.__subclasses__()])
def test_every_error_ends_in_an_exit_code_that_is_no_success(kind: type[EstuiError]) -> None:
    assert 1 <= exit_code(kind("text")) <= 5
