"""What nodes say in their logs while a gate waits for them: since when they are read, and what of it is told."""

from __future__ import annotations

from collections.abc import Sequence

from estui.act.context import Context
from estui.act.peers import Peers
from estui.decide.log_fragments import LogKind, LogMeaning, has_ended, meanings, reasons
from estui.errors import StoreError
from estui.formats.wire import decode
from estui.observe.node_log import LogEnd, folder_problem, mark_log, read_since

MARK = "log-mark"
"""Act of a journal record: where a node's logs ended when a step began. It outlives the process, so that a person who
restarts a node while nobody watches finds its words all the same."""


class NodeLogs:
    """The logs of one run's nodes, as far as the inventory names their folders."""

    def __init__(self, context: Context, peers: Peers) -> None:
        self.context = context
        self.peers = peers

    def begin(self, step: str, targets: Sequence[str]) -> None:
        """From here on lines count for this step: only the first time that it is begun."""
        for target in targets:
            folder = self.peers.logs(target)
            if folder is not None and not self._marks(target, step):
                problem = folder_problem(folder)
                if problem:
                    self.context.say(f"{target}: its log folder {folder}: {problem}")
                self.context.journal.write(MARK, step=step, target=target, ends=mark_log(folder))

    def said(self, target: str) -> tuple[LogMeaning, ...]:
        """What is understood of everything that a node wrote since the last step that it had part in."""
        folder = self.peers.logs(target)
        marks = self._marks(target)
        if folder is None or not marks:
            return ()
        return meanings(read_since(folder, marks[-1]))

    def why(self, target: str) -> tuple[str, ...]:
        """Why a gate of a node does not close, in the words of its log; nothing where that tells nothing."""
        return tuple(f"log of {target}: {each.words}" for each in reasons(self.said(target)))

    def loaded(self, target: str) -> str:
        """What it says it has loaded, in one sentence; nothing where it says nothing."""
        names = [each.what for each in self.said(target) if each.kind is LogKind.RELOADED]
        return f"its log: it has loaded {', '.join(names)}" if names else ""

    def has_ended(self, target: str) -> bool:
        """Whether it says that it does not start. Whether it really is gone is to be asked of its ports."""
        return has_ended(self.said(target))

    def _marks(self, target: str, step: str = "") -> list[tuple[LogEnd, ...]]:
        journal = self.context.journal
        found = []
        for record in journal.find(MARK):
            if record.text("target") != target or (step and record.text("step") != step):
                continue
            ends = record.fields.get("ends")
            try:
                listed = ends if isinstance(ends, list) else ()
                found.append(tuple(decode(LogEnd, each, journal.path) for each in listed))
            except StoreError:
                found.append(())
        return found
