"""Which settings hold secrets, and how lines and values that name them are shown.

Works on the text of a yml, so that old values, comments and values on several lines are masked like new ones.
"""

from __future__ import annotations

import re

from estui.model.setting import SettingValue
from estui.secret import MASK

_SECRET_NAME = re.compile(
    r"(pass(word|phrase|wd)|secrets?|token|(api|secret|access|encryption|hmac)_?key|credentials?|authorization)$",
    re.IGNORECASE,
)
_SECRETS = re.compile(r"(^|\.)secrets\.", re.IGNORECASE)
"""Below it every value is one, whatever its name: Kibana's `xpack.actions.preconfigured.NAME.secrets`."""
_LINE = re.compile(
    r"^(?P<indent>\s*)(?P<head>#*\s*(?:-\s+)?[\"']?(?P<key>[\w.${}-]+)[\"']?\s*:(?=\s|$)\s*)(?P<value>.*)$"
)
_IN_FLOW = re.compile(
    r"(?P<head>[{,]\s*[\"']?(?P<key>[\w.-]+)[\"']?\s*:\s*)"
    r"(?P<value>\"[^\"]*\"|'[^']*'|\{[^}]*|\[[^\]]*|[^,}\s][^,}]*)"
)
_LOGIN_IN_URL = re.compile(r"(://[^\s/:@\"']*):[^\s\"']+@")
"""Up to the last `@`: what people write there is not always encoded, and may hold `/` and `@`."""
_REFERENCE = re.compile(r"(?P<quote>[\"']?)\$\{[\w.-]+\}(?P=quote)\s*(\s#.*)?")
"""Where a secret is kept, and no secret itself; with a default behind a colon it would hold one."""
_BLOCK = re.compile(r"[|>][0-9+-]*\s*(#.*)?$")


def names_secret(key: str) -> bool:
    """Whether the value of a setting or keystore entry of this name is a secret, by the last part of its name."""
    return _SECRET_NAME.search(key.rpartition(".")[2]) is not None or _SECRETS.search(key) is not None


def shown_value(key: str, value: SettingValue) -> SettingValue:
    """A setting's value as a plan may hold it: a mask where the key names a secret, and for a password in a URL."""
    if value is None:
        return None
    if names_secret(key):
        return value if isinstance(value, str) and _REFERENCE.fullmatch(value) else MASK
    if isinstance(value, tuple):
        return tuple(_without_login(each) if isinstance(each, str) else each for each in value)
    return _without_login(value) if isinstance(value, str) else value


def _without_login(text: str) -> str:
    return _LOGIN_IN_URL.sub(rf"\1:{MASK}@", text)


def mask(line: str) -> str:
    """One yml line with every secret on it masked, changed or not, commented out or not."""
    found = _LINE.match(line)
    is_open = found is None or found["value"].startswith("#") or _REFERENCE.fullmatch(found["value"])
    if found and names_secret(found["key"]) and found["value"] and not is_open:
        return f"{found['indent']}{found['head']}{MASK}"
    return _without_login(_masked_flow(line))


def _masked_flow(line: str) -> str:
    """A line with the secrets of its maps in braces masked; what is no secret is looked into, for maps inside."""
    shown, at = "", 0
    while found := _IN_FLOW.search(line, at):
        is_secret = names_secret(found["key"])
        shown += line[at : found.end("head")] + MASK * is_secret
        at = found.end() if is_secret else found.end("head")
    return shown + line[at:]


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
