"""Finds the programs that real nodes need: a JDK and Maven."""

from __future__ import annotations

import functools
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from tests.real.artifacts import JAVA_RELEASE

HOME_VARIABLE = "ESTUI_JAVA_HOME"
_JVM_FOLDERS = (Path("/usr/lib/jvm"), Path("/opt/java"), Path("/Library/Java/JavaVirtualMachines"))


@functools.cache
def find_jdk() -> Path | None:
    """Home of a JDK that is new enough and has a compiler: named by a variable, on the path, or installed."""
    return next((home for home in _homes() if java_release(home) >= JAVA_RELEASE), None)


def jdk() -> Path:
    """As `find_jdk`, where there has to be one."""
    home = find_jdk()
    if home is None:
        raise RuntimeError(missing())
    return home


def missing() -> str:
    """What this machine lacks for real nodes, in one line; empty where it has everything."""
    lacks = []
    if find_jdk() is None:
        lacks.append(f"a JDK of release {JAVA_RELEASE} or newer (set {HOME_VARIABLE})")
    if shutil.which("mvn") is None:
        lacks.append("Maven (mvn)")
    return "real Elasticsearch needs " + " and ".join(lacks) if lacks else ""


def java_release(home: Path) -> int:
    """Java release of the JDK in `home`; 0 where there is none with a compiler."""
    described = home / "release"
    if not described.is_file() or not (home / "bin" / "javac").exists():
        return 0
    found = re.search(r'JAVA_VERSION="(\d+)', described.read_text())
    return int(found[1]) if found else 0


def _homes() -> Iterator[Path]:
    for name in (HOME_VARIABLE, "JAVA_HOME"):
        if os.environ.get(name):
            yield Path(os.environ[name])
    on_path = shutil.which("javac")
    if on_path:
        yield Path(on_path).resolve().parent.parent
    for folder in _JVM_FOLDERS:
        yield from sorted(folder.glob("*"), reverse=True)
