"""Puts a real Elasticsearch together, once, outside the checkout: `python -m tests.real.assemble`.

Jars come through Maven, which keeps each in its own repository, so an interrupted assembly goes on where it was. The
folder appears under its final name only when it is whole; its name changes with everything that goes into it.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from tests.real.artifacts import JAVA_RELEASE, PARTS, VERSION, Artifact, Part
from tests.real.jdk import jdk

CACHE_VARIABLE = "ESTUI_REAL_CACHE"
SOURCES = Path(__file__).parent / "java"
STAND_IN = "estui-root"
"""Our module in place of two that are not published: `GET /`, and three analysis parts of the security index."""
LOG4J = """status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}][%-5p][%-25c{1.}] [%node_name] %marker%m%n
rootLogger.level = info
rootLogger.appenderRef.console.ref = console
"""
"""`log4j2.properties` of every real node: everything to standard output."""
_MODULES = ("transport-netty4", "x-pack-core", "x-pack-security")
_ATTEMPTS = 3
NO_REGISTRY = 75
"""Exit code where the artifacts cannot be reached now (`EX_TEMPFAIL` of sysexits.h)."""
_UNREACHABLE = re.compile(
    "Unknown host|UnknownHost|Connection (refused|reset|timed out)|Network is unreachable", re.IGNORECASE
)
_KEPT_DAYS = 30
_POM = (
    '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion><groupId>estui.test</groupId>'
)
_ALONE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"


class NoRegistryError(RuntimeError):
    """The artifacts are at hand nowhere, and the registry does not answer: nothing is known about Elasticsearch."""


def cache() -> Path:
    """Where assembled folders live."""
    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else Path.home() / ".cache" / "estui-real-elasticsearch"


@functools.cache
def assemble() -> Path:
    """A folder like a packaged node's home; made where it is not there yet."""
    home = cache() / f"{VERSION}-{_digest()}"
    cache().mkdir(parents=True, exist_ok=True)
    with _only_one():
        if not home.exists():
            making = home.with_suffix(".making")
            shutil.rmtree(making, ignore_errors=True)
            _make(making)
            making.rename(home)
            _forget_old()
    return home


def _forget_old() -> None:
    """Removes what no checkout has made for a month: each change to what goes in leaves a folder behind."""
    for path in cache().glob("*-*"):
        if time.time() - path.stat().st_mtime > _KEPT_DAYS * 86_400:
            shutil.rmtree(path, ignore_errors=True)


def _digest() -> str:
    """Of everything that goes in: artifacts, our Java, and this file."""
    hashed = hashlib.sha256(repr((PARTS, JAVA_RELEASE)).encode())
    for source in (Path(__file__), *sorted(SOURCES.rglob("*.java"))):
        hashed.update(source.read_bytes())
    return hashed.hexdigest()[:12]


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """Two test processes do not assemble at the same time."""
    with (cache() / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _make(home: Path) -> None:
    poms = cache() / "poms"
    _write_poms(poms)
    _download(poms)
    lib = home / "lib"
    lib.mkdir(parents=True)
    jars = {part.name: {jar.name: jar for jar in (poms / part.name / "jars").glob("*.jar")} for part in PARTS}
    server = jars.pop("lib")
    _copy(server.values(), lib)
    # Netty goes to security too, which extends its transport; what x-pack-core has must not be loaded twice
    jars["x-pack-security"] = {**jars["transport-netty4"], **jars["x-pack-security"]}
    for name in jars["x-pack-core"]:
        jars["x-pack-security"].pop(name, None)
    for name in _MODULES:
        module = home / "modules" / name
        module.mkdir(parents=True)
        _copy((jar for jar_name, jar in jars[name].items() if jar_name not in server), module)
        _write_descriptor(module, name)
    (home / "plugins").mkdir()
    _compile(lib, sorted(SOURCES.glob("*.java")), home / "estui-real.jar")
    module = home / "modules" / STAND_IN
    module.mkdir()
    _compile(lib, sorted((SOURCES / "root").glob("*.java")), module / f"{STAND_IN}.jar")
    (module / "plugin-descriptor.properties").write_text(
        f"description=stand-in for tests\nversion={VERSION}\nname={STAND_IN}\njava.version={JAVA_RELEASE}\n"
        f"elasticsearch.version={VERSION}\nclassname=EstuiRoot\n"
    )


def _copy(jars: Iterable[Path], folder: Path) -> None:
    for jar in jars:
        shutil.copy2(jar, folder)


def _write_poms(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    modules = "".join(f"<module>{part.name}</module>" for part in PARTS)
    (folder / "pom.xml").write_text(
        f"{_POM}<artifactId>all</artifactId><version>{VERSION}</version><packaging>pom</packaging>"
        f"<modules>{modules}</modules></project>\n"
    )
    for part in PARTS:
        (folder / part.name).mkdir(exist_ok=True)
        (folder / part.name / "pom.xml").write_text(_part_pom(part))
        shutil.rmtree(folder / part.name / "jars", ignore_errors=True)


def _part_pom(part: Part) -> str:
    wanted = "".join(_dependency(artifact, part.transitive) for artifact in part.artifacts)
    return (
        f"{_POM}<artifactId>{escape(part.name)}</artifactId><version>{VERSION}</version>"
        f"<dependencies>{wanted}</dependencies></project>\n"
    )


def _dependency(artifact: Artifact, transitive: bool) -> str:
    return (
        f"<dependency><groupId>{artifact.group}</groupId><artifactId>{artifact.name}</artifactId>"
        f"<version>{artifact.version}</version>{'' if transitive else _ALONE}</dependency>"
    )


def _download(poms: Path) -> None:
    """Maven's own repository keeps what is there: a broken download goes on at the next attempt."""
    command = ["mvn", "-q", "-B", "dependency:copy-dependencies", "-DoutputDirectory=jars", "-DincludeScope=runtime"]
    for attempt in range(1, _ATTEMPTS + 1):
        done = subprocess.run(
            command, cwd=poms, check=False, capture_output=True, text=True, env={**os.environ, "JAVA_HOME": str(jdk())}
        )
        if done.returncode == 0:
            return
        if attempt == _ATTEMPTS:
            said = f"{done.stdout[-2000:]}{done.stderr[-2000:]}"
            kind = NoRegistryError if _UNREACHABLE.search(said) else RuntimeError
            raise kind(f"Maven did not bring the artifacts:\n{said}")


def _compile(lib: Path, sources: list[Path], jar: Path) -> None:
    """Compiles against the server's jars into a jar: class data archives take no folders of classes."""
    options = ["--release", str(JAVA_RELEASE), "-nowarn", "-proc:none", "-cp", f"{lib}/*"]
    with tempfile.TemporaryDirectory() as classes:
        subprocess.run([jdk() / "bin" / "javac", *options, "-d", classes, *sources], check=True)
        with zipfile.ZipFile(jar, "w") as archive:
            for compiled in sorted(Path(classes).glob("*.class")):
                archive.write(compiled, compiled.name)


def _write_descriptor(module: Path, name: str) -> None:
    """Its own descriptor, without the Java module: here plugins are plain jars on a class path."""
    with zipfile.ZipFile(module / f"{name}-{VERSION}.jar") as jar:
        text = jar.read(f"META-INF/es-plugins/{name}/plugin-descriptor.properties").decode()
    (module / "plugin-descriptor.properties").write_text(re.sub(r"(?m)^modulename=.*$", "", text))


if __name__ == "__main__":
    try:
        print(assemble())  # noqa: T201 - a command prints
    except NoRegistryError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(NO_REGISTRY)
