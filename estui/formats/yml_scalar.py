"""Scalars of yml files: what a plain one means, and how a value is spelled.

Owns: the spelling that SnakeYAML (Elasticsearch), js-yaml (Kibana) and go-yaml (Beats) all read back as the same
value, whether they follow YAML 1.1 or 1.2. Leaves to others: where in a file a value stands (`yml.py`).
"""

from __future__ import annotations

import re

from estui.model.setting import Scalar, SettingValue

_INTEGER = re.compile(r"-?[1-9][0-9]{0,17}|0")
_FLOAT = re.compile(r"-?(0|[1-9][0-9]{0,14})\.[0-9]{1,15}")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})

# What YAML 1.1, YAML 1.2 or one of the three parsers takes for something else than text.
_WORDS = frozenset(["y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "infinity", "nan"])
_NUMBER_LIKE = re.compile(
    r"[-+]?(0[xob][0-9a-f_.p+-]*|\.(inf|nan)|(inf|infinity|nan)|[0-9_.,:]*[0-9][0-9_.,:]*(e[-+]?[0-9_]*)?)",
    re.IGNORECASE,
)
_DATE_LIKE = re.compile(r"[0-9]{4}-[0-9]")
_IPV4 = re.compile(r"[1-9][0-9]{0,2}(\.(0|[1-9][0-9]{0,2})){3}|0\.0\.0\.0")
_INDICATORS = "+-?:,[]{}#&*!|>'\"%@`~=<. "
_FLOW_INDICATORS = frozenset(",[]{}:?")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def plain_value(text: str) -> Scalar:
    """Meaning of a plain scalar.

    Only `true`, `false`, null and numbers in their canonical form are other than text, as Elasticsearch takes
    every value as the text in the file: `yes`, `0123`, `1_000` and `9.10` stay what they are.
    """
    if text in _NULLS:
        return None
    if text in ("true", "false"):
        return text == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text) and repr(float(text)) == text:
        return float(text)
    return text


def needs_quotes(text: str, *, in_flow: bool = False) -> bool:
    """Whether some parser of the stack would read the plain `text` as something else."""
    if not text or not text.isprintable() or text[0] in _INDICATORS or text[-1] in ": ":
        return True
    if ": " in text or " #" in text or (in_flow and not _FLOW_INDICATORS.isdisjoint(text)):
        return True
    if text.lower() in _WORDS or _DATE_LIKE.match(text):
        return True
    return bool(_NUMBER_LIKE.fullmatch(text)) and not _IPV4.fullmatch(text)


def spell(value: SettingValue, *, in_flow: bool = False) -> str:
    """A value as one line of yml; `in_flow` inside brackets or braces."""
    if isinstance(value, tuple):
        return "[" + ", ".join(quote(item) if isinstance(item, str) else spell(item) for item in value) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return quote(value) if needs_quotes(value, in_flow=in_flow) else value
    return str(value)


def quote(text: str) -> str:
    """Text in double quotes (YAML 1.2 §7.3.1; the escapes are those of YAML 1.1 too)."""
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    code = ord(character)
    if code > 0xFFFF:
        return f"\\U{code:08X}"
    return f"\\u{code:04X}" if code > 0xFF else f"\\x{code:02X}"
