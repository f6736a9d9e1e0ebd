"""Starts, stops or restarts one real node: the command that an inventory of real nodes names.

    python -m tests.real.nodectl start|stop|restart CONFIG_DIR [KEYSTORE_PASSWORD_FILE]

`start` returns once the process runs, as a service manager does, not once the node answers.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.real.assemble import CACHE_VARIABLE, cache
from tests.real.jdk import HOME_VARIABLE, jdk
from tests.real.node import RealNode

CHECKOUT = Path(__file__).parents[2]


def command(action: str, config: Path, password_file: Path | None = None) -> tuple[str, ...]:
    """The command as an argument list; it carries what it needs of the environment, because estui passes little on."""
    needed = {"PYTHONPATH": CHECKOUT, HOME_VARIABLE: jdk(), CACHE_VARIABLE: cache()}
    variables = [f"{name}={value}" for name, value in needed.items()]
    password = [str(password_file)] if password_file else []
    return ("env", *variables, sys.executable, "-m", "tests.real.nodectl", action, str(config), *password)


def main(action: str, config: str, password_file: str | None = None) -> int:
    """One action; 2 for an unknown one."""
    node = RealNode(Path(config), Path(password_file).read_text().strip() if password_file else "")
    match action:
        case "start":
            node.start()
        case "stop":
            node.stop()
        case "restart":
            node.stop()
            node.start()
        case _:
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
