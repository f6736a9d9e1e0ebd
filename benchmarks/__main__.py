"""The command line: `run` measures and prints a table, `compare` shows what changed between two runs."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

import cryptography

from benchmarks import peers
from benchmarks.measures import MEASURES, ONCE, Lab, Measure, clear
from benchmarks.process import UnexpectedExit
from benchmarks.results import Result, comparison, read_results, table, to_json
from estui import __version__
from estui.model.inventory import KeyType

SIZES = (3, 30, 300, 1000, 3000)


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.command == "compare":
        _print(comparison(read_results(options.before), read_results(options.after)))
        return 0
    results, failed = _run(options)
    _print(table(results))
    if options.json:
        options.json.write_text(to_json(results, host()))
    return 1 if failed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="measure")
    run.add_argument("--sizes", nargs="+", type=int, default=SIZES, metavar="NODES")
    run.add_argument("--measures", nargs="+", choices=tuple(MEASURES), default=tuple(MEASURES))
    run.add_argument("--key", type=KeyType, choices=tuple(KeyType), default=KeyType.EC_P256, help="of new leaves")
    run.add_argument("--keystore-format", type=int, choices=range(3, 8), default=5, help="of the nodes' keystores (5)")
    run.add_argument("--peers", action="store_true", help="other tools as well; installs them into a venv of their own")
    run.add_argument("--json", type=Path, metavar="FILE")
    run.add_argument("--folder", type=Path, help="where estates are generated (else a temporary folder)")
    compare = commands.add_parser("compare", help="two files of --json")
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    return parser


def _run(options: argparse.Namespace) -> tuple[list[Result], bool]:
    results: list[Result] = []
    failed = False
    with tempfile.TemporaryDirectory(prefix="estui-benchmark-", dir=options.folder) as folder:
        lab = Lab(Path(folder) / "lab", options.key, options.keystore_format)
        lab.folder.mkdir()
        for name in options.measures:
            sizes = options.sizes[:1] if name in ONCE else options.sizes
            for size in sizes:
                failed |= _collect(MEASURES[name], lab, size, results)
        for size in options.sizes if options.peers else ():
            failed |= _collect(peers.results, lab, size, results)
    return results, failed


def _collect(measure: Measure, lab: Lab, size: int, results: list[Result]) -> bool:
    """Adds what a measure finds; one that fails is told and holds up no other."""
    try:
        for result in measure(lab, size):
            results.append(result)
            _print(f"{result.measure} {result.peer} n={size}: {result.figures.wall_s:.2f} s", sys.stderr)
    except (UnexpectedExit, TimeoutError, OSError) as exc:
        _print(f"failed: {exc}", sys.stderr)
        return True
    finally:
        clear(lab)
    return False


def host() -> dict[str, str]:
    """What the figures belong to."""
    return {
        "estui": __version__,
        "python": platform.python_version(),
        "cryptography": cryptography.__version__,
        "processors": str(os.cpu_count()),
        "machine": platform.machine(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def _print(text: str, stream: TextIO = sys.stdout) -> None:
    stream.write(text + "\n")
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
