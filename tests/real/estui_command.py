"""estui as a person runs it: its commands, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from estui.sandbox.cluster import KIBANA
from tests.real.cluster import RealCluster
from tests.real.nodectl import CHECKOUT, command

COMMAND_S = 420.0
VERBS = ("stop", "start", "restart")


@dataclass(frozen=True)
class Said:
    """What a command left: standard output is the result, standard error the talk."""

    code: int
    output: str
    talk: str


class Estui:
    """One workspace, and the passphrase that opens it."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        workspace.mkdir(mode=0o700)
        self.passphrase = workspace.parent / "passphrase"
        self._keep(self.passphrase, "correct horse battery staple")

    def _keep(self, path: Path, secret: str) -> None:
        path.touch(mode=0o600)
        path.write_text(secret)

    def run(self, *arguments: str, code: int = 0) -> Said:
        """One command; fails with everything it said where it ends with another exit code."""
        said = self.attempt(*arguments)
        assert said.code == code, f"estui {' '.join(arguments)}: {said.code}\n{said.output}\n{said.talk}"
        return said

    def attempt(self, *arguments: str) -> Said:
        """One command, however it ends."""
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "ESTUI_PASSPHRASE_FILE": str(self.passphrase)}
        done = subprocess.run(
            [sys.executable, "-m", "estui", "--workspace", str(self.workspace), *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            env=environment,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json", code=code).output)

    def init(self, cluster: RealCluster) -> None:
        """`estui init`, then what only a person adds to `estui.yaml`: commands and the name of a password file."""
        kibana = cluster.kibana
        own = ["--kibana", f"{kibana.config(KIBANA)}={kibana.config(KIBANA)}"] if kibana else []
        self.run("init", *(str(node.config) for node in cluster.nodes), *own)
        inventory = self.workspace / "estui.yaml"
        text = inventory.read_text()
        password = self.workspace / "keystore-password" if cluster.keystore_password else None
        if password is not None:
            self._keep(password, cluster.keystore_password)
            text += f"keystore_password: {password}\n"
        for node in cluster.nodes:
            text = _with_commands(text, node.config, [command(verb, node.config, password) for verb in VERBS])
        if kibana:
            text = _with_commands(text, kibana.config(KIBANA), [kibana.commands(KIBANA, verb) for verb in VERBS])
        inventory.write_text(text)

    def password(self, user: str) -> str:
        """The password of a built-in user, as `estui passwords show` gives it out."""
        path = self.workspace.parent / f"password-{user}"
        path.unlink(missing_ok=True)
        self.run("passwords", "show", user, "--to", str(path))
        return path.read_text().strip()

    def authority(self, name: str) -> Path:
        """The certificate of one of its CAs."""
        return self.workspace / "ca" / name / "ca.crt"


def _with_commands(text: str, config: Path, commands: Iterable[tuple[str, ...]]) -> str:
    """The inventory with stop, start and restart commands in the entry of a folder."""
    entry = f"  - config: {config}\n"
    assert entry in text
    lines = "".join(f"    {verb}: {json.dumps(list(words))}\n" for verb, words in zip(VERBS, commands, strict=True))
    return text.replace(entry, entry + lines)
