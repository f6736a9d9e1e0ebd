"""Built-in users, as far as a workspace knows about them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class BuiltInUser:
    """A built-in user: where its password is kept, and who logs in with it."""

    user: str
    stored: bool | None
    """In `secrets.json`; None where that is not unlocked."""
    given: bool
    """In the file that the operator keeps and named."""
    consumers: tuple[str, ...]
    """Targets whose files say that they log in as this user."""
