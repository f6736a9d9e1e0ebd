"""The end of a process that another thread still works for: never between two renames."""

from __future__ import annotations

from estui.act import signals


def is_switching() -> bool:
    """Whether the names of a node are being switched at this moment."""
    return signals.is_committing()


def wait_switched(timeout_s: float) -> bool:
    """Waits until no names are being switched; False where that takes longer than `timeout_s`."""
    return signals.wait_idle(timeout_s)
