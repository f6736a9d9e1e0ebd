"""A sandbox cluster with its workspace, for tests that do the whole job by the public commands."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from estui.cli.commands.sandbox import make_workspace
from estui.cli.main import main
from estui.sandbox.cluster import Sandbox


@dataclass
class Bastion:
    """Whoever sits in front of the commands: runs them, and sees exit code, result and talk."""

    sandbox: Sandbox
    workspace: Path
    capture: pytest.CaptureFixture[str]
    code: int = 0
    out: str = ""
    err: str = ""

    def estui(self, *arguments: str, expect: int = 0) -> str:
        """Runs a command in this process; its result. Fails where the exit code is another."""
        self.capture.readouterr()
        self.code = main(["--workspace", str(self.workspace), *arguments])
        self.out, self.err = self.capture.readouterr()
        assert self.code == expect, f"estui {' '.join(arguments)}: exit {self.code}\n{self.out}\n{self.err}"
        return self.out

    def json(self, *arguments: str, expect: int = 0) -> Any:
        return json.loads(self.estui(*arguments, "--json", expect=expect))

    def tree(self) -> dict[str, tuple[bytes | str, int, int, int]]:
        """Every file of every configuration folder but estui's own: content or link, mode, owner."""
        found: dict[str, tuple[bytes | str, int, int, int]] = {}
        for name in self.sandbox.names:
            root = self.sandbox.config(name)
            for path in sorted(root.rglob("*")):
                relative = path.relative_to(root)
                if relative.parts[0] == "estui":
                    continue
                seen = path.lstat()
                content: bytes | str = (
                    str(path.readlink()) if path.is_symlink() else (path.read_bytes() if path.is_file() else "")
                )
                found[f"{name}/{relative}"] = (content, seen.st_mode, seen.st_uid, seen.st_gid)
        return found

    def leftovers(self) -> list[str]:
        """Names of ours that no configuration folder should hold: staged files, marks, temporary users."""
        return [
            str(path)
            for name in self.sandbox.names
            for path in self.sandbox.config(name).rglob("*")
            if path.name.startswith(".estui-") or path.name == "run.json"
        ]


Maker = Callable[..., Bastion]


@pytest.fixture
def bastion(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Maker]:
    """Makes a running sandbox of so many nodes, with or without Kibana and a Metricbeat, and its workspace."""
    made: list[Sandbox] = []

    def make(nodes: int = 3, *, kibana: int = 1, beat: bool = False) -> Bastion:
        sandbox = Sandbox.create(tmp_path / "sandbox", nodes, kibana, beat=beat, owner=os.getpid())
        made.append(sandbox)
        workspace = make_workspace(sandbox)
        monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(workspace / "passphrase"))
        return Bastion(sandbox, workspace, capsys)

    yield make
    for sandbox in made:
        sandbox.down()
