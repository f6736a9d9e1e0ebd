"""The palette: every action, those that cannot be done now with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from estui.tui.keymap import KEYS, Key, Scope
from estui.tui.session import why_not

if TYPE_CHECKING:
    from estui.tui.screens.main import MainScreen

_HIDDEN = (Scope.MOVE, Scope.DIALOG, Scope.PAGE)


class Actions(Provider):
    """Actions of the main screen."""

    @property
    def main(self) -> MainScreen | None:
        from estui.tui.screens.main import MainScreen

        return self.screen if isinstance(self.screen, MainScreen) else None

    def _entries(self) -> Iterator[tuple[Key, str]]:
        """Every action with its reason against, possible ones first."""
        main = self.main
        if main is None:
            return
        offered = [key for key in KEYS if key.scope not in _HIDDEN and key.id != "app.palette"]
        reasons = [(key, why_not(key.id, main.session)) for key in offered]
        if main.session.read_only:
            reasons = [(key, reason) for key, reason in reasons if "read-only" not in reason]
        yield from sorted(reasons, key=lambda pair: bool(pair[1]))

    def _help(self, key: Key, reason: str) -> str:
        main = self.main
        keys = main.keymap.text(key.id) if main else ""
        return f"not now: {reason}" if reason else f"{keys}  {key.tooltip}" if keys else key.tooltip

    def _run(self, key: Key) -> None:
        main = self.main
        if main is not None:
            main.action_do(key.id)

    async def discover(self) -> Hits:
        for key, reason in self._entries():
            yield DiscoveryHit(key.word, lambda key=key: self._run(key), key.word, self._help(key, reason))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for key, reason in self._entries():
            score = max(matcher.match(key.word), matcher.match(key.tooltip) * 0.9)
            if score > 0:
                shown = matcher.highlight(key.word)
                yield Hit(score, shown, lambda key=key: self._run(key), key.word, self._help(key, reason))
