"""Commands in this process: exit code, result and talk, on folders whose nodes are down."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

import pytest

from estui.cli.main import main


@dataclass
class Shell:
    """Whoever types commands, without a terminal."""

    home: Path
    capture: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    @property
    def workspace(self) -> Path:
        return self.home / "workspace"

    def run(self, *arguments: str) -> int:
        """Runs `estui ARGUMENTS` on the workspace; its exit code."""
        self.capture.readouterr()
        try:
            code = main(["--workspace", str(self.workspace), *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        self.out, self.err = self.capture.readouterr()
        return code

    def node(self, name: str, *lines: str) -> Path:
        """A node's folder whose ports refuse connections."""
        folder = self.home / name
        folder.mkdir()
        yml = [
            "cluster.name: lab",
            f"node.name: {name}",
            f"http.port: {closed_port()}",
            f"transport.port: {closed_port()}",
            "xpack.security.enabled: false",
            *lines,
        ]
        (folder / "elasticsearch.yml").write_text("\n".join(yml) + "\n")
        return folder

    def made(self, *names: str) -> Shell:
        """A workspace of nodes that are down, with their number stated."""
        folders = [str(self.node(name)) for name in names or ("es-1", "es-2")]
        assert self.run("init", *folders) == 0, self.err
        inventory = self.workspace / "estui.yaml"
        inventory.write_text(f"{inventory.read_text()}expect_nodes: {len(folders)}\n")
        return self


def closed_port() -> int:
    """A port on which nobody listens: it was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    for variable in ("ESTUI_WORKSPACE", "ESTUI_PASSPHRASE_FILE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return Shell(tmp_path, capsys)
