"""`python -m tests.docs.generate`: the pages of docs/reference/, from the code. `test_docs.py` compares them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Iterator, Sequence

from estui import errors
from estui.cli.grammar import Argument, Command, grammar_of
from estui.cli.manual import ENVIRONMENT, FILES
from estui.cli.output import MEANINGS, exit_code
from estui.cli.parsers import build_parser
from estui.cli.parsers.watch import EXIT_CODES
from estui.decide.findings.registry import MODULES
from estui.decide.findings.rule import Rule
from estui.decide.fixes import command_of_rule
from tests.docs.pages import DOCS
from tests.docs.settings import BEATS, CREDENTIALS, EXAMPLE, KIBANA, LIMITS, NODES, POLICY, TOP, Key

FOLDER = DOCS / "reference"
NOTE = "This page is made from the code: `python -m tests.docs.generate`. A test compares the two."


def pages() -> dict[str, str]:
    """Every page of the reference by its file name."""
    made = {
        "commands.md": _commands(grammar_of(build_parser())),
        "settings.md": _settings(),
        "findings.md": _findings(),
        "exit-codes.md": _exit_codes(),
    }
    return {name: "\n".join(lines) + "\n" for name, lines in made.items()}


# commands


def _commands(root: Command) -> list[str]:
    common = [each for each in root.options if each.is_common]
    own = [each for each in root.options if not each.is_common]
    lines = ["# Commands", "", NOTE, "", _sentence(root.help), ""]
    lines += ["Without a command these options go with the terminal UI:", "", *_arguments(own), ""]
    lines += ["Every command takes these, before or after its name:", "", *_arguments(common), ""]
    lines += ["Variables that estui reads:", "", *_pairs(ENVIRONMENT.items()), ""]
    lines += ["Files that estui owns:", "", *_pairs(FILES.items())]
    for command in root.every():
        if command.path and not command.commands:
            lines += ["", *_command(command)]
    return lines


def _command(command: Command) -> Iterator[str]:
    yield from (f"## {command.name}", "", _sentence(command.help), "", "```text", command.synopsis, "```")
    arguments = [*command.operands, *(each for each in command.options if not each.is_common)]
    shown = [each for each in arguments if "--help" not in each.flags]
    if shown:
        yield from ("", *_arguments(shown))
    if command.epilog:
        yield from ("", _text(command.epilog))


def _arguments(arguments: Sequence[Argument]) -> Iterator[str]:
    for each in arguments:
        head = " ".join(filter(None, (", ".join(each.flags), each.value)))
        yield f"- `{head}`: {_text(each.help) or 'one of ' + ', '.join(each.words)}"


# estui.yaml


def _settings() -> list[str]:
    lines = ["# Settings of `estui.yaml`", "", NOTE, ""]
    lines += [
        "`estui init` writes the file; you edit it. Only `cluster` and `nodes` have to be there: what is not written",
        "is read from the folders. Relative paths start at the workspace. A password never stands in it: name a file.",
        "A key that estui does not know is an error that names its line.",
        "",
        "```yaml",
        *EXAMPLE.strip().splitlines(),
        "```",
    ]
    for title, keys in (
        ("The whole file", TOP),
        ("Each entry of `nodes:`", NODES),
        ("Each entry of `kibana:`", KIBANA),
        ("Each entry of `beats:`", BEATS),
        ("`policy:`", POLICY),
        ("`limits:`", LIMITS),
        ("`credentials:`", CREDENTIALS),
    ):
        lines += ["", f"## {title}", "", *_keys(keys)]
    return lines


def _keys(keys: Iterable[Key]) -> Iterator[str]:
    yield "| key | value | default | meaning |"
    yield "|---|---|---|---|"
    for each in keys:
        yield f"| `{each.name}` | {_text(each.value)} | {_text(each.default)} | {_text(each.meaning)} |"


# findings


def _findings() -> list[str]:
    rules = [rule for module in MODULES for rule in module.RULES]
    lines = ["# Findings", "", NOTE, ""]
    lines += [
        f"`estui doctor` knows {len(rules)} rules. Each finding names its rule, the file and the line. `estui doctor",
        "--explain RULE` says the same in the terminal, and `estui doctor --fix RULE` puts right what says so below.",
        "",
        "| severity | what it says |",
        "|---|---|",
        "| fatal | the node will not start, or no plan can be made |",
        "| error | something does not work, or is open |",
        "| warning | it works today, and will hurt |",
        "| note | worth knowing; no exit code says so |",
    ]
    for module in MODULES:
        lines += ["", f"## {_text(_title(inspect.getdoc(module) or ''))}"]
        for rule in module.RULES:
            lines += ["", *_rule(rule)]
    return lines


def _title(docstring: str) -> str:
    """The noun of a module of rules: what its docstring begins with, without notes for those who read code."""
    first = " ".join(docstring.split("\n\n")[0].split()).partition(". ")[0].removesuffix(".")
    noun = re.sub(r" \([\w-]+\.md.*?\)|: seen by.*", "", first).removeprefix("Rules about ")
    return noun[:1].upper() + noun[1:]


def _rule(rule: Rule) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    versions = "" if rule.versions.text == "all" else f", {rule.versions.text}"
    yield f"**{rule.severity.value}**{versions}: {_text(rule.title)}."
    yield ""
    yield f"- What happens: {_sentence(rule.what_happens)}"
    yield f"- What to do: {_sentence(rule.what_to_do)}"
    if fix := command_of_rule(rule.id):
        yield f"- estui does it: `{fix}`"


# exit codes


def _exit_codes() -> list[str]:
    lines = ["# Exit codes", "", NOTE, "", "The same for every command but `watch`.", ""]
    lines += ["| code | meaning | errors that end with it |", "|---|---|---|"]
    kinds = [kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.EstuiError)]
    for code, meaning in MEANINGS.items():
        told = [_kind(kind) for kind in kinds if code and exit_code(kind("")) == code]
        lines.append(f"| {code:d} | {meaning} | {'; '.join(told)} |")
    lines.append("| 128 + N | ended by signal N: 130 for Ctrl-C, 143 for SIGTERM | |")
    lines += ["", "What was done before an error or a signal is in the run's journal: `estui runbook show` tells.", ""]
    return [*lines, "## `estui watch`", "", _text(EXIT_CODES)]


def _kind(kind: type[errors.EstuiError]) -> str:
    return _text((inspect.getdoc(kind) or "").splitlines()[0].removesuffix("."))


# text


def _pairs(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    return (f"- `{name}`: {_text(text)}" for name, text in pairs)


def _sentence(text: str) -> str:
    shown = _text(text)
    first = shown[:1] if shown.startswith("estui") else shown[:1].upper()
    return first + shown[1:] + ("" if shown.endswith((".", "!", "?")) else ".")


def _text(text: str) -> str:
    """Markdown of plain text; what stands between backticks stays code."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(part if part.startswith("`") else re.sub(r"([*_\[\]<>|])", r"\\\1", part) for part in parts)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, page in pages().items():
        (FOLDER / name).write_text(page, encoding="utf-8")
