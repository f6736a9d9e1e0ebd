"""Command lines that run our Java classes against the real ones, with an archive of loaded classes for quick starts."""

from __future__ import annotations

import fcntl
import functools
import os
import subprocess
import tempfile
import time
from pathlib import Path

from tests.real.assemble import LOG4J, assemble, cache
from tests.real.jdk import jdk

STARTED = "ESNODE-STARTED"
"""What a node of ours prints once it has started."""
_HEAP = ("-Xms128m", "-Xmx320m")
_ARCHIVE_S = 180.0


def java(*arguments: str) -> list[str]:
    """A command line that runs one of our Java classes, from the archive of loaded classes."""
    return _java(f"-XX:SharedArchiveFile={_archive()}", *arguments)


def node_java(*arguments: str) -> list[str]:
    """As `java`, for a process that does its work once: the quick compiler alone halves the work of a start."""
    return java("-XX:TieredStopAtLevel=1", *arguments)


def node_command(config: Path, *options: str) -> list[str]:
    """The command line of the node whose configuration folder is `config`; `options` are further ones of the JVM."""
    return node_java(*_node_options(config), *options, "EsNode", str(config))


def _java(*arguments: str) -> list[str]:
    home = assemble()
    jars = sorted(str(jar) for jar in (home / "lib").glob("*.jar"))
    return [
        # no remarks of the JVM on standard output, and no --enable-native-access, which class data archives do not bear
        *(str(jdk() / "bin" / "java"), "-XX:+UseSerialGC", "-Xlog:disable"),
        *("-Dfile.encoding=UTF-8", f"-Des.path.home={home}"),
        *("-cp", os.pathsep.join([f"{home}/estui-real.jar", *jars]), *arguments),
    ]


def _node_options(config: Path) -> list[str]:
    if not (config / "log4j2.properties").exists():
        (config / "log4j2.properties").write_text(LOG4J)
    scratch = config.parent / "tmp"
    scratch.mkdir(exist_ok=True)
    return [*_HEAP, "-Dio.netty.noUnsafe=true", "-Dlog4j.shutdownHookEnabled=false", f"-Djava.io.tmpdir={scratch}"]


@functools.cache
def _archive() -> Path:
    """Classes of a node that has started once, as this JDK maps them: a third less work for every later start."""
    release = jdk().resolve().name
    path = assemble() / f"{release}.jsa"
    with (cache() / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=cache()) as folder:
                _dump(Path(folder), path)
    return path


def _dump(folder: Path, path: Path) -> None:
    config = folder / "config"
    config.mkdir()
    settings = {
        "path.data": folder / "data",
        "discovery.type": "single-node",
        "xpack.security.enabled": "true",
        "network.host": "127.0.0.1",
        "http.port": 0,
        "transport.port": 0,
    }
    (config / "elasticsearch.yml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    making = path.with_suffix(".making")
    command = _java(f"-XX:ArchiveClassesAtExit={making}", *_node_options(config), "EsNode", str(config))
    log = folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream)
    end = time.monotonic() + _ARCHIVE_S
    while STARTED not in log.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            raise RuntimeError(f"the first node did not start:\n{log.read_text(errors='replace')[-4000:]}")
        time.sleep(0.1)
    process.terminate()
    process.wait(_ARCHIVE_S)
    making.rename(path)
