"""The palette: every action, those that cannot be done now with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider

from estui.tui.keymap import KEYS, Key, Keymap

if TYPE_CHECKING:
    from estui.tui.screens.main import MainScreen
    from estui.tui.screens.view import ViewScreen


class Actions(Provider):
    """Actions of the screen that the palette was opened on: the main one, or a view."""

    @property
    def owner(self) -> MainScreen | ViewScreen | None:
        from estui.tui.screens.main import MainScreen
        from estui.tui.screens.view import ViewScreen

        return self.screen if isinstance(self.screen, MainScreen | ViewScreen) else None

    @property
    def keymap(self) -> Keymap:
        from estui.tui.screens.view import ViewScreen

        owner = self.owner
        main = owner.main if isinstance(owner, ViewScreen) else owner
        return main.keymap if main is not None else Keymap({})

    def _entries(self) -> Iterator[tuple[Key, str]]:
        """Every action with its reason against, possible ones first."""
        owner = self.owner
        if owner is None:
            return
        offered = [key for key in KEYS if key.scope in owner.keymap_scopes and key.id != "app.palette"]
        reasons = [(key, owner.reason(key.id)) for key in offered]
        if owner.session.read_only:
            reasons = [(key, reason) for key, reason in reasons if "read-only" not in reason]
        yield from sorted(reasons, key=lambda pair: bool(pair[1]))

    def _help(self, key: Key, reason: str) -> str:
        keys = self.keymap.text(key.id)
        return f"not now: {reason}" if reason else f"{keys}  {key.tooltip}" if keys else key.tooltip

    def _run(self, key: Key) -> None:
        owner = self.owner
        if owner is not None:
            owner.action_do(key.id)

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
