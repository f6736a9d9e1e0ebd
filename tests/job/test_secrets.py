"""Canaries: every secret that a cluster, its workspace and its operator hold is planted, every command is run, and
everything that is printed, written or handed to another process is searched for them.
"""

from __future__ import annotations

import logging
import os
import shlex
import subprocess
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest

from estui.cli.commands.sandbox import make_workspace
from estui.cli.main import main
from estui.formats.es_keystore import read_secure_settings, write_secure_settings
from estui.formats.kibana_keystore import write_kibana_keystore
from estui.sandbox.cluster import Sandbox
from estui.secret import Secret
from tests.canaries import Canaries, watch_generated

KEY_FILE = Path(__file__).parents[1] / "fixtures/stores/certutil/certs-pem/es-1/es-1.key"
PKCS12 = ("--format", "pkcs12")


class Witness:
    """Runs commands on a sandbox that is full of canaries, and reads everything that comes of them."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder = folder
        self.capture = capture
        self.canaries = Canaries()
        self.sandbox = Sandbox.create(folder / "sandbox", 1, True, owner=os.getpid(), start=False)
        self.workspace = self.sandbox.folder / "workspace"
        self.private = folder / "private"
        """The operator's own files with passwords."""
        self.private.mkdir(mode=0o700)
        self.dump = folder / "dump"
        """What the inventory's commands were given."""
        self.planted: dict[str, set[str]] = {}
        """Name of a file to the secrets that it held before."""
        self.out = self.err = ""

    # planting

    def password_file(self, name: str, secret: str) -> str:
        path = self.private / name
        path.write_text(secret + "\n")
        path.chmod(0o600)
        return str(path)

    def planted_in(self, file: str, name: str) -> str:
        self.planted.setdefault(file, set()).add(name)
        return self.canaries.plant(name)

    def plant_node(self) -> str:
        """Secrets in the yml, the keystore and its password, and a key; the file of the keystore's password."""
        config = self.sandbox.config("es-1")
        yml = config / "elasticsearch.yml"
        here = "elasticsearch.yml"
        lines = [
            f'xpack.notification.email.account.ops.smtp.password: "{self.planted_in(here, "smtp password")}"',
            f'#xpack.notification.email.account.old.smtp.password: "{self.planted_in(here, "commented password")}"',
            "xpack.security.transport.ssl.enabled: false",
            f"xpack.security.transport.ssl.keystore.password: '{self.planted_in(here, 'store password')}'",
            "xpack.security.http.ssl.enabled: false",
            "xpack.security.http.ssl.certificate: old/es-1.crt",
            "xpack.security.http.ssl.key: old/es-1.key",
            f"#xpack.monitoring.exporters.old.host: https://old:{self.planted_in(here, 'URL password')}@monitor:9200",
        ]
        yml.write_text(yml.read_text() + "\n".join(lines) + "\n")
        old = config / "old"
        old.mkdir()
        for file in (KEY_FILE, KEY_FILE.with_suffix(".crt")):
            (old / file.name).write_bytes(file.read_bytes())
        self.planted["es-1.key"] = {"old key"}
        self.canaries.add_key_file("old key", KEY_FILE.read_bytes())
        password = self.canaries.plant("keystore password")
        entries = {
            "keystore.seed": b"seedseedseedseedseed",
            "s3.client.default.secret_key": self.canaries.plant("secure setting").encode(),
        }
        (config / "elasticsearch.keystore").write_bytes(
            write_secure_settings(entries, version=7, password=Secret(password), salt=os.urandom(64), iv=os.urandom(12))
        )
        return self.password_file("keystore", password)

    def plant_kibana(self) -> None:
        config = self.sandbox.config("kibana")
        yml = config / "kibana.yml"
        here = "kibana.yml"
        header = (
            f'elasticsearch.customHeaders: {{ "x-login": "a", "authorization": "{self.planted_in(here, "header")}" }}'
        )
        lines = [
            "elasticsearch.username: an_old_user",
            f'elasticsearch.password: "{self.planted_in(here, "Kibana password")}"',
            f'xpack.encryptedSavedObjects.encryptionKey: "{self.planted_in(here, "encryption key")}"',
            "xpack.actions.preconfigured:",
            "  on-call:",
            "    secrets:",
            f'      webhookUrl: "https://hooks.example.net/{self.planted_in(here, "webhook")}"',
        ]
        text = yml.read_text().replace("elasticsearch.hosts:", f"{header}\nelasticsearch.hosts:")
        yml.write_text(text + "\n".join(lines) + "\n")
        entries = {"xpack.reporting.encryptionKey": self.canaries.plant("Kibana keystore entry")}
        (config / "kibana.keystore").write_bytes(
            write_kibana_keystore(entries, password=None, salt=os.urandom(64), iv=os.urandom(12))
        )

    def command_script(self, keystore_password_file: str) -> Path:
        """The inventory's command: notes what it and its parent were given, then does its work."""
        script = self.folder / "service"
        script.write_text(
            "#!/bin/sh\n"
            f'{{ printf "%s\\n" "$0" "$@"; env; cat /proc/$PPID/cmdline /proc/$PPID/environ; }} >> {self.dump}\n'
            f"ES_KEYSTORE_PASSWORD=$(cat {keystore_password_file}) "
            f'exec {sys.executable} -m estui sandbox "$1" "$2" --folder {self.sandbox.folder}\n'
        )
        script.chmod(0o700)
        return script

    # looking

    def allowed(self, path: Path) -> Collection[str]:
        """Secrets that a file is meant to hold: private keys, and what stood in a file of this name before."""
        if path.name.endswith(".key"):
            return [name for name in self.canaries.names if "key" in name]
        return next((names for file, names in self.planted.items() if path.name.endswith(file)), ())

    def assert_nothing_leaked(self, what: str) -> None:
        """Everything that the last command printed, and everything that is written by now."""
        assert self.canaries.found(self.out + self.err) == [], f"printed by {what}"
        for folder in (self.workspace, self.folder / "saved", *map(self.sandbox.config, self.sandbox.names)):
            leaks = self.canaries.found_below(folder, self.allowed)
            leaks.pop("passphrase", None)
            assert leaks == {}, f"written below {folder} by {what}"

    def estui(self, *arguments: str, expect: int | tuple[int, ...] = 0) -> str:
        """Runs a command in this process and searches; its result."""
        self.capture.readouterr()
        try:
            code = main(["--workspace", str(self.workspace), *arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        self.out, self.err = self.capture.readouterr()
        what = f"estui {shlex.join(arguments)}"
        assert code in ((expect,) if isinstance(expect, int) else expect), f"{what}: {code}\n{self.out}\n{self.err}"
        assert "Traceback" not in self.err
        self.assert_nothing_leaked(what)
        return self.out

    def both(self, *arguments: str, expect: int | tuple[int, ...] = 0) -> None:
        """As text and as JSON."""
        self.estui(*arguments, expect=expect)
        self.estui(*arguments, "--json", expect=expect)

    def process(self, *arguments: str) -> None:
        """Runs a command as a process of its own; its result, its talk and what it was given are searched."""
        command = [sys.executable, "-m", "estui", "--workspace", str(self.workspace), *arguments]
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False
        )
        self.out, self.err = done.stdout, done.stderr
        assert done.returncode == 0, self.out + self.err
        self.assert_nothing_leaked(shlex.join(arguments))


@pytest.fixture
def witness(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Witness]:
    """A running sandbox of one node and Kibana in which every secret is a canary, and its workspace."""
    here = Witness(tmp_path, capsys)
    (tmp_path / "saved").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "saved"))  # reports of defects
    keystore = here.plant_node()
    here.plant_kibana()
    script = here.command_script(keystore)
    monkeypatch.setattr(Sandbox, "commands", lambda self, name, action: (str(script), action, name))
    workspace = make_workspace(here.sandbox)
    (workspace / "passphrase").write_text(here.canaries.plant("passphrase") + "\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(workspace / "passphrase"))
    with monkeypatch.context() as patch:
        patch.setenv("ES_KEYSTORE_PASSWORD", Path(keystore).read_text().strip())
        here.sandbox.up()
    watch_generated(here.canaries, monkeypatch)
    yield here
    here.sandbox.down()


@pytest.mark.slow
def test_no_command_prints_or_writes_a_secret(witness: Witness, caplog: pytest.LogCaptureFixture) -> None:
    """From the first look to HTTPS and back, with every library telling everything it can tell."""
    caplog.set_level(logging.DEBUG)
    here, saved = witness, witness.folder / "saved"
    known = ("--keystore-password-file", str(here.private / "keystore"))
    config, kibana = str(here.sandbox.config("es-1")), str(here.sandbox.config("kibana"))
    address = f"127.0.0.1:{here.sandbox.ports['es-1']['http']}"

    # looking
    here.both("doctor", config, kibana, expect=3)
    here.both("doctor", *known, expect=3)
    for number, form in enumerate(((), ("--json",))):
        begun(here, str(saved / f"new-{number}"), *form)
    here.both("status", expect=(0, 3))
    here.both("status", "--evidence", expect=(0, 3))
    here.both("probe", address, expect=(1, 3))
    here.both("probe", "es-1", expect=(0, 1, 3))
    here.both("doctor", "--fix", "kibana-password-in-yml", "--dry-run", expect=3)
    here.both("doctor", "--fix", "tls-password-in-yml", "--dry-run", *known, expect=3)
    here.estui("plan", "https", *PKCS12, expect=1)  # the keystore is locked
    assert "elasticsearch.keystore cannot be opened" in here.err
    inventory = here.workspace / "estui.yaml"
    inventory.write_text(f"{inventory.read_text()}keystore_password: ../../private/keystore\n")
    here.both("plan", "https", *PKCS12, expect=3)
    assert "smtp.password" in here.estui("plan", "https", "--all", expect=3)
    here.estui("plan", "https", *PKCS12, "-o", str(saved / "plan.json"), expect=3)
    here.both("runbook", str(saved / "plan.json"), expect=3)
    here.estui("runbook", "https", *PKCS12, "--markdown", expect=3)
    here.estui("plan", "https", *PKCS12, "--runbook", "markdown", expect=3)

    # what goes wrong
    wrong = here.password_file("wrong", here.canaries.plant("wrong password"))
    here.estui("status", "--keystore-password-file", wrong, expect=(0, 3))
    here.both("verify", "--user", "elastic", "--password-file", wrong, "--plain-http")
    here.estui("ca", "create", "client")
    here.both("ca", "create", "http", "--passphrase-file", wrong, expect=1)
    here.both("apply", "https", "--yes", "--passphrase-file", wrong, expect=1)

    # applying, step by step and then to the end
    here.estui("apply", str(saved / "plan.json"), "--yes", expect=3)
    here.both("runbook", "show", expect=3)
    here.estui("runbook", "show", "--markdown", expect=3)
    for name in here.sandbox.names:
        here.sandbox.stop(name)
    here.both("runbook", "next", expect=3)
    here.estui("runbook", "resume", "--restart")
    here.both("runbook", "show")
    here.both("history", "report")
    here.estui("history", "report", "--markdown", "-o", str(saved / "report.md"))
    assert any(name.startswith("generated password") for name in here.canaries.names)
    secured(here)

    # back: the rotation, and as a process of its own the rest
    here.estui("rollback", "--yes", "--json")
    here.process("rollback", "--yes", "--restart")
    here.both("history", "prune", "--keep", "0", "--yes")
    here.both("history")
    assert here.canaries.found(caplog.text) == []
    given = here.dump.read_bytes()
    assert b"rollback\0--yes" in given, "the process that ran the commands was not looked at"
    assert here.canaries.found(given) == []


def begun(here: Witness, workspace: str, *form: str) -> None:
    """An inventory of its own, and what goes with a question about estui itself."""
    config, kibana = str(here.sandbox.config("es-1")), str(here.sandbox.config("kibana"))
    here.estui("init", config, "--kibana", kibana, "--workspace", workspace, *form)
    here.estui("support-bundle", "-o", f"{workspace}-support", "--yes", "--workspace", workspace, *form)
    for words in (("completion", "bash"), ("completion", "zsh"), ("completion", "fish"), ("man",)):
        here.estui(*words)


def secured(here: Witness) -> None:
    """Everything that can be done to the secured cluster."""
    here.both("status")
    here.both("status", "--evidence")
    here.both("verify")
    here.both("doctor", expect=(0, 3))
    here.both("support-bundle", expect=2)
    here.estui("support-bundle", "-o", str(here.folder / "saved" / "support-2.md"), "--yes")
    here.both("probe", f"127.0.0.1:{here.sandbox.ports['es-1']['transport']}")
    here.both("ca", "list")
    here.estui("passwords", "show", "elastic", expect=2)
    for user in ("elastic", "kibana_system"):
        shown = here.private / user
        here.estui("passwords", "show", user, "--to", str(shown))
        assert here.canaries.found(shown.read_text()), "a password that no canary knows"
    here.both("verify", "--user", "elastic", "--password-file", str(here.private / "elastic"))
    here.both("verify", "--user", "elastic", "--password-file", str(here.private / "wrong"), expect=4)
    keystore = here.sandbox.config("es-1") / "elasticsearch.keystore"
    password = Secret((here.private / "keystore").read_text().strip())
    entries = read_secure_settings(keystore.read_bytes(), password, "elasticsearch.keystore").entries
    stores = [value for name, value in entries.items() if name.endswith("secure_password")]
    assert stores
    assert all(here.canaries.found(value) for value in stores), "a store's password that no canary knows"
    here.both("plan", "https")
    kibana(here)
    passwords(here)
    secure_settings(here)
    certificates(here)
    here.estui("rotate", "es-1", "--layer", "http", "--yes", "--json")
    here.both("history")


def kibana(here: Witness) -> None:
    """What Kibana gets on request, and back."""
    wishes = ("https", "--kibana-token", "--kibana-keys")
    here.both("plan", *wishes, "--kibana-hosts", "es-1", expect=3)
    here.estui("apply", *wishes, "--yes", "--restart", "--json")
    made = {name.rpartition(" ")[0] for name in here.canaries.names}
    assert {"generated token", "generated encryption secret"} <= made
    here.both("verify")
    here.estui("rollback", "--yes", "--restart")


def passwords(here: Witness) -> None:
    """New passwords of built-in users: made, kept outside, read from a file, refused, recovered, and back."""
    here.both("passwords", "list")
    here.estui("passwords", "set", "kibana_system", expect=2)
    here.estui("passwords", "set", "kibana_system", "--runbook", expect=3)
    here.estui("passwords", "set", "kibana_system", "--yes", "--restart", "--json")
    here.estui("rollback", "--yes", "--restart")
    out = here.private / "out"
    here.estui("passwords", "set", "beats_system", "--passwords-out", str(out), "--yes")
    assert here.canaries.found(out.read_text()), "a password that no canary knows"
    here.estui("passwords", "list", "--passwords-file", str(out))
    here.estui("rollback", "--yes")
    mine = here.password_file("mine", f"apm_system={here.canaries.plant('chosen password')}")
    here.estui("passwords", "set", "apm_system", "--passwords-file", mine, "--yes")
    here.estui("rollback", "--yes")
    bad = here.password_file("bad", f"apm_system={here.canaries.plant('refused password')},")
    here.both("passwords", "set", "apm_system", "--passwords-file", bad, "--yes", expect=2)
    here.both("passwords", "set", "elastic", "--show", "--yes", expect=2)
    here.estui("passwords", "set", "apm_system", "--length", "30", "--marks", "--mixed-up", "--yes")
    here.estui("rollback", "--yes")
    saved = str(here.folder / "saved" / "passwords.json")
    here.estui("passwords", "set", "apm_system", "-o", saved, expect=3)
    here.estui("apply", saved, "--yes")
    here.estui("rollback", "--yes")
    here.estui("passwords", "recover", "--yes")
    here.estui("rollback", "--yes")


def secure_settings(here: Witness) -> None:
    """Entries of the keystore and its own password: compared, changed, refused, and back."""
    here.both("secure-settings", "list", expect=0)
    value = here.password_file("value", here.canaries.plant("new secure setting"))
    here.estui("secure-settings", "set", "s3.client.default.secret_key", "--value-file", value, expect=2)
    here.estui("secure-settings", "set", "s3.client.default.secret_key", "--value-file", value, "--runbook", expect=3)
    here.estui("secure-settings", "set", "s3.client.default.secret_key", "--value-file", value, "--yes")
    here.both("rollback", "--runbook", expect=3)
    here.estui("rollback", "--yes")
    saved = str(here.folder / "saved" / "settings.json")
    here.estui("secure-settings", "set", "s3.client.default.secret_key", "-o", saved, expect=3)
    here.estui("apply", saved, "--value-file", value, "--yes")
    here.estui("rollback", "--yes")
    here.both("secure-settings", "set", "cluster.name", "--value-file", value, "--yes", expect=1)
    here.estui("secure-settings", "remove", "s3.client.default.secret_key", "--yes", "--json")
    here.estui("rollback", "--yes")
    told = here.private / "keystore"
    before, after = told.read_bytes(), f"{here.canaries.plant('new keystore password')}\n".encode()
    new = here.password_file("keystore-2", after.decode().strip())
    here.estui("secure-settings", "password", "--new-password-file", new, "--yes", expect=3)
    told.write_bytes(after)
    here.estui("runbook", "resume", "--restart")
    here.estui("rollback", "--yes", expect=3)
    told.write_bytes(before)
    here.estui("runbook", "resume", "--restart")


def certificates(here: Witness) -> None:
    """The life of certificates: watched, taken over, handed out, replaced, and back."""
    saved = here.folder / "saved"
    for form in ("text", "json", "prometheus", "nagios"):
        here.estui("watch", "--format", form, expect=(0, 1, 2, 3))
    here.both("adopt")
    here.both("ca", "issued", "http")
    here.estui("csr", "export", "es-1", "--to", str(saved / "requests"))
    here.both("csr", "list")
    here.estui("csr", "import", str(here.workspace / "ca/http/ca.crt"), expect=1)
    sealed = here.password_file("sealed", here.canaries.plant("password of an exported key"))
    out = str(here.private / "http.p12")
    here.estui("ca", "export", "http", "--to", out, "--with-key", "--key-password-file", sealed)
    here.both("ca", "import", "other", "--p12", out, "--key-password-file", str(here.private / "wrong"), expect=1)
    here.estui("ca", "import", "other", "--p12", out, "--key-password-file", sealed, expect=(0, 1))
    clients(here, sealed)
    here.estui("ca", "rollover", "start", "http", "--yes", "--restart", expect=3)
    here.both("ca", "rollover", "status", expect=3)
    here.estui("ca", "rollover", "next", "--yes", expect=1)
    here.estui("ca", "rollover", "tick", "--all")
    here.estui("ca", "rollover", "abort", "--yes", "--restart")
    here.both("node", "remove", "es-1", expect=(1, 2))
    passphrase = here.password_file("passphrase", here.canaries.plant("new passphrase"))
    here.both("ca", "passphrase", "--new-passphrase-file", str(here.private / "absent"), expect=2)
    here.estui("ca", "passphrase", "--new-passphrase-file", passphrase)
    (here.workspace / "passphrase").write_bytes(Path(passphrase).read_bytes())
    here.both("ca", "list")
    here.estui("ca", "renew", "http", "--days", "5000")


def clients(here: Witness, sealed: str) -> None:
    """Certificates for people, and who connects."""
    here.estui("client", "new", "alice", "--to", str(here.private / "alice"), "--role", "viewer")
    out = str(here.private / "bob")
    here.both("client", "new", "bob", "--to", out, "--p12", "--p12-password-file", sealed, "--days", "0", expect=(1, 2))
    here.estui("client", "new", "bob", "--to", out, "--p12", "--p12-password-file", sealed, "--json")
    here.both("client", "list")
    here.both("client", "connected", expect=3)
    here.both("client", "guide")
    here.both("client", "search", str(here.sandbox.folder), expect=3)
    here.estui("client", "tick", "--all")
    here.estui("client", "remove", "alice")
    here.both("plan", "mutual", expect=1)
    here.both("plan", "mutual", "--required", expect=1)


def test_a_search_finds_what_it_looks_for() -> None:
    """The search itself: raw, in JSON, in a URL, as hexadecimal, and inside base64 at every offset."""
    import base64
    import json
    from urllib.parse import quote

    canaries = Canaries()
    secret = canaries.plant("one")
    shown = [
        secret,
        quote(secret, safe=""),
        json.dumps({"a": secret}),
        secret.encode().hex(),
        secret[:12],
        secret[-12:],
    ]
    shown += [base64.b64encode(f"{user}:{secret}".encode()).decode() for user in ("a", "ab", "abc", "abcd")]
    assert [canaries.found(text) for text in shown] == [["one"]] * len(shown)
    assert canaries.found("nothing of the kind") == []
    assert canaries.found(secret, but=["one"]) == []
