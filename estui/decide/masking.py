"""Which settings hold secrets, and how lines and values that name them are shown.

Works on the text of a yml, so that old values, comments and values on several lines are masked like new ones.
"""

from __future__ import annotations

import re

from estui.model.setting import SettingValue
from estui.secret import MASK

_SECRET_NAME = re.compile(r"(pass(word|phrase)|secret|token|api_?key|encryptionkey|credentials?)$", re.IGNORECASE)
_LINE = re.compile(
    r"^(?P<indent>\s*)(?P<head>#*\s*(?:-\s+)?[\"']?(?P<key>[\w.${}-]+)[\"']?\s*:(?=\s|$)\s*)(?P<value>.*)$"
)
_IN_FLOW = re.compile(
    r"(?P<head>[{,]\s*[\"']?(?P<key>[\w.-]+)[\"']?\s*:\s*)(?P<value>\"[^\"]*\"|'[^']*'|[^,}\s][^,}]*)"
)
_LOGIN_IN_URL = re.compile(r"(://[^\s/:@\"']*):[^\s/@\"']+@")
_BLOCK = re.compile(r"[|>][0-9+-]*\s*(#.*)?$")


def names_secret(key: str) -> bool:
    """Whether the value of a setting or keystore entry of this name is a secret, by the last part of its name."""
    return _SECRET_NAME.search(key.rpartition(".")[2]) is not None


def shown_value(key: str, value: SettingValue) -> SettingValue:
    """A setting's value as a plan may hold it: a mask where the key names a secret."""
    if value is None or not names_secret(key):
        return value
    return MASK


def mask(line: str) -> str:
    """One yml line with every secret on it masked, changed or not, commented out or not."""
    found = _LINE.match(line)
    if found and names_secret(found["key"]) and found["value"] and not found["value"].startswith("#"):
        return f"{found['indent']}{found['head']}{MASK}"
    line = _IN_FLOW.sub(lambda flow: flow["head"] + (MASK if names_secret(flow["key"]) else flow["value"]), line)
    return _LOGIN_IN_URL.sub(rf"\1:{MASK}@", line)


def masked_lines(text: str) -> list[str]:
    """All lines of a yml, masked; also the further lines of a secret value that spans several."""
    shown = []
    below: int | None = None
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if below is not None and line.strip() and indent <= below and not line.lstrip().startswith("- "):
            below = None
        if below is not None and line.strip():
            shown.append(" " * indent + MASK)
            continue
        shown.append(mask(line))
        found = _LINE.match(line)
        if found and names_secret(found["key"]) and "#" not in found["head"]:
            value = found["value"]
            opened = value[:1] in ("[", "{", '"', "'") and not _is_closed(value)
            if not value or value.startswith("#") or _BLOCK.match(value) or opened:
                below = len(found["indent"])
    return shown


def _is_closed(value: str) -> bool:
    """Whether a quoted or bracketed value ends on the line it begins on."""
    end = {"[": "]", "{": "}"}.get(value[0], value[0])
    return end in value[1:]
