"""estui as a person runs it: its commands, in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.real.cluster import RealCluster
from tests.real.nodectl import CHECKOUT, command

COMMAND_S = 420.0


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
        said = Said(done.returncode, done.stdout, done.stderr)
        assert said.code == code, f"estui {' '.join(arguments)}: {said.code}\n{said.output}\n{said.talk}"
        return said

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.run(*arguments, "--json", code=code).output)

    def init(self, cluster: RealCluster, lines: str = "") -> None:
        """`estui init`, then what only a person adds to `estui.yaml`: commands, password files, policy."""
        self.run("init", *(str(node.config) for node in cluster.nodes))
        inventory = self.workspace / "estui.yaml"
        text = inventory.read_text()
        password = self.workspace / "keystore-password" if cluster.keystore_password else None
        if password is not None:
            self._keep(password, cluster.keystore_password)
            lines += f"keystore_password: {password}\n"
        for node in cluster.nodes:
            entry = f"  - config: {node.config}\n"
            assert entry in text
            verbs = ("stop", "start", "restart")
            text = text.replace(
                entry,
                entry
                + "".join(f"    {verb}: {json.dumps(list(command(verb, node.config, password)))}\n" for verb in verbs),
            )
        inventory.write_text(text + lines)

    def password(self, user: str) -> str:
        """The password of a built-in user, as `estui passwords show` gives it out."""
        path = self.workspace.parent / f"password-{user}"
        path.unlink(missing_ok=True)
        self.run("passwords", "show", user, "--to", str(path))
        return path.read_text().strip()

    def authority(self, name: str) -> Path:
        """The certificate of one of its CAs."""
        return self.workspace / "ca" / name / "ca.crt"

    def set_policy(self, line: str) -> None:
        """Replaces the policy of `estui.yaml`, as a person would."""
        inventory = self.workspace / "estui.yaml"
        kept = [each for each in inventory.read_text().splitlines() if not each.startswith("policy:")]
        inventory.write_text("\n".join([*kept, f"policy: {{{line}}}", ""]))
