"""What a defect of estui's own leaves: a private file with the stack and no values, and one sentence.

An error that nobody foresaw may carry anything in its message and in the variables on its way, secrets too.
Python's own report prints the one, Textual's both; neither is ever shown.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from pathlib import PurePath

from estui import __version__
from estui.errors import EstuiError


def crash_text(error: BaseException) -> str:
    """The stack as file, line and function, and the types of the errors; messages and locals can hold secrets."""
    parts: list[str] = []
    chain: BaseException | None = error
    seen: set[int] = set()
    while chain is not None and id(chain) not in seen:
        seen.add(id(chain))
        frames = traceback.extract_tb(chain.__traceback__)
        parts.append(type(chain).__name__)
        parts += [f'  File "{frame.filename}", line {frame.lineno}, in {frame.name}' for frame in frames]
        chain = chain.__cause__ or chain.__context__
    parts.append(f"estui {__version__}, Python {sys.version.split()[0]}")
    return "\n".join(parts) + "\n"


def write_crash(error: BaseException) -> str:
    """Writes the stack into a new file of mode 0600 and returns its path; empty where no folder takes it."""
    try:
        number, path = tempfile.mkstemp(prefix="estui-crash-", suffix=".log")
        with os.fdopen(number, "w", encoding="utf-8", errors="replace") as file:
            file.write(crash_text(error))
    except OSError:
        return ""
    return path


def place_of(error: BaseException) -> str:
    """Type of an error, and file and line where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f" ({PurePath(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}{where}"


def told(error: BaseException) -> EstuiError:
    """A defect as both front ends tell it: what, whether the files are sound, and where its stack was written."""
    path = write_crash(error)
    details = f"its stack, without any values, is in {path}" if path else "no folder took a report of it"
    return EstuiError(
        f"internal error: {place_of(error)}",
        hint=f"if a run was in hand, every file is as before or as planned: estui recover tells; {details}",
    )
