"""What is told when something is wrong, foreseen or not: never a secret, and always the way on."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from estui.cli import main as cli
from estui.cli.output import Exit
from estui.formats.es_keystore import write_secure_settings
from estui.secret import Secret
from tests.canaries import Canaries
from tests.unit.cli.conftest import Shell


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def known(shell: Shell, canaries: Canaries, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The option that gives the passphrase. Reports of defects go into the home of this shell."""
    monkeypatch.setattr("tempfile.tempdir", str(shell.home))
    file = shell.home / "passphrase"
    file.write_text(canaries.plant("passphrase") + "\n")
    return ("--passphrase-file", str(file))


def report_of(shell: Shell) -> Path:
    """The report of a defect that the last command names."""
    (path,) = shell.home.glob("estui-crash-*.log")
    assert str(path) in shell.err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    return path


def break_the_switch(patch: pytest.MonkeyPatch, secret: str) -> None:
    """A defect between announcing and switching, with a secret in its message and in the variables around it."""

    def broken(context: Any, items: Any) -> None:
        password = context.passphrase.reveal()
        try:
            raise KeyError(secret)
        except KeyError as error:
            raise RuntimeError(f"cannot go on with {password} and {secret}") from error

    patch.setattr("estui.act.commit.switch_all", broken)


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_defect_in_the_middle_of_an_apply_is_one_line_with_the_way_on(
    shell: Shell,
    canaries: Canaries,
    known: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
    form: tuple[str, ...],
) -> None:
    """No message and no variable; the report has the stack alone, and `estui recover` does what was said."""
    shell.made("es-1")
    before = (shell.home / "es-1" / "elasticsearch.yml").read_bytes()
    with monkeypatch.context() as patch:
        break_the_switch(patch, canaries.plant("local"))
        assert shell.run("apply", "https", "--yes", *known, *form) == Exit.FAILED
    assert canaries.found(shell.out + shell.err) == []
    assert "Traceback" not in shell.err
    assert "estui: internal error: RuntimeError (test_defects.py:" in shell.err
    assert "estui recover" in shell.err
    report = report_of(shell).read_text()
    assert canaries.found(report) == []
    assert "KeyError" in report
    assert "in switch" in report
    if form:
        assert json.loads(shell.out)["error"].startswith("internal error: RuntimeError")
    assert shell.run("recover") == Exit.PENDING
    assert shell.run("recover", "--undo") == Exit.PENDING  # everything is back; a person starts the node
    assert (shell.home / "es-1" / "elasticsearch.yml").read_bytes() == before
    assert canaries.found_below(shell.workspace, lambda path: ()) == {}


