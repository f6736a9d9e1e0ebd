"""What is measured, and in which order: each measure is one command on an estate, or a program of this package."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.estate import Estate, Kind, NodeShape, make_estate
from benchmarks.process import ESTUI, Figures, measure
from benchmarks.results import Result
from benchmarks.servers import READY
from benchmarks.terminal import screen_times
from estui.model.inventory import KeyType

PENDING, WAITING, UNVERIFIED = 3, 3, 4
DEAD_SHARE = 10
"""Per cent of the nodes that hang in the measure with dead ones."""


@dataclass(frozen=True)
class Lab:
    """Folders and options of one run."""

    folder: Path
    key: KeyType = KeyType.EC_P256
    keystore_format: int = 5

    def estate(self, size: int, kind: Kind) -> Estate:
        """A new estate; generating it is not measured."""
        folder = Path(tempfile.mkdtemp(prefix=f"{kind.value}-{size}-", dir=self.folder)) / "estate"
        return make_estate(folder, size, kind, key=self.key, keystore_format=self.keystore_format)

    def run(self, estate: Estate, *arguments: str, expect: tuple[int, ...] = (0,)) -> Figures:
        """One estui command on an estate."""
        command = (*ESTUI, "--workspace", str(estate.workspace), *arguments)
        log = estate.folder / f"{arguments[0]}.log"
        return measure(command, expect=expect, log=log, environment=_environment(estate))


def _environment(estate: Estate) -> dict[str, str]:
    return {"ESTUI_PASSPHRASE_FILE": str(estate.passphrase_file)}


def start(lab: Lab, size: int) -> Iterator[Result]:
    """The two commands that people wait for most often, on three nodes whatever the size."""
    estate = lab.estate(3, Kind.PLAIN)
    yield Result("--help", 3, measure((*ESTUI, "--help"), log=estate.folder / "help.log"))
    figures = lab.run(estate, "doctor", "--offline", expect=(0, PENDING))
    yield Result("doctor of 3 nodes, cold, no network", 3, figures)
    yield Result("status of 3 nodes, cold", 3, lab.run(estate, "status", "--timeout", "0.2", expect=(0, PENDING)))


def looking(lab: Lab, size: int) -> Iterator[Result]:
    """Inventory and findings of an estate that was secured by hand."""
    estate = lab.estate(size, Kind.SECURED)
    yield Result("inventory + doctor", size, lab.run(estate, "doctor", "--offline", expect=(0, PENDING)))
    slow = (sys.executable, "-m", "benchmarks.slow", str(estate.folder / "nodes"))
    command = (*slow, "--workspace", str(estate.workspace), "status", "--timeout", "0.5")
    figures = measure(command, expect=(0, PENDING), log=estate.folder / "slow.log")
    yield Result("status, 20 ms a file operation", size, figures)


def changing(lab: Lab, size: int) -> Iterator[Result]:
    """From plain nodes that are down to HTTPS, and back: nothing answers, so that only estui's own work is seen."""
    estate = lab.estate(size, Kind.PLAIN)
    yield Result("plan https", size, lab.run(estate, "plan", "https", expect=(PENDING,)))
    yield Result("apply https", size, lab.run(estate, "apply", "https", "--yes", expect=(WAITING,)))
    yield Result("plan, nothing to do", size, lab.run(estate, "plan", "https"))
    yield Result("rollback", size, lab.run(estate, "rollback", "--yes", expect=(WAITING,)))


def issuing(lab: Lab, size: int) -> Iterator[Result]:
    """Keys and leaves of both layers, written to a staging folder."""
    with tempfile.TemporaryDirectory(dir=lab.folder) as staging:
        command = (sys.executable, "-m", "benchmarks.issuing", staging, str(size), lab.key.value)
        yield Result(f"issue 2 leaves a node, {lab.key.value}", size, measure(command, log=lab.folder / "issue.log"))


def proving(lab: Lab, size: int) -> Iterator[Result]:
    """`verify` against live TLS servers, all well and with some that hang."""
    estate = lab.estate(size, Kind.SECURED)
    password = estate.folder / "elastic"
    password.touch(mode=0o600)
    password.write_text("any\n")
    login = ("--user", "elastic", "--password-file", str(password))
    for dead, name in ((0, "verify, live TLS"), (DEAD_SHARE, f"verify, {DEAD_SHARE} % hang")):
        with serving(estate, dead):
            yield Result(name, size, lab.run(estate, *login, "verify", expect=(0, UNVERIFIED)))


@contextlib.contextmanager
def serving(estate: Estate, dead: int) -> Iterator[None]:
    """The estate's nodes, live, in a process of their own."""
    command = (sys.executable, "-m", "benchmarks.servers", str(estate.folder), str(estate.size), str(dead))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout is None or process.stdout.readline().strip() != READY:
            raise RuntimeError("the servers did not start")
        yield
    finally:
        process.kill()
        process.wait()


def terminal(lab: Lab, size: int) -> Iterator[Result]:
    """First paint and answers to keys."""
    estate = lab.estate(size, Kind.PLAIN)
    command = (*ESTUI, "--workspace", str(estate.workspace))
    times = screen_times(command, NodeShape(0).name, _environment(estate))
    details = {
        "first paint": times.first_paint_s,
        "first node": times.first_node_s,
        "key, median": times.key_median_s,
        "key, longest": times.key_longest_s,
    }
    yield Result("terminal UI", size, times.figures, details=details)


Measure = Callable[[Lab, int], Iterator[Result]]
MEASURES: dict[str, Measure] = {
    "start": start,
    "looking": looking,
    "changing": changing,
    "issuing": issuing,
    "proving": proving,
    "terminal": terminal,
}
ONCE = ("start",)
"""Measures that do not depend on the size."""


def clear(lab: Lab) -> None:
    """Removes the estates of a measure that is done."""
    for folder in lab.folder.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
