"""Built-in users and what becomes of their passwords, as lines; never a password."""

from __future__ import annotations

from collections.abc import Sequence

from estui.model.users import BuiltInUser
from estui.present.escapes import escaped
from estui.present.lines import Kind, Line

NOBODY = "no password of a built-in user is stored here"
_STORED = {
    True: "stored in this workspace",
    False: "not stored here",
    None: "stored or not: the workspace passphrase tells",
}


def user_lines(users: Sequence[BuiltInUser]) -> list[Line]:
    """One line for each user: where its password is, and who logs in with it."""
    width = max((len(each.user) for each in users), default=0)
    lines = []
    for each in users:
        where = "in the file that you keep" if each.given else _STORED[each.stored]
        used = f"; used by {escaped(', '.join(each.consumers))}" if each.consumers else ""
        lines.append(Line(Kind.TEXT, f"{each.user:{width}}  {where}{used}"))
    return lines


def kept_words(users: Sequence[str], path: str) -> str:
    """After a file of passwords was written."""
    names = ", ".join(users)
    return f"the new passwords of {names} are in {path}, readable by you only; later commands read it: --passwords-file"


def shown_words() -> str:
    """Above passwords that are shown and kept nowhere."""
    return "shown once, and kept nowhere here; they count once the run is done:"


def counted_words(users: Sequence[str]) -> str:
    """After a run of new passwords is done."""
    return f"the new passwords of {', '.join(users)} count, and were proven on every node that runs"
