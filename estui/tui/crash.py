"""Where a defect of estui's own is written: a private file with the stack and no values."""

from __future__ import annotations

import os
import tempfile
import traceback


def crash_text(error: BaseException) -> str:
    """The stack as file, line and function, and the types of the errors; messages and locals can hold secrets."""
    parts: list[str] = []
    chain: BaseException | None = error
    while chain is not None:
        frames = traceback.extract_tb(chain.__traceback__)
        parts.append(type(chain).__name__)
        parts += [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]
        chain = chain.__cause__ or chain.__context__
    return "\n".join(parts) + "\n"


def write_crash(error: BaseException) -> str:
    """Writes the stack into a new file of mode 0600 and returns its path; empty where no folder takes it."""
    try:
        number, path = tempfile.mkstemp(prefix="estui-crash-", suffix=".log")
    except OSError:
        return ""
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(crash_text(error))
    return path
