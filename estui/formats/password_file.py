"""A file of passwords that the operator keeps himself: one `user=password` on each line.

Blank lines and lines that begin with `#` mean nothing. A password is everything behind the first `=`, as it stands.
Who may read the file, and the file itself, are left to others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from estui.errors import Location, UsageError
from estui.secret import Secret

_HINT = "write user=password on each line"


def parse_password_file(content: bytes, path: str) -> dict[str, Secret]:
    """Passwords by user. UsageError: no text, a line of another kind, a user twice, nothing at all."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise UsageError("is not text", location=Location(path), hint=_HINT) from error
    found: dict[str, Secret] = {}
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if not line.strip() or line.startswith("#"):
            continue
        user, equals, password = line.partition("=")
        user = user.strip()
        if not equals or not user or not password:
            # the line itself may hold a password, and is not shown
            raise UsageError("is no line of a user and a password", location=Location(path, number), hint=_HINT)
        if user in found:
            raise UsageError(f"names {user} twice", location=Location(path, number), hint="keep one of them")
        found[user] = Secret(password)
    if not found:
        raise UsageError("holds no password", location=Location(path), hint=_HINT)
    return found


def password_file(passwords: Mapping[str, Secret]) -> bytes:
    """The file for these passwords, in the order given."""
    return b"".join(user.encode() + b"=" + password.encode() + b"\n" for user, password in passwords.items())


MINIMUM = 6
"""Characters that Elasticsearch wants (elastic-stack-security.md §1.4)."""
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "none", "inf", "infinity", "nan"))
_NUMBER = re.compile(r"[0-9+.-][0-9a-f+._:xotz-]*", re.IGNORECASE)
"""What a yml may take for a number, a moment or a date, and what only looks like it."""
_CHANGED = frozenset(",${}[]\"'\\")


def check_password(user: str, password: Secret) -> None:
    """Raises UsageError for a password that somebody on its way would read as something else, or refuse.

    Elasticsearch wants six characters or more; a yml takes digits alone, `0123`, `1e5` and `on` for numbers and truth
    values; Beats and Kibana expand `${...}`, and Beats cut at commas (beats.md §1.2). Blanks are lost at a prompt, and
    what is not ASCII depends on who encodes it.
    """
    text = password.reveal()
    if len(text) < MINIMUM:
        raise _refused(user, f"is shorter than {MINIMUM} characters")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise _refused(user, "holds blanks, or characters other than printable ASCII")
    if text.lower() in _WORDS:
        raise _refused(user, "is a word that a yml takes for a truth value, a number or nothing")
    if _NUMBER.fullmatch(text):
        raise _refused(user, "looks like a number or a date, which a yml may change")
    if set(text) & _CHANGED:
        raise _refused(user, "holds one of , $ { } [ ] \" ' \\, which a yml, a Beat or Kibana may change")


def _refused(user: str, why: str) -> UsageError:
    return UsageError(f"the password of {user} {why}", hint="choose another one, or let estui make it")
