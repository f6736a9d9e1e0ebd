"""Who the operator is to the cluster: credentials of a call, and the files that hold passwords."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from estui.errors import UsageError
from estui.secret import Secret


@dataclass(frozen=True)
class Access:
    """Credentials that the operator gave for this call; each may be absent."""

    user: str | None = None
    password: Secret | None = None
    keystore_password: Secret | None = None
    over_plain: bool = False
    """Send them over plain HTTP too, where a node speaks nothing else."""

    @property
    def pair(self) -> tuple[str, Secret] | None:
        return (self.user, self.password) if self.user and self.password else None


def read_secret_file(path: Path) -> Secret:
    """The first line of a file that holds a password. UsageError: missing, unreadable, empty."""
    try:
        text = path.read_text().split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        words = os.strerror(error.errno or 0) if isinstance(error, OSError) else "is not text"
        raise UsageError(f"{path}: {words}", hint="name a file with the password on its first line") from error
    if not text:
        raise UsageError(f"{path} is empty", hint="put the password on its first line")
    return Secret(text)
