"""The command line: options to a command, errors to an exit code, and the one place that opens the TUI.

Commands are imported when they run, so that `--help` and `--version` answer at once.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import os
import signal
import sys
import threading
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

from estui.cli.hardening import deny_dumps
from estui.cli.output import Exit, exit_code, has_terminal, say, tell_error
from estui.cli.parsers import build_parser
from estui.errors import EstuiError


class Interrupted(BaseException):
    """A signal asked this process to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Interrupted(number)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns its exit code."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    as_json = bool(getattr(options, "json", False))
    try:
        return int(_dispatch(options))
    except EstuiError as error:
        tell_error(error, as_json=as_json)
        return int(exit_code(error))
    except (Interrupted, KeyboardInterrupt) as signalled:
        number = signalled.number if isinstance(signalled, Interrupted) else signal.SIGINT
        say(f"estui: interrupted by {signal.Signals(number).name}; estui runbook show tells what is done")
        return 128 + number
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE
    except Exception as error:  # noqa: BLE001 - a defect of ours; its message and its variables may hold secrets
        from estui import crash

        tell_error(crash.told(error), as_json=as_json)
        return int(Exit.FAILED)


def _dispatch(options: argparse.Namespace) -> int:
    if options.command is None:
        return _open_tui(options)
    module = importlib.import_module(f"estui.cli.commands.{options.module}")
    result: int = module.run(options)
    return result


def _open_tui(options: argparse.Namespace) -> int:
    from estui.cli.session import open_session
    from estui.engine.first_start import has_inventory
    from estui.errors import UsageError

    if not has_terminal() or not sys.stdout.isatty():
        raise UsageError("the terminal UI needs a terminal", hint="use a command: estui --help lists them")
    engine = open_session(options)
    if not has_inventory(engine) and not options.read_only:
        return open_tui(engine, options, first_start=True)
    options.read_only = options.read_only or engine.inventory().read_only
    return open_tui(engine, options)


def open_tui(engine: object, options: argparse.Namespace, *, sandbox: bool = False, first_start: bool = False) -> int:
    """The TUI on an opened workspace; the only place of this package that imports it."""
    from estui.tui.app import run_app

    return int(
        run_app(
            engine,  # type: ignore[arg-type]
            read_only=options.read_only,
            ascii_only=options.ascii,
            mouse=not options.no_mouse,
            sandbox=sandbox,
            first_start=first_start,
        )
    )


def _last_words(kind: type[BaseException], *_: object) -> None:
    """Where even telling a defect fails, and in threads: its type only, for what Python prints can hold secrets."""
    say(f"estui: internal error: {kind.__name__}")


def run() -> None:
    """The console script."""
    deny_dumps()
    sys.excepthook = _last_words
    threading.excepthook = lambda defect: _last_words(defect.exc_type)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    _leave(main())


def _leave(code: int) -> NoReturn:
    """Ends the process at once where threads are left: those of mounts that hang.

    The interpreter would end such a thread on its way out of a system call, and where code of a C++ or Rust library is
    above it, the whole process would abort instead (CPython issue 87135).
    """
    if any(thread.daemon for thread in threading.enumerate()):
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):  # whoever read it may have gone
                stream.flush()
        os._exit(code)
    sys.exit(code)


__all__ = ["Exit", "main", "run"]
