"""A value that is never shown by accident."""

from __future__ import annotations

import hmac
from typing import NoReturn

MASK = "(secret)"


class Secret:
    """Text that prints as a mask; `reveal()` is the one way out and can be searched for.

    Pickling and copying through `repr` are refused, so that a secret does not leave in a dump.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def encode(self) -> bytes:
        """UTF-8 bytes of the value: what every key derivation here takes."""
        return self._text.encode()

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self.encode(), other.encode())

    def __hash__(self) -> int:
        return hash(Secret)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
