"""Private keys for a plan's leaves, made before the leaves: RSA keys on all processors, since each takes a while."""

from __future__ import annotations

import os
from collections import Counter, deque
from concurrent.futures import ThreadPoolExecutor

from estui.act.context import Context
from estui.errors import WaitingError
from estui.model.inventory import KeyType
from estui.model.plan import Plan, PublishSet
from estui.pki.keys import PrivateKey, generate_key

BATCH = 100
"""Keys between two words of progress, and before somebody who wants a pause is heard."""


class NewKeys:
    """Keys that are ready, by their type. Making an RSA key lets other threads run, so each processor makes one."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._ready: dict[KeyType, deque[PrivateKey]] = {}

    def make(self, plan: Plan) -> None:
        """The RSA keys that a plan needs. Raises WaitingError where somebody asked for a pause: nothing is written."""
        wanted = Counter(
            change.request.key
            for change in plan.changes
            if isinstance(change, PublishSet) and change.request and not change.imported
        )
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for kind, count in wanted.items():
                if kind is not KeyType.EC_P256 and count > 1:
                    self._ready[kind] = deque(self._made(pool, kind, count))

    def _made(self, pool: ThreadPoolExecutor, kind: KeyType, count: int) -> list[PrivateKey]:
        keys: list[PrivateKey] = []
        while len(keys) < count:
            if self.context.stop.is_set():
                raise WaitingError("paused while keys were made; nothing was written", hint="apply again")
            keys += pool.map(generate_key, [kind] * min(BATCH, count - len(keys)))
            if count > BATCH:
                self.context.say(f"{len(keys)} of {count} keys made")
        return keys

    def take(self, kind: KeyType) -> PrivateKey:
        """A key that nobody else gets; made now where none is ready."""
        ready = self._ready.get(kind)
        return ready.popleft() if ready else generate_key(kind)
