"""What this process denies to the rest of the machine: its memory, which holds secrets."""

from __future__ import annotations

import contextlib
import resource

_PR_SET_DUMPABLE = 4


def deny_dumps() -> None:
    """No core dump of this process, and no other process of the same user attaches or reads `/proc/PID/mem`.

    `prctl(2)` binds handlers of core dumps too, which a limit does not, and ends with `exec`: a node that the
    inventory's commands start keeps the limits that it always had. Where there is no `prctl`, the soft limit of core
    files has to do. Never fails.
    """
    import ctypes  # 10 ms, for the one call that Python has no name for

    with contextlib.suppress(OSError, AttributeError):
        if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
            return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
