"""Options in any order, one exit code for each kind of end, results on standard output and talk on standard error."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from estui import errors
from estui.cli import main as cli
from estui.cli import parsers
from estui.cli.output import Exit, exit_code, tell_error
from tests.unit.cli.conftest import Shell


@pytest.mark.parametrize(
    "arguments",
    [
        ["--workspace", "W", "--json", "plan", "https", "--expect-nodes", "3"],
        ["plan", "https", "--workspace", "W", "--json", "--expect-nodes", "3"],
        ["--expect-nodes", "3", "plan", "--json", "https", "--workspace", "W"],
    ],
)
def test_common_options_stand_before_or_after_the_command(arguments: list[str]) -> None:
    options = parsers.build_parser().parse_args(arguments)
    assert (options.workspace, options.json, options.expect_nodes) == ("W", True, 3)


def test_what_stands_before_the_command_is_not_reset_by_what_does_not_stand_after_it() -> None:
    options = parsers.build_parser().parse_args(["--user", "elastic", "status", "--json"])
    assert (options.user, options.json, options.plain_http) == ("elastic", True, False)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.UsageError, 2),
        (errors.LockedError, 5),
        (errors.VerificationError, 4),
        (errors.WaitingError, 3),
        (errors.PlanError, 1),
        (errors.StalePlanError, 1),
        (errors.ApplyError, 1),
        (errors.SettingsError, 1),
        (errors.StoreError, 1),
        (errors.CertificateError, 1),
        (errors.ProbeError, 1),
    ],
)
def test_every_kind_of_error_has_its_exit_code(
    kind: type[errors.EstuiError], code: int, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: object) -> int:
        raise kind("what", hint="do this", reasons=("one",))

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert shell.run("status") == code == exit_code(kind("what"))
    assert shell.err.splitlines() == ["estui: what", "  - one", "hint: do this"]


def test_an_error_with_json_is_an_object_on_standard_output_and_words_on_standard_error(
    capsys: pytest.CaptureFixture[str],
) -> None:
    location = errors.Location("a.yml", 3, "key")
    tell_error(errors.UsageError("what", hint="do", reasons=("one",), location=location), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out) == {"error": "what", "hint": "do", "reasons": ["one"], "location": "a.yml:3: key"}
    assert err.startswith("estui: a.yml:3: key: what")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_with_its_own_code(number: signal.Signals, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(options: object) -> int:
        raise KeyboardInterrupt if number is signal.SIGINT else cli.Interrupted(number)

    monkeypatch.setattr(cli, "_dispatch", interrupted)
    assert shell.run("status") == 128 + number
    assert number.name in shell.err


@pytest.mark.parametrize("arguments", [["plan"], ["plan", "all"], ["nonsense"], ["plan", "https", "--format", "jks"]])
def test_what_makes_no_sense_is_usage(arguments: list[str], shell: Shell) -> None:
    assert shell.run(*arguments) == Exit.USAGE
    assert "usage: estui" in shell.err


def test_version_names_the_libraries(shell: Shell) -> None:
    assert shell.run("--version") == 0
    assert shell.out.startswith("estui ")
    assert "cryptography" in shell.out


def test_the_terminal_ui_without_a_terminal_is_refused(shell: Shell) -> None:
    assert shell.run() == Exit.USAGE
    assert "needs a terminal" in shell.err


@pytest.mark.parametrize("arguments", [["status"], ["plan", "https"], ["apply", "https"], ["verify"], ["ca", "list"]])
def test_without_an_inventory_the_way_to_one_is_named(arguments: list[str], shell: Shell) -> None:
    code = shell.run(*arguments)
    if arguments[0] == "ca":
        assert code == Exit.DONE
        return
    assert code == Exit.USAGE
    assert "estui init" in shell.err


@pytest.mark.parametrize(
    ("option", "content", "reason"),
    [
        ("--password-file", None, "No such file"),
        ("--password-file", b"", "is empty"),
        ("--password-file", b"\xff\n", "is not text"),
        ("--passphrase-file", None, "No such file"),
        ("--keystore-password-file", b"\n", "is empty"),
    ],
)
def test_a_bad_secret_file_is_named(
    option: str, content: bytes | None, reason: str, shell: Shell, tmp_path: Path
) -> None:
    shell.made("es-1")
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    assert shell.run("status", option, str(file), *(["--user", "elastic"] if option == "--password-file" else [])) == 2
    assert str(file) in shell.err
    assert reason in shell.err


def test_a_user_without_a_password_and_without_a_terminal_names_the_option(shell: Shell) -> None:
    shell.made("es-1")
    assert shell.run("status", "--user", "elastic") == Exit.USAGE
    assert "--password-file FILE" in shell.err


def test_a_thread_that_hangs_neither_holds_up_nor_changes_the_end() -> None:
    """As one that reads a dead mount: what was said is out, and the exit code is that of the command."""
    program = (
        "import threading, time; from estui.cli import main as cli\n"
        "threading.Thread(target=time.sleep, args=(600,), daemon=True).start()\n"
        "print('the result')\n"
        "cli.main = lambda: 3\n"
        "cli.run()\n"
        "print('not reached')"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (3, "the result\n", "")
