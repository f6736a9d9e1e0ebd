"""The command: `python -m tests.fuzz [TARGET…] [--seconds S | --inputs N] [--jobs J] [--seed X] [--findings DIR]`."""

from __future__ import annotations

import argparse
import mmap
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as wait_any
from pathlib import Path

from tests.fuzz.engine import Failure, Fuzzer, Result, Target
from tests.fuzz.targets import TARGETS

_STUCK_S = 120.0
"""Without a new input for so long a process hangs in a call that no signal reaches."""
_ADDRESS_SPACE = 4 << 30
_DERIVING = 1000

Job = tuple[Target, "multiprocessing.process.BaseProcess", Connection, mmap.mmap]


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where nothing failed."""
    options = _parser().parse_args(arguments)
    unknown = sorted(set(options.targets) - set(TARGETS))
    if unknown:
        print(f"unknown target {', '.join(unknown)}; known: {', '.join(TARGETS)}", file=sys.stderr)  # noqa: T201
        return 2
    chosen = [TARGETS[name] for name in options.targets] if options.targets else list(TARGETS.values())
    share = None if options.inputs else options.seconds * options.jobs / len(chosen)
    failures: list[Failure] = []
    waiting, running = list(reversed(chosen)), list[Job]()
    while waiting or running:
        while waiting and len(running) < options.jobs:
            running.append(_start(waiting.pop(), options.inputs, share, options.seed))
        for job, result in _ended(running):
            running.remove(job)
            failures += _told(result)
    for failure in failures:
        _write(failure, options.findings)
    return 1 if failures else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help="targets; all of them without one")
    parser.add_argument("--seconds", type=float, default=180.0, help="for all targets together, shared by the jobs")
    parser.add_argument(
        "--inputs", type=int, help=f"for each target, instead; at most {_DERIVING} where keys are derived"
    )
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeats a run")
    parser.add_argument("--findings", type=Path, help="folder for inputs that failed (else a new one in /tmp)")
    return parser


def _start(target: Target, inputs: int | None, seconds: float | None, seed: int) -> Job:
    context = multiprocessing.get_context("fork")
    current = mmap.mmap(-1, 1 << 20)  # shared with the child: what it was at, should it never come back
    ours, theirs = context.Pipe(duplex=False)
    count = min(inputs, _DERIVING) if inputs and target.derives else inputs
    process = context.Process(target=_work, args=(target, count, seconds, seed, current, theirs), daemon=True)
    process.start()
    theirs.close()
    return target, process, ours, current


def _work(
    target: Target, inputs: int | None, seconds: float | None, seed: int, current: mmap.mmap, answer: Connection
) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_ADDRESS_SPACE, _ADDRESS_SPACE))
    number = 0

    def keep(content: bytes) -> None:
        nonlocal number
        number += 1
        current.seek(0)
        current.write(number.to_bytes(8, "big") + len(content).to_bytes(4, "big") + content)

    answer.send(Fuzzer(target, seed, keep).run(inputs=inputs, seconds=seconds))


def _ended(running: Sequence[Job]) -> list[tuple[Job, Result]]:
    """Jobs that are done, that died, or that have hung for long."""
    numbers = {id(job): job[3][:8] for job in running}
    ready = wait_any([job[2] for job in running], timeout=_STUCK_S)
    found = []
    for job in running:
        target, process, answer, current = job
        if answer in ready:
            try:
                found.append((job, answer.recv()))
            except EOFError:
                process.join()
                found.append((job, _broken(target, current, f"the process died ({process.exitcode})")))
        elif not ready and current[:8] == numbers[id(job)]:
            process.kill()
            found.append((job, _broken(target, current, f"hangs for {_STUCK_S:g} s")))
    return found


def _broken(target: Target, current: mmap.mmap, problem: str) -> Result:
    length = int.from_bytes(current[8:12], "big")
    failure = Failure(target.name, problem, current[12 : 12 + length])
    return Result(target.name, int.from_bytes(current[:8], "big"), failure=failure)


def _told(result: Result) -> list[Failure]:
    rate = result.inputs / result.seconds if result.seconds else 0
    words = f"FAILED: {result.failure.problem}" if result.failure else "ok"
    print(  # noqa: T201
        f"{result.target:24} {result.inputs:>9} inputs {result.accepted:>8} accepted {result.outcomes:>4} outcomes "
        f"{result.seconds:7.1f} s {rate:>8.0f}/s  {words}",
        flush=True,
    )
    return [result.failure] if result.failure else []


def _write(failure: Failure, folder: Path | None) -> None:
    home = folder or Path(tempfile.mkdtemp(prefix="estui-fuzz-"))
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{failure.target}.bin"
    path.write_bytes(failure.content)
    print(f"{failure.target}: {failure.problem}; the input is {path}", file=sys.stderr)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
