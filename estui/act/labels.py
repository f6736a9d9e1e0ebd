"""What a file carries beside its mode: access control list, SELinux label, other extended attributes.

A file that replaces another carries the same, or is refused naming what it would lose.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

from estui.act.system import SystemCalls
from estui.errors import ApplyError, Location

ACCESS_LIST = "system.posix_acl_access"
_OF_CONTENT = ("security.ima", "security.evm", "security.capability")
"""Attributes that the kernel makes of the content itself, or that mean a program."""
_NONE = (errno.EOPNOTSUPP, errno.ENOSYS)


def read(calls: SystemCalls, number: int) -> dict[str, bytes]:
    """Extended attributes of an open file; none where the file system has none. OSError where they cannot be read."""
    try:
        names = calls.listxattr(number)
        return {name: calls.getxattr(number, name) for name in names if name not in _OF_CONTENT}
    except OSError as error:
        if error.errno in _NONE:
            return {}
        raise


def give(calls: SystemCalls, number: int, wanted: Mapping[str, bytes], path: str) -> None:
    """Makes an open, still empty file carry exactly these.

    Raises ApplyError naming the attribute that cannot be carried over.
    """
    found = read(calls, number)
    for name, value in wanted.items():
        if found.get(name) == value:
            continue
        try:
            calls.setxattr(number, name, value)
        except OSError as error:
            raise ApplyError(
                f"its {word(name)} cannot be carried over: {os.strerror(error.errno or 0)}",
                location=Location(path),
                hint="run estui as a user who may set it, or take it away from the file first",
            ) from error
    if ACCESS_LIST in found and ACCESS_LIST not in wanted:
        # came from the folder's default list; the file that is replaced has none
        calls.removexattr(number, ACCESS_LIST)


def word(name: str) -> str:
    """An attribute in the words of administrators."""
    return {
        ACCESS_LIST: "access control list",
        "system.nfs4_acl": "access control list (NFSv4)",
        "security.selinux": "SELinux label",
    }.get(name, f"extended attribute {name}")
