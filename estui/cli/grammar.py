"""What argparse knows of the commands, as plain values: completions, the man page and the reference are made of it.

The only module that looks into argparse's own lists.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from estui.cli.parsers import SCENARIOS

COMMON_GROUP = "workspace and credentials"
"""Title of the options that every command takes."""


class Takes(StrEnum):
    """How many values an option or operand takes."""

    NONE = "none"
    ONE = "one"
    PERHAPS = "one or none"
    SOME = "one or more"
    ANY = "any number"


class Completes(StrEnum):
    """What can stand for a value."""

    NOTHING = "nothing"
    FILE = "file"
    FOLDER = "folder"
    WORD = "word"


@dataclass(frozen=True)
class Argument:
    """An option, or an operand where it has no flags."""

    flags: tuple[str, ...]
    value: str
    """What stands for the value in a usage line: `FILE`, `minimal|basic`; empty where none is taken."""
    takes: Takes
    words: tuple[str, ...]
    """The values that can be listed."""
    help: str
    group: str
    is_required: bool

    @property
    def completes(self) -> Completes:
        """A folder before a file before a word, by the name of the value."""
        if "DIR" in self.value:
            return Completes.FOLDER
        if "FILE" in self.value:
            return Completes.FILE
        return Completes.WORD if self.words else Completes.NOTHING

    @property
    def is_common(self) -> bool:
        return self.group == COMMON_GROUP

    @property
    def synopsis(self) -> str:
        """As in a usage line: `[--to FILE]`, `DIR...`."""
        value = {
            Takes.NONE: "",
            Takes.ONE: self.value,
            Takes.PERHAPS: f"[{self.value}]",
            Takes.SOME: f"{self.value}...",
            Takes.ANY: f"[{self.value}...]",
        }[self.takes]
        if not self.flags:
            return value
        shown = f"{self.flags[-1]} {value}".strip()
        return shown if self.is_required else f"[{shown}]"


@dataclass(frozen=True)
class Command:
    """A command or a verb of one; the root is estui itself."""

    path: tuple[str, ...]
    help: str
    epilog: str
    options: tuple[Argument, ...]
    operands: tuple[Argument, ...]
    commands: tuple[Command, ...]

    @property
    def name(self) -> str:
        """As it is typed: `estui ca list`."""
        return " ".join(("estui", *self.path))

    @property
    def synopsis(self) -> str:
        """A usage line without the options that every command takes."""
        own = [each.synopsis for each in self.options if not each.is_common and each.flags != ("-h", "--help")]
        rest = ["VERB" if self.path else "COMMAND"] if self.commands else []
        return " ".join((self.name, *own, *(each.synopsis for each in self.operands), *rest))

    def every(self) -> Iterator[Command]:
        """This one and all below it, in the order of the help."""
        yield self
        for each in self.commands:
            yield from each.every()


def grammar_of(parser: argparse.ArgumentParser, path: tuple[str, ...] = ()) -> Command:
    """The whole grammar of a parser."""
    options, operands, commands = [], [], []
    for group in parser._action_groups:
        for action in group._group_actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, below in action.choices.items():
                    commands.append(grammar_of(below, (*path, name)))
            elif action.option_strings:
                options.append(_argument(action, group.title or ""))
            else:
                operands.append(_argument(action, ""))
    return Command(
        path, _text(parser.description), _text(parser.epilog), tuple(options), tuple(operands), tuple(commands)
    )


def _argument(action: argparse.Action, group: str) -> Argument:
    takes = {0: Takes.NONE, None: Takes.ONE, "?": Takes.PERHAPS, "+": Takes.SOME, "*": Takes.ANY}[action.nargs]
    words = tuple(str(word) for word in action.choices or ())
    value = str(action.metavar or "|".join(words) or action.dest.upper())
    named = [SCENARIOS if word == "SCENARIO" else (word,) for word in value.split("|")]
    return Argument(
        flags=tuple(sorted(action.option_strings, key=len)),
        value="" if takes is Takes.NONE else value,
        takes=takes,
        words=words or tuple(word for several in named for word in several if word.islower()),
        help=_text(action.help),
        group=group,
        is_required=action.required if action.option_strings else takes in (Takes.ONE, Takes.SOME),
    )


def _text(text: str | None) -> str:
    return " ".join((text or "").replace("%%", "%").split())
