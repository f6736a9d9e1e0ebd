"""What a Beat makes of a setting's text: `${NAME}` is put in, and the result is read once more as a value.

Owns the rules by which a secret arrives changed (`0123` as 83) or stops the Beat, and the expansion itself. Who holds
the values (keystore, then environment) is left to the caller.
Source: go-ucfg `parse/parse.go`, `variables.go`; seen with Beats 7.17 and 9 (beats.md §1.2).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal

from estui.errors import SettingsError
from estui.secret import Secret

Lookup = Callable[[str], "str | None"]
"""Value of a name, None where nobody holds it."""

_TRUE = frozenset({"t", "T", "true", "TRUE", "True", "on", "ON", "On"})
_FALSE = frozenset({"f", "F", "false", "FALSE", "False", "off", "OFF", "Off"})
_UNSIGNED_LIMIT = 2**64
_INTEGER = re.compile(r"(?P<sign>[+-]?)(?P<digits>0[xX]_?[0-9a-fA-F_]+|0[bB]_?[01_]+|0[oO]?_?[0-7_]+|[1-9][0-9_]*|0)")
_DECIMAL = re.compile(r"[+-]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)([eE][+-]?[0-9][0-9_]*)?")
_HEX_FLOAT = re.compile(r"[+-]?0[xX][0-9a-fA-F_.]+[pP][+-]?[0-9]+")
_INFINITE = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
_REFERENCE = re.compile(r"\$\$\{|\$\{(?P<inside>[^{}]*)\}")
_BLANKS = " \t\r\n\v\f"
_EXPONENT_FROM = 6
"""`strconv.FormatFloat(x, 'g', -1, 64)` writes an exponent from 1e6 on."""


def sent_text(text: str, *, old: bool = False) -> str:
    """What reaches the other side of a value that came out of `${NAME}` alone.

    `old` is 7.17 (before 8.3, beats#31694): it also takes quotes off, and breaks at commas and opening brackets.
    Raises SettingsError: the Beat stops; without the value, unlike the Beat's own message.
    """
    content = text.strip(_BLANKS)
    if old:
        if "," in content or content[:1] in ("[", "{"):
            raise SettingsError("can not convert 'object' into 'string'", hint="choose a value without , [ {")
        if content[:1] in ("'", '"'):
            if len(content) < 2 or content[-1] != content[0]:
                raise SettingsError("a quote that is not closed", hint="choose a value without quotes")
            return content[1:-1]
    if content in _TRUE or content in _FALSE:
        return "true" if content in _TRUE else "false"
    return _number(content)


def change_on_reading(secret: Secret, *, old: bool = True) -> str:
    """Why a secret in a Beat's keystore would not arrive as it is; empty where it does. `old` counts what versions
    before 8.3 make of it, too.

    The reason never holds the secret.
    """
    text = secret.reveal()
    if text != text.strip(_BLANKS):
        return "blanks or line ends at its ends are cut off"
    if old and ("," in text or text[:1] in ("[", "{")):
        return "Beats before 8.3 take a comma, or [ and { in front, for a list and stop, showing the secret"
    if old and text[:1] in ("'", '"'):
        return "Beats before 8.3 take the quotes off"
    if text in _TRUE | _FALSE and sent_text(text) != text:
        return "Beats read it as true or false"
    if sent_text(text) != text or _INFINITE.fullmatch(text):
        return "Beats read it as a number, and write that number"
    return ""


def _number(content: str) -> str:
    """The text of a number as Go prints it; anything else as it is."""
    found = _INTEGER.fullmatch(content)
    if found and not found["digits"].endswith("_") and "__" not in content:
        digits = found["digits"].replace("_", "")
        if digits[:1] == "0" and digits[1:2].isdigit():
            digits = f"0o{digits[1:]}"
        whole = int(digits, 0) * (-1 if found["sign"] == "-" else 1)
        if -_UNSIGNED_LIMIT // 2 <= whole < _UNSIGNED_LIMIT and (found["sign"] != "+" or whole < _UNSIGNED_LIMIT // 2):
            return str(whole)
        return _float_text(float(whole))
    if _INFINITE.fullmatch(content):
        return "-Inf" if content.startswith("-") else "+Inf"
    if content.lower() == "nan":
        return "NaN"
    if _DECIMAL.fullmatch(content) and "_" not in content:
        return _float_text(float(content))
    if _HEX_FLOAT.fullmatch(content) and "_" not in content:
        return _float_text(float.fromhex(content))
    return content


def _float_text(number: float) -> str:
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    if not number:
        return "-0" if sign else "0"
    power = len(digits) + int(exponent) - 1
    text = "".join(map(str, digits))
    head = "-" * sign
    if power < -4 or power >= _EXPONENT_FROM:
        mantissa = text[0] + ("." + text[1:] if len(text) > 1 else "")
        return f"{head}{mantissa}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return head + format(Decimal((0, digits, int(exponent))), "f")


def references(text: str, *, demanded: bool = False) -> tuple[str, ...]:
    """Names that a text asks for by `${NAME}`, without defaults and messages; `$${` is a plain `${`. With `demanded`
    only those without a default."""
    found = (each["inside"].partition(":") for each in _REFERENCE.finditer(text) if each["inside"] is not None)
    return tuple(name for name, colon, rest in found if not (demanded and colon and not rest.startswith("?")))


def expanded(text: str, lookup: Lookup, *, key: str, old: bool = False) -> str:
    """The value of a setting with every `${NAME}` put in; a text without any stays exactly as it is.

    Raises SettingsError: nobody holds a name and it has no default (`missing field`), or `sent_text`.
    """
    if not references(text):
        return text.replace("$${", "${")

    def value(found: re.Match[str]) -> str:
        if found["inside"] is None:
            return "${"
        name, colon, default = found["inside"].partition(":")
        held = lookup(name)
        if held is not None:
            return held
        if colon and not default.startswith("?"):
            return default
        raise SettingsError(f"missing field accessing '{key}': ${{{name}}} is not known", hint="add it to the keystore")

    return sent_text(_REFERENCE.sub(value, text), old=old)
