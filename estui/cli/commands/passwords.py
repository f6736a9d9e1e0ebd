"""`estui passwords show`: the only place where a secret is displayed, on request, and audited."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from estui.cli.commands.plan import save
from estui.cli.output import Exit, say
from estui.cli.session import open_session, require_passphrase
from estui.errors import UsageError


def run(options: argparse.Namespace) -> int:
    """On a terminal, or into a new file that only its owner can read."""
    engine = open_session(options)
    require_passphrase(engine)
    stored = engine.passwords()
    if options.name not in stored:
        known = ", ".join(sorted(stored)) or "none"
        raise UsageError(f"no password of {options.name} is stored here (stored: {known})")
    if options.to:
        save(Path(options.to), stored[options.name].encode() + b"\n")
        engine.workspace.audit("password shown", user=options.name, to="file")
        say(f"written to {options.to}, readable by you only")
        return Exit.DONE
    if not sys.stdout.isatty():
        raise UsageError("a password is shown on a terminal only", hint="--to FILE writes it into a new private file")
    engine.workspace.audit("password shown", user=options.name, to="terminal")
    print(stored[options.name].reveal())
    return Exit.DONE
