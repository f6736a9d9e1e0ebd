"""Secrets that a test plants, and the search for them in everything that is printed or written."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from estui.secret import Secret

if TYPE_CHECKING:
    from estui.act.context import Recipe

SHORTEST = 8
"""Characters; less than that is found by chance."""


def forms(secret: bytes) -> set[bytes]:
    """How a secret may look: as it is, and as JSON, URLs, hexadecimal and base64 carry it, at any offset."""
    found = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + secret).rstrip(b"=")
        whole = coded[(0, 2, 3)[offset] : len(coded) if (offset + len(secret)) % 3 == 0 else -1]
        found |= {whole, whole.translate(bytes.maketrans(b"+/", b"-_"))}
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return {form for form in found if len(form) >= SHORTEST}
    found |= {each.encode() for each in (quote(text, safe=""), quote(text), quote_plus(text), json.dumps(text)[1:-1])}
    return {form for form in found if len(form) >= SHORTEST}


class Canaries:
    """Every secret by a name under which a leak is reported."""

    def __init__(self) -> None:
        self._forms: dict[str, set[bytes]] = {}

    def plant(self, name: str) -> str:
        """A new secret; each half of it is searched for as well, so that half a mask is a leak too."""
        number = len(self._forms) + 1
        head, tail = f"c4nary{number:02}head", f"t4il{number:02}canary"
        secret = f"{head}/+%&={tail}"
        self.add(name, secret)
        self._forms[name] |= forms(head.encode()) | forms(tail.encode())
        return secret

    def add(self, name: str, secret: str | bytes) -> None:
        self._forms.setdefault(name, set()).update(forms(secret.encode() if isinstance(secret, str) else secret))

    def add_key_file(self, name: str, content: bytes) -> None:
        """Every line of a private key's body."""
        for line in content.splitlines():
            if len(line) > SHORTEST and b"-----" not in line:
                self.add(name, line)

    def __contains__(self, name: str) -> bool:
        return name in self._forms

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self._forms)

    def found(self, data: bytes | str, but: Collection[str] = ()) -> list[str]:
        """Names of the secrets that are in it."""
        raw = data.encode(errors="surrogateescape") if isinstance(data, str) else data
        return sorted(
            name for name, each in self._forms.items() if name not in but and any(form in raw for form in each)
        )

    def found_below(self, folder: Path, allowed: Callable[[Path], Collection[str]]) -> dict[str, list[str]]:
        """Files below a folder, and names of links, that hold secrets which they are not allowed to."""
        leaks: dict[str, list[str]] = {}
        for path in sorted(folder.rglob("*")):
            held = str(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            leaked = self.found(held, allowed(path)) + self.found(path.name)
            if leaked:
                leaks[str(path.relative_to(folder))] = leaked
        return leaks


def watch_generated(canaries: Canaries, patch: pytest.MonkeyPatch) -> None:
    """Every password, private key and other secret that estui makes from now on is a canary as well."""
    from estui.act import keys, kibana_entries, login, passwords, prepare, tokens, workspace
    from estui.act.context import new_password
    from estui.engine import passwords as kept_outside
    from estui.pki.keys import generate_key

    def password(*recipe: Recipe) -> object:
        made = new_password(*recipe)
        canaries.add(f"generated password {len(canaries.names)}", made.reveal())
        return made

    def key(kind: object) -> object:
        made = generate_key(kind)  # type: ignore[arg-type]
        assert isinstance(made, ec.EllipticCurvePrivateKey)
        canaries.add(f"generated key {len(canaries.names)}", made.private_numbers().private_value.to_bytes(32, "big"))
        return made

    def watched(make: Callable[..., Secret], what: str) -> Callable[..., Secret]:
        def made(*arguments: object) -> Secret:
            value = make(*arguments)
            if not canaries.found(value.reveal()):
                canaries.add(f"generated {what} {len(canaries.names)}", value.reveal())
            return value

        return made

    patch.setattr(tokens, "issue", watched(tokens.issue, "token"))
    patch.setattr(kibana_entries, "shared", watched(kibana_entries.shared, "encryption secret"))
    for module in (login, prepare, passwords, kept_outside):
        patch.setattr(module, "new_password", password)
    for module in (keys, workspace):
        patch.setattr(module, "generate_key", key)
