"""The versions that a bug report needs. Told without importing the packages, so that `--version` answers at once."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from estui import __version__

PACKAGES = ("cryptography", "textual", "ruamel.yaml", "httpx")
"""What estui's behaviour rests on beside Python and its TLS library."""


def versions() -> tuple[tuple[str, str], ...]:
    """Name and version of estui, of what it runs on and what it is made with; `missing` for a package that is not
    installed."""
    import ssl  # a fiftieth of a second, which only those pay who ask

    return (
        ("estui", __version__),
        ("Python", sys.version.split()[0]),
        ("TLS", ssl.OPENSSL_VERSION),
        *((package, _installed(package)) for package in PACKAGES),
        ("system", _system()),
    )


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _system() -> str:
    """Kernel, architecture and distribution."""
    kernel = os.uname()
    try:
        distribution = platform.freedesktop_os_release().get("PRETTY_NAME", "")
    except OSError:
        distribution = ""
    told = f"{kernel.sysname} {kernel.release} {kernel.machine}"
    return f"{told}, {distribution}" if distribution else told
