"""The ladder: how well secured a node is."""

from __future__ import annotations

from enum import StrEnum


class Rung(StrEnum):
    """A step of the ladder a node stands on."""

    UNSECURED = "unsecured"
    MINIMAL = "minimal"
    BASIC = "basic"
    HTTPS = "https"
    MUTUAL = "mutual"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        return {"https": "basic + HTTPS", "mutual": "mutual TLS"}.get(self.value, self.value)

    @property
    def height(self) -> int:
        """Order on the ladder; unknown is below everything."""
        return list(Rung).index(self) if self is not Rung.UNKNOWN else -1