def test_an_undo_after_an_interruption_can_be_forced_file_by_file(
    shell: Shell, canaries: Canaries, known: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that somebody changed meanwhile stops the undo; `--force FILE` names it, and only with `--undo`."""
    shell.made("es-1")
    yml = shell.home / "es-1" / "elasticsearch.yml"
    before = yml.read_bytes()
    with monkeypatch.context() as patch:
        break_the_switch(patch, canaries.plant("local"))
        shell.run("apply", "https", "--yes", *known)
    edited = yml.with_name("edited.yml")  # as editors do it: in place, the kept name of the file would change too
    edited.write_bytes(before + b"# by hand\n")
    edited.rename(yml)
    assert shell.run("recover", "--undo") == Exit.FAILED
    assert f"{yml}: content changed" in shell.err
    assert "recover --undo --force FILE" in shell.err
    assert yml.read_bytes().endswith(b"# by hand\n")
    for way in ((), ("--complete",)):
        assert shell.run("recover", *way, "--force", str(yml)) == Exit.USAGE
        assert "hint: estui recover --undo" in shell.err
    assert shell.run("recover", "--undo", "--force", str(shell.home / "another")) == Exit.FAILED
    assert shell.run("recover", "--undo", "--force", str(yml)) == Exit.PENDING
    assert yml.read_bytes() == before


def test_a_defect_that_cannot_be_told_is_its_type_alone() -> None:
    """The last resort of the console script, for its own thread and for others: Python's report is never printed."""
    program = (
        "import threading, estui.cli.main as cli\n"
        "def broken(*_): raise ValueError('hunter2')\n"
        "def main(): thread = threading.Thread(target=broken); thread.start(); thread.join(); broken()\n"
        "cli.main = main\n"
        "cli.run()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == ["estui: internal error: ValueError"] * 2


BROKEN_LINES = [
    'xpack.email.password: "{0}',
    "xpack.email.password: {0}: more",
    "xpack.email.password: '{0}' more",
    "xpack.email.password: *{1}",
    "xpack.email.password: &{1} [",
    "xpack.email.password: !{1} {{",
    "xpack.email.password: %{0}",
    "xpack.email.password: @{0}",
    "xpack.email.password: `{0}",
    'xpack.email.password: "\\z{0}"',
    'xpack.email.password: "\\UFFFFFFFF{0}"',
    "xpack.email.password: {0}\n\txpack.more: {0}",
    "xpack.email.password:\n- {0}\n  {0}: x: y",
    "xpack.email.password: {0}\nxpack.email.password: {0}",
    "xpack.email: {{password: {0}\nnode.attr.a: b",
    "%{1} directive\n---\na: b",
    "xpack.email.password: |\n  {0}\n {0}",
    "- {0}",
    "{0}",
    "xpack.email.password: {0}\x07",
    "xpack.email.password: {0}\n--- \nnode.attr.a: b",
    "<<: {0}",
]


@pytest.mark.parametrize("line", BROKEN_LINES)
def test_a_broken_line_with_a_secret_on_it_is_named_by_its_number(shell: Shell, canaries: Canaries, line: str) -> None:
    """Whatever the parser says about it, the words of the line are not in it."""
    shell.made("es-1")
    secret = canaries.plant("yml")
    name = secret.split("/")[0]
    yml = shell.home / "es-1" / "elasticsearch.yml"
    yml.write_text(yml.read_text() + line.format(secret, name) + "\n")
    for command in (("status",), ("doctor",), ("plan", "basic"), ("status", "--json"), ("doctor", "--json")):
        shell.run(*command)
        assert canaries.found(shell.out + shell.err) == [], command
        assert "internal error" not in shell.err


def test_keystores_that_cannot_be_opened_tell_nothing(shell: Shell, canaries: Canaries, known: tuple[str, ...]) -> None:
    """A wrong password, none, and a damaged file."""
    shell.made("es-1")
    right, wrong = canaries.plant("keystore password"), canaries.plant("wrong password")
    entries = {"keystore.seed": b"seedseedseedseedseed", "s3.client.a.secret_key": canaries.plant("entry").encode()}
    content = write_secure_settings(entries, version=4, password=Secret(right), salt=bytes(64), iv=bytes(12))
    keystore = shell.home / "es-1" / "elasticsearch.keystore"
    file = shell.home / "keystore-password"
    for stored, given in ((content, right), (content, wrong), (content, ""), (content[:-20], right), (b"x", right)):
        keystore.write_bytes(stored)
        file.write_text(given + "\n")
        options = ("--keystore-password-file", str(file)) if given else ()
        for command in (("status",), ("doctor",), ("plan", "basic", "--format", "pkcs12")):
            shell.run(*command, *options, *known, "--json")
            assert canaries.found(shell.out + shell.err) == [], command
        assert canaries.found_below(shell.workspace, lambda path: ()) == {}


def test_every_plan_that_is_no_longer_true_is_refused_without_a_word_of_the_file(
    shell: Shell, canaries: Canaries, known: tuple[str, ...]
) -> None:
    shell.made("es-1")
    yml = shell.home / "es-1" / "elasticsearch.yml"
    lines = [
        f"xpack.security.http.ssl.keystore.password: {canaries.plant('old')!r}",
        "xpack.security.http.ssl.enabled: false",
    ]
    yml.write_text(yml.read_text() + "\n".join(lines) + "\n")
    saved = shell.home / "plan.json"
    assert shell.run("plan", "https", "-o", str(saved)) == Exit.PENDING
    assert "keystore.password: (secret)" in shell.out
    assert canaries.found(shell.out + shell.err + saved.read_text()) == []
    yml.write_text(yml.read_text() + f"xpack.email.password: {canaries.plant('new')!r}\n")
    assert shell.run("apply", str(saved), "--yes", *known) == Exit.FAILED
    assert "content changed" in shell.err
    assert canaries.found(shell.out + shell.err) == []
    saved.write_text(saved.read_text().replace('"https"', f'"{canaries.plant("edited")}"'))
    assert shell.run("apply", str(saved), "--yes", *known) == Exit.FAILED
    assert canaries.found(shell.out + shell.err) == []


@pytest.mark.parametrize("kind", [ValueError, MemoryError, RecursionError, AssertionError, UnicodeDecodeError])
def test_whatever_python_raises_ends_with_exit_code_1(
    shell: Shell, kind: type[Exception], known: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: object) -> int:
        raise kind("utf-8", b"hunter2", 0, 1, "hunter2") if kind is UnicodeDecodeError else kind("hunter2")

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert shell.run("status") == Exit.FAILED
    assert f"internal error: {kind.__name__}" in shell.err
    assert "hunter2" not in shell.err + report_of(shell).read_text()


def test_without_a_folder_for_the_report_the_defect_is_told_all_the_same(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(options: object) -> int:
        raise ValueError

    monkeypatch.setattr(cli, "_dispatch", fail)
    monkeypatch.setattr("tempfile.tempdir", str(shell.home / "missing"))
    assert shell.run("status") == Exit.FAILED
    assert "no folder took a report of it" in shell.err
