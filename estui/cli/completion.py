"""Completions for bash, zsh and fish, made from the grammar of the commands. Pure: a grammar in, a script out.

Each script finds the command at hand by walking the words before the cursor, without starting estui, so that the
TAB key answers at once on a slow machine too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from estui.cli.grammar import Argument, Command, Completes, Takes


def completion(shell: str, root: Command) -> str:
    """The script for one of the shells that `estui completion` names."""
    scripts: dict[str, Callable[[Command], str]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}
    return scripts[shell](root)


def _place(command: Command) -> str:
    """A command as the scripts name it: `ca list`, with a space before each word."""
    return "".join(f" {word}" for word in command.path)


def _valued(root: Command) -> list[str]:
    """Flags after which the next word is a value and no command."""
    found = {
        flag
        for command in root.every()
        for option in command.options
        if option.takes in (Takes.ONE, Takes.SOME)
        for flag in option.flags
    }
    return sorted(found)


def _places(root: Command) -> list[str]:
    return [_place(command) for command in root.every() if command.path]


def _quoted(text: str) -> str:
    """One word of a shell script."""
    return "'" + text.replace("'", "'\\''") + "'"


def _pattern(words: Iterable[str]) -> str:
    return "|".join(_quoted(word) for word in words)


def _values(root: Command) -> list[tuple[str, Argument]]:
    """Each option with a value, once for each command, and once for all where it is everyone's."""
    found: list[tuple[str, Argument]] = [("*", each) for each in root.options if each.is_common]
    for command in root.every():
        found += [(_place(command), each) for each in command.options if not each.is_common]
    return [(place, option) for place, option in found if option.takes is not Takes.NONE]


# bash and zsh share everything but the words that hand candidates to the shell


def _walk(root: Command, words: str, first: int, end: str) -> list[str]:
    """Lines that put the command at hand into `at`."""
    return [
        f"  for ((i = {first}; i < {end}; i++)); do",
        f"    word=${{{words}[i]}}",
        "    if [[ $word == = ]]; then skip=1; continue; fi",
        "    if [[ -n $skip ]]; then skip=; continue; fi",
        f"    case $word in {_pattern(_valued(root))}) skip=1; continue ;; esac",
        f'    case "$at $word" in {_pattern(_places(root))}) at="$at $word" ;; esac',
        "  done",
    ]


def _value_cases(root: Command, give: Callable[[Argument], str]) -> list[str]:
    lines = ['  case "$at:$prev" in']
    for place, option in _values(root):
        start = "*" if place == "*" else _quoted(place)
        patterns = "|".join(f"{start}:{flag}" for flag in option.flags)
        stop = "" if option.takes is Takes.PERHAPS else "; return"
        lines.append(f"    {patterns}) {give(option)}{stop} ;;")
    return [*lines, "  esac"]


def _bash(root: Command) -> str:
    def give(argument: Argument) -> str:
        return {
            Completes.FOLDER: "_estui_folders",
            Completes.FILE: "_estui_files" + "".join(f" {word}" for word in argument.words),
            Completes.WORD: f"_estui_words {_quoted(' '.join(argument.words))}",
            Completes.NOTHING: ":",
        }[argument.completes]

    lines = [
        "# Completion of estui for bash, made by `estui completion bash`.",
        '_estui_words() { COMPREPLY+=($(compgen -W "$1" -- "$cur")); }',
        "_estui_folders() { compopt -o filenames 2>/dev/null; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY "
        '< <(compgen -d -- "$cur"); }',
        "_estui_files() { compopt -o filenames 2>/dev/null; mapfile -t -O ${#COMPREPLY[@]} COMPREPLY "
        '< <(compgen -f -- "$cur"); [[ $# -eq 0 ]] || _estui_words "$*"; }',
        "_estui() {",
        "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} at= skip= word i",
        "  COMPREPLY=()",
        "  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi",
        *_walk(root, "COMP_WORDS", 1, "COMP_CWORD"),
        *_value_cases(root, give),
        '  case "$at" in',
    ]
    for command in root.every():
        flags = " ".join(flag for option in command.options for flag in option.flags)
        words = " ".join(each.path[-1] for each in command.commands)
        gives = [f"_estui_words {_quoted(words)}"] if words else [give(each) for each in command.operands]
        lines.append(
            f"    {_quoted(_place(command))}) case $cur in -*) _estui_words {_quoted(flags)} ;; "
            f"*) {'; '.join(gives) or ':'} ;; esac ;;"
        )
    return "\n".join([*lines, "  esac", "}", "complete -F _estui estui", ""])


