"""Commands of the inventory: no shell, a limit of time, their output shown, and nothing of estui's own given along."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from estui.act.services import run_command, words
from estui.errors import ApplyError
from estui.model.inventory import Commands, Limits
from estui.model.run import Event, Said
from tests.unit.act.folders import Cluster


def _run(cluster: Cluster, *command: str, limit: float = 20.0) -> list[str]:
    context = cluster.context(cluster.plan())
    context.inventory = replace(context.inventory, limits=Limits(command_seconds=limit))
    said: list[str] = []

    def emit(event: Event) -> None:
        said.extend([event.text] if isinstance(event, Said) else [])

    context.emit = emit
    run_command(context, "n1", command)
    return said


def _python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def test_no_shell_reads_the_arguments_and_the_output_is_shown(single: Cluster) -> None:
    said = _run(single, *_python("import sys; print(sys.argv[1])"), "$HOME; echo no")
    assert said[-1] == "n1: $HOME; echo no"


def test_a_command_is_shown_as_a_shell_would_take_it(single: Cluster) -> None:
    """So that a person can copy it: `sh -c 'a; b'` is not `sh -c a; b`."""
    command = ("/bin/sh", "-c", "echo a; true")
    assert _run(single, *command)[0] == "n1: $ /bin/sh -c 'echo a; true'"
    assert words(Commands(stop=command), "stop", "n1") == "n1: /bin/sh -c 'echo a; true'"


def test_output_that_a_terminal_would_act_on_is_written_out(single: Cluster) -> None:
    assert _run(single, *_python("print('\\x1b[31mred')"))[-1] == "n1: \\x1b[31mred"


def test_a_failure_shows_the_end_of_the_output(single: Cluster) -> None:
    with pytest.raises(ApplyError, match="failed with exit code 3: second") as failed:
        _run(single, *_python("print('first'); print('second'); raise SystemExit(3)"))
    assert failed.value.reasons == ("first",)


def test_a_command_that_does_not_end_is_ended_with_what_it_started(single: Cluster, tmp_path: Path) -> None:
    alive = tmp_path / "alive"
    code = f"import time\nfor n in range(200): open({str(alive)!r}, 'a').write('x'); time.sleep(0.02)"
    starts = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"
    with pytest.raises(ApplyError, match="did not end within 1 s"):
        _run(single, *_python(starts), limit=1.0)
    size = alive.stat().st_size if alive.exists() else 0
    time.sleep(0.1)
    assert (alive.stat().st_size if alive.exists() else 0) == size


def test_a_service_that_keeps_the_output_open_holds_nobody_up(single: Cluster) -> None:
    """As `elasticsearch -d` does: the command ends, and what it started lives on."""
    began = time.monotonic()
    starts = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(5)'])"
    _run(single, *_python(starts))
    assert time.monotonic() - began < 4.0


def test_estui_s_own_environment_stays_at_home(single: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", "/somewhere")
    said = _run(single, *_python("import os; print('ESTUI_PASSPHRASE_FILE' in os.environ)"))
    assert said[-1] == "n1: False"


def test_what_is_not_there_is_said(single: Cluster) -> None:
    with pytest.raises(ApplyError, match="cannot be started: No such file or directory"):
        _run(single, "/no/such/command")
