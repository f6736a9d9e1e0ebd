"""Stages of sets that are switched under running processes: which of them need a restart, and why.

What is in the sets is decided elsewhere: `rotation.py`, `external.py` and `rollover.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from estui.model.observed import Observed, ObservedNode
from estui.model.plan import Change, Restart, Stage

RELOAD = "resource.reload.enabled"
"""Whether a node looks at its files again while it runs; true by default (elastic-stack-security.md §6.3)."""


def reloads(node: ObservedNode) -> bool:
    """Whether a running node loads new files by itself."""
    return node.setting(RELOAD) != "false"


def switch_stages(
    observed: Observed, nodes: Sequence[Change], kibana: Sequence[Change], ids: tuple[str, str]
) -> tuple[Stage, ...]:
    """Nodes without any restart where all of them reload files; Kibana with one. `ids` name the two stages."""
    found = []
    if nodes:
        targets = {getattr(change, "target", "") for change in nodes}
        deaf = [node.target for node in observed.nodes if node.target in targets and not reloads(node)]
        why = "Elasticsearch loads changed certificate files by itself within seconds"
        if deaf:
            why = f"files are read at the start only on {', '.join(deaf)} ({RELOAD} is false)"
        found.append(Stage(ids[0], Restart.ROLLING if deaf else Restart.NONE, tuple(nodes), why))
    if kibana:
        found.append(Stage(ids[1], Restart.KIBANA, tuple(kibana), "Kibana reads its files at start only"))
    return tuple(found)
