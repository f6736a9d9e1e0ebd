"""The hosts that the pages speak of, as a sandbox: folders below /mnt, `ssh` to the nodes, and a bastion with a shell.

A page's `/mnt/es-1/config` is a folder of the sandbox, `ssh es-1 sudo systemctl stop elasticsearch` stops its node, and
`estui` is this checkout's, or the one that `ESTUI_DOCS_BIN` names.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from estui.sandbox.cluster import Sandbox
from tests.corporate import Corporate
from tests.docs.pages import ROOT, Typed

_MARK = "--8<-- code"
_SSH = """#!/bin/sh
# ssh HOST [sudo] systemctl stop|start|restart SERVICE
host=$1; shift
[ "$1" = sudo ] && shift
case "$1 $3" in
  "systemctl elasticsearch") exec {estui} sandbox "$2" "$host" --folder {mnt} ;;
  "systemctl kibana"|"systemctl metricbeat") exec {estui} sandbox "$2" "$3" --folder {mnt} ;;
esac
echo "ssh: no such command here: $*" >&2
exit 255
"""


@dataclass
class Hosts:
    """A bastion and the hosts around it, all below one folder."""

    root: Path
    nodes: int = 3
    kibana: bool = True
    beat: bool = False
    start: bool = True
    sandbox: Sandbox = field(init=False)
    corporate: Corporate = field(default_factory=Corporate)
    """The CA of the company, where a page has one."""

    def __post_init__(self) -> None:
        for name in ("bin", "home", "tmp"):
            (self.root / name).mkdir(parents=True)
        (self.root / "home").chmod(0o700)
        self.sandbox = Sandbox.create(
            self.mnt, self.nodes, self.kibana, beat=self.beat, owner=os.getpid(), start=self.start
        )
        installed = os.environ.get("ESTUI_DOCS_BIN")
        estui = f"{installed}/estui" if installed else f"{sys.executable} -m estui"
        self._script("estui", f'#!/bin/sh\nexec {estui} "$@"\n')
        self._script("ssh", _SSH.format(estui=estui, mnt=self.mnt))
        self._shell = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.root / "home",
            env=self.environment(),
            text=True,
        )

    @property
    def mnt(self) -> Path:
        return self.root / "mnt"

    @property
    def home(self) -> Path:
        return self.root / "home"

    def close(self) -> None:
        """Ends the shell and every service."""
        self._shell.kill()
        self._shell.communicate()
        self.sandbox.down()

    def run(self, typed: Typed | str) -> tuple[int, str]:
        """Types a command: its exit code, and everything that it printed, with paths as the pages have them."""
        text = typed.text if isinstance(typed, Typed) else typed
        stdin, stdout = self._shell.stdin, self._shell.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(f"{{\n{self.here(text)}\n}} </dev/null 2>&1\nprintf '\\n{_MARK} %d\\n' $?\n")
        stdin.flush()
        printed = ""
        for line in stdout:
            if line.startswith(_MARK):
                return int(line.removeprefix(_MARK)), self.told(printed)
            printed += line
        raise AssertionError(f"the shell ended: {text}\n{printed}")

    def here(self, text: str) -> str:
        """Paths of the pages as paths of this machine."""
        for service in ("kibana", "metricbeat"):  # which the sandbox has no other folder for
            text = text.replace(f"/etc/{service}", f"/mnt/{service}/config")
        return text.replace("/mnt/", f"{self.mnt}/")

    def told(self, text: str) -> str:
        """Paths of this machine as paths of the pages."""
        return text.replace(str(self.mnt), "/mnt").replace(str(self.home), "~")

    def write(self, path: str, text: str) -> None:
        """A file that a page shows: below the home of whoever reads it, readable by its owner alone."""
        target = self.home / path.removeprefix("~/")
        target.write_text(self.here(text))
        target.chmod(0o600)

    def environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("LANG", "LC_ALL", "SSL_CERT_FILE") if name in os.environ}
        path = f"{self.root / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        source = {} if os.environ.get("ESTUI_DOCS_BIN") else {"PYTHONPATH": str(ROOT)}
        return {**kept, **source, "HOME": str(self.home), "PATH": path, "TMPDIR": str(self.root / "tmp")}

    def _script(self, name: str, text: str) -> None:
        path = self.root / "bin" / name
        path.write_text(text)
        path.chmod(0o755)
