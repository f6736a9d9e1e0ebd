"""The system calls that `RealFs` makes, one by one, so that tests can count, fail, record or kill between them.

Nothing is decided here. `write` and `read` may be short, as the calls themselves may be.
"""

from __future__ import annotations

import os


class SystemCalls:
    """The calls of this host."""

    open = staticmethod(os.open)
    close = staticmethod(os.close)
    read = staticmethod(os.read)
    write = staticmethod(os.write)
    fsync = staticmethod(os.fsync)
    stat = staticmethod(os.stat)
    fstat = staticmethod(os.fstat)
    fchown = staticmethod(os.fchown)
    fchmod = staticmethod(os.fchmod)
    mkdir = staticmethod(os.mkdir)
    rmdir = staticmethod(os.rmdir)
    link = staticmethod(os.link)
    symlink = staticmethod(os.symlink)
    unlink = staticmethod(os.unlink)
    rename = staticmethod(os.rename)
    readlink = staticmethod(os.readlink)
    listxattr = staticmethod(os.listxattr)
    getxattr = staticmethod(os.getxattr)
    setxattr = staticmethod(os.setxattr)
    removexattr = staticmethod(os.removexattr)

    @staticmethod
    def listdir(number: int) -> list[str]:
        return os.listdir(number)
