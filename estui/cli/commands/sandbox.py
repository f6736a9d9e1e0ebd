"""`estui sandbox`: the sandbox cluster by itself, and the commands that its inventory names."""

from __future__ import annotations

import argparse
import os
import shlex
import tempfile
from pathlib import Path

from estui.cli.output import Exit, say, show_json
from estui.errors import UsageError
from estui.sandbox.cluster import Sandbox, open_sandbox


def run(options: argparse.Namespace) -> int:
    """`up`, `down`, `status`, `add` of a node's folder, or `stop`, `start`, `restart` of one service."""
    if options.verb == "up":
        return _up(options)
    if not options.folder:
        raise UsageError("which sandbox?", hint="give --folder DIR, as `estui sandbox up` printed it")
    sandbox = open_sandbox(Path(options.folder))
    if options.verb == "down":
        sandbox.down()
        say(f"stopped; the folder {options.folder} is left")
    elif options.verb == "status":
        _status(sandbox, options)
    elif options.verb == "add":
        _add(sandbox, options)
    else:
        if not options.name:
            raise UsageError("which service?", hint=f"one of {', '.join(sandbox.names)}")
        getattr(sandbox, options.verb)(options.name)
    return Exit.DONE


def _up(options: argparse.Namespace) -> int:
    folder = Path(options.folder or tempfile.mkdtemp(prefix="estui-sandbox-"))
    exists = (folder / "sandbox.json").exists()
    if exists and options.beat:
        raise UsageError("--beat goes with a new sandbox", hint="name another --folder")
    sandbox = open_sandbox(folder) if exists else Sandbox.create(folder, beat=options.beat, start=False)
    sandbox.up()
    workspace = make_workspace(sandbox)
    if options.json:
        show_json({"folder": str(folder), "workspace": str(workspace), "services": sandbox.status()})
        return Exit.DONE
    print(f"sandbox in {folder}, workspace {workspace}")
    print(f"try:  ESTUI_PASSPHRASE_FILE={workspace}/passphrase estui --workspace {workspace} status")
    print(f"end:  estui sandbox down --folder {folder}")
    return Exit.DONE


def _status(sandbox: Sandbox, options: argparse.Namespace) -> None:
    services = sandbox.status()
    if options.json:
        show_json(services)
        return
    for name, state in services.items():
        print(f"{name}: {state}")


def _add(sandbox: Sandbox, options: argparse.Namespace) -> None:
    """A new node's folder, and the words that make it a member."""
    name = sandbox.add_node()
    folder = sandbox.config(name)
    if options.json:
        show_json({"name": name, "folder": str(folder)})
        return
    print(folder)
    start = shlex.join(sandbox.commands(name, "start"))
    say(f"next: estui node add {folder} --restart --start-command {shlex.quote(start)}")


def make_workspace(sandbox: Sandbox) -> Path:
    """The throw-away workspace of a sandbox, made on first use: inventory, random passphrase, commands confirmed."""
    from estui.act.context import new_password
    from estui.engine import Engine
    from estui.formats.inventory import write_inventory
    from estui.sandbox.cluster import inventory

    workspace = sandbox.folder / "workspace"
    if (workspace / "estui.yaml").exists():
        return workspace
    workspace.mkdir(mode=0o700)
    number = os.open(workspace / "passphrase", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as file:
        file.write(new_password().encode() + b"\n")
    engine = Engine(str(workspace))
    engine.workspace.create(write_inventory(inventory(sandbox), "A sandbox: everything here may be broken."))
    engine.confirm_commands()
    return workspace
