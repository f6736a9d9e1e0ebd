"""The tree points one way, deciding is pure, and a question for help loads nothing heavy.

`lint-imports` holds the same contracts through every indirect import; here the direct ones are checked with nothing
but the standard library, and what a command really loads is looked at in a fresh process.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "estui"
RANKS = {
    "secret": 0, "errors": 0, "model": 1, "formats": 2, "pki": 3, "decide": 4, "observe": 4, "act": 5, "present": 5,
    "engine": 6, "cli": 7, "tui": 7,
}  # fmt: skip
"""Who may import whom: only what is lower. Two of one rank do not know one another, except below."""
SAME_RANK = {("act", "present"), ("secret", "errors"), ("errors", "secret")}
LAZY = {("estui/cli/main.py", "estui.tui.app")}
PURE = {"os", "io", "subprocess", "socket", "ssl", "time", "random", "secrets", "tempfile", "httpx", "pathlib"}
FORBIDDEN = {
    "decide": PURE,
    "model": PURE,
    "formats": {"os", "subprocess", "socket", "ssl", "tempfile", "pathlib", "httpx"},
    "sandbox": {f"estui.{part}" for part in ("act", "observe", "decide", "engine", "present", "tui", "cli")},
}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions; not those for type checkers only."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def part_of(path: Path) -> str:
    """`decide` of `estui/decide/plan.py`, `engine` of `estui/engine/…`."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("part", RANKS)
def test_imports_point_one_way(part: str) -> None:
    wrong = []
    for path in modules():
        if part_of(path) != part:
            continue
        for name in imports(path):
            pieces = name.split(".")
            other = pieces[1] if pieces[0] == "estui" and len(pieces) > 1 else part
            where = path.relative_to(PACKAGE.parent).as_posix()
            if other == part or other not in RANKS or (where, ".".join(pieces[:3])) in LAZY:
                continue
            if RANKS[other] >= RANKS[part] and (part, other) not in SAME_RANK:
                wrong.append(f"{where} imports {name}")
    assert wrong == []


@pytest.mark.parametrize("part", FORBIDDEN)
def test_nobody_imports_what_the_design_forbids_them(part: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE.parent)} imports {name}"
        for path in modules()
        if part_of(path) == part
        for name in imports(path)
        if any(name == forbidden or name.startswith(f"{forbidden}.") for forbidden in FORBIDDEN[part])
    ]
    assert wrong == []


def test_only_the_terminal_ui_knows_textual() -> None:
    wrong = [
        path.name
        for path in modules()
        if part_of(path) != "tui" and any(name.split(".")[0] in ("textual", "rich") for name in imports(path))
    ]
    assert wrong == []


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["plan", "--help"], ["apply", "--help"]])
def test_help_and_version_load_nothing_heavy(arguments: list[str]) -> None:
    script = (
        "import sys\n"
        "from estui.cli.main import main\n"
        "try:\n    main(sys.argv[1:])\n"
        "except SystemExit as end:\n    assert not end.code, end.code\n"
        "heavy = {'textual', 'rich', 'httpx', 'cryptography', 'ruamel', 'asyncio'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(heavy)) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "estui" in done.stdout