def _zsh(root: Command) -> str:
    def give(argument: Argument) -> str:
        words = f"compadd -- {' '.join(map(_quoted, argument.words))}"
        return {
            Completes.FOLDER: "_files -/",
            Completes.FILE: f"_files; {words}" if argument.words else "_files",
            Completes.WORD: words,
            Completes.NOTHING: "_message " + _quoted(argument.value),
        }[argument.completes]

    lines = [
        "#compdef estui",
        "# Completion of estui for zsh, made by `estui completion zsh`.",
        "_estui() {",
        "  local cur=$words[CURRENT] prev=$words[CURRENT-1] at= skip= word",
        "  local -a names flags",
        "  integer i",
        *_walk(root, "words", 2, "CURRENT"),
        *_value_cases(root, give),
        '  case "$at" in',
    ]
    for command in root.every():
        flags = [_described(flag, option.help) for option in command.options for flag in option.flags]
        names = [_described(each.path[-1], each.help) for each in command.commands]
        lines.append(f"    {_quoted(_place(command))})")
        lines += [f"      names=({' '.join(names)})", f"      flags=({' '.join(flags)})"]
        gives = ["_describe -t commands command names"] if names else [give(each) for each in command.operands]
        lines.append(
            f"      if [[ $cur == -* ]]; then _describe -t options option flags; else {'; '.join(gives) or ':'}; fi ;;"
        )
    ends = ['if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _estui "$@"; else compdef _estui estui; fi']
    return "\n".join([*lines, "  esac", "}", *ends, ""])


def _described(name: str, help_text: str) -> str:
    return _quoted(name.replace(":", "\\:") + ":" + help_text.replace(":", "\\:"))


def _fish(root: Command) -> str:
    """fish asks for each candidate by itself whether it fits, with its own line."""
    lines = [
        "# Completion of estui for fish, made by `estui completion fish`.",
        "function __estui_at",
        "  set -l at",
        "  set -l skip",
        "  set -l words (commandline -opc)",
        "  for word in $words[2..]",
        '    if test -n "$skip"; set skip; continue; end',
        f"    if contains -- $word {' '.join(_valued(root))}; set skip 1; continue; end",
        f'    if contains -- "$at $word" {" ".join(_fish_word(place) for place in _places(root))}',
        '      set at "$at $word"',
        "    end",
        "  end",
        '  test "$at" = "$argv[1]"',
        "end",
        "complete -c estui -f",
    ]
    lines += [f"complete -c estui {_fish_option(option)}" for option in root.options if option.is_common]
    for command in root.every():
        where = f"complete -c estui -n {_fish_word('__estui_at ' + _fish_word(_place(command)))}"
        lines += [f"{where} -f -a {_fish_word(each.path[-1])} -d {_fish_word(each.help)}" for each in command.commands]
        lines += [f"{where} {_fish_value(each)}" for each in command.operands]
        lines += [f"{where} {_fish_option(option)}" for option in command.options if not option.is_common]
    return "\n".join([*lines, ""])


def _fish_option(option: Argument) -> str:
    kinds = ((f, "-l" if f.startswith("--") else "-s") for f in option.flags)
    flags = " ".join(f"{kind} {flag.lstrip('-')}" for flag, kind in kinds)
    needs = "-r " if option.takes in (Takes.ONE, Takes.SOME) else ""
    value = f" {needs}{_fish_value(option)}" if needs else " -f"
    return f"{flags} -d {_fish_word(option.help)}{value}"


def _fish_value(argument: Argument) -> str:
    listed = f" -a {_fish_word(' '.join(argument.words))}" if argument.words else ""
    return {
        Completes.FOLDER: "-f -a '(__fish_complete_directories (commandline -ct))'",
        Completes.FILE: f"-F{listed}",
        Completes.WORD: f"-f{listed}",
        Completes.NOTHING: "-f",
    }[argument.completes]


def _fish_word(text: str) -> str:
    return "'" + re.sub(r"(['\\])", r"\\\1", text) + "'"
