"""Restarts of Beats.

A Beat has no port, so nobody can see from outside with which files it runs. What tells of a restart is a command of
the inventory, or a new connection of the Beat's kind to the cluster (`_nodes/stats/http`); where there is neither, the
word of the person who was asked for it counts, and the evidence says so. `beat_proof.py` has what its files prove.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from estui.act.context import Context
from estui.act.peers import Peers, wait_until
from estui.errors import ProbeError, WaitingError
from estui.formats.wire import Json
from estui.observe.clients import connected_since, newest_connection
from estui.observe.http import Client

ASKED, RESTARTED = "beat-asked", "beat-restarted"
"""Acts of journal records: a person was asked to restart a Beat; it was restarted."""
Opener = Callable[[], AbstractContextManager[Client]]
"""Opens a client that may ask the cluster for its figures."""


class Beats:
    """The Beats of one run."""

    def __init__(self, context: Context, peers: Peers) -> None:
        self.context = context
        self.peers = peers

    # restart

    def is_restarted(self, target: str) -> bool:
        return any(record.text("target") == target for record in self.context.journal.find(RESTARTED))

    def note_restarted(self, target: str, by: str) -> None:
        self.context.journal.write(RESTARTED, target=target, by=by)

    def await_person(self, target: str, opener: Opener, words: str) -> str:
        """How it is known that a person has restarted the Beat.

        Raises WaitingError where nobody was asked before, and no new connection came in time.
        """
        asked = [record for record in self.context.journal.find(ASKED) if record.text("target") == target]
        since = _number(asked[-1].fields.get("since")) if asked else self._clock(opener)
        if not asked:
            self.context.journal.write(ASKED, target=target, since=since)
        seen = ""

        def connected() -> bool:
            nonlocal seen
            seen = self._seen(target, opener, since)
            return bool(seen)

        if since and wait_until(connected, self.context.options.wait_s, self.context.stop.is_set):
            return seen
        if asked:
            return "restarted, by the word of whoever went on; no new connection of it was seen, so this is not proven"
        raise WaitingError(
            f"waits for you to restart {target}, and watches for its next connection",
            reasons=(words,),
            hint="do it, then: estui runbook resume --wait 60   (--restart runs the inventory's own commands)",
        )

    def _clock(self, opener: Opener) -> int:
        """The cluster's own time of the newest connection, ours, in milliseconds; 0 where it does not tell."""
        try:
            with opener() as client:
                return newest_connection(client)
        except ProbeError:
            return 0

    def _seen(self, target: str, opener: Opener, since: int) -> str:
        try:
            with opener() as client:
                return connected_since(client, self.peers.read_beat(target).kind, since)
        except ProbeError:
            return ""


def _number(value: Json) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
