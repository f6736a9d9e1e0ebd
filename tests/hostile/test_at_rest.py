"""Keys and passwords at rest, in memory, and in what estui starts."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

import estui
from estui.act import services
from estui.act.fs import Owner, RealFs
from estui.act.workspace import Workspace
from estui.formats import der, pbes2, pem, secrets
from estui.model.inventory import KeyType
from estui.model.plan import AuthorityRequest
from estui.pki.keys import decrypt_key, encrypt_key, generate_key, public_key_sha256
from estui.secret import Secret

HOME = Path(estui.__file__).parent
PASSPHRASE = Secret("correct horse battery staple")


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077], ids=oct)
def test_a_workspace_is_for_its_owner_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        workspace = Workspace(str(tmp_path), RealFs())
        workspace.create_authority(AuthorityRequest("http", "lab", KeyType.EC_P256, 30), PASSPHRASE)
        workspace.store_secrets({"password:elastic": Secret("x")}, PASSPHRASE)
        RealFs().create(str(tmp_path), "node.key", b"key", 0o640, Owner())
    finally:
        os.umask(before)
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")}
    assert modes.pop("node.key") == 0o640
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if (tmp_path / path).is_file()} == {0o600}


_ASKED_ABOUT_DUMPS = """
import ctypes, resource
from estui.cli.hardening import deny_dumps
resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
before = resource.getrlimit(resource.RLIMIT_CORE)
deny_dumps()
assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0, "PR_GET_DUMPABLE"
assert resource.getrlimit(resource.RLIMIT_CORE) == before, "what estui starts keeps its limits"
try:
    open("/proc/self/mem", "rb")
    print("own")
except PermissionError:
    print("denied")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="prctl is Linux's")
def test_the_process_writes_no_core_and_what_it_starts_is_not_concerned() -> None:
    ran = subprocess.run([sys.executable, "-c", _ASKED_ABOUT_DUMPS], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip() == ("own" if os.geteuid() == 0 else "denied")


def test_the_console_script_denies_dumps_first() -> None:
    run = re.search(r"def run\(\).*", (HOME / "cli" / "main.py").read_text(), re.DOTALL)
    assert run is not None
    assert "deny_dumps()" in run[0].split("sys.exit")[0]


def test_what_is_started_gets_no_variable_that_could_hold_a_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("ESTUI_PASSPHRASE_FILE", "ELASTIC_PASSWORD", "ES_KEYSTORE_PASSPHRASE_FILE", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "hunter2")
    with (tmp_path / "out").open("w+b") as output:
        services._started(("/usr/bin/env",), output).wait(timeout=20)
        output.seek(0)
        told = output.read().decode()
    assert "PATH=" in told
    assert "hunter2" not in told


@pytest.fixture
def current(monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers of the product, which the other tests do without."""
    told = re.search(r"^ROUNDS = ([0-9_]+)$", (HOME / "formats" / "pbes2.py").read_text(), re.MULTILINE)
    assert told is not None
    monkeypatch.setattr(pbes2, "ROUNDS", int(told[1]))
    monkeypatch.setattr(secrets, "DEFAULT_COST", secrets.Cost())


@pytest.mark.usefixtures("current")
def test_ca_keys_are_sealed_with_current_parameters() -> None:
    """OWASP, Password Storage Cheat Sheet: 600,000 rounds of PBKDF2 with HMAC-SHA256."""
    key = generate_key(KeyType.EC_P256)
    content = encrypt_key(key, PASSPHRASE, salt=os.urandom(16), iv=os.urandom(16))
    block = pem.split_pem(content, "ca.key")[0]
    scheme = der.parse_value(block.der).child(0, der.SEQUENCE).child(1, der.SEQUENCE)
    kdf = scheme.child(0, der.SEQUENCE)
    assert kdf.child(1, der.SEQUENCE).child(1, der.INTEGER).integer >= 600_000
    assert kdf.child(1, der.SEQUENCE).child(2, der.SEQUENCE).child(0, der.OID).oid == "1.2.840.113549.2.9"
    assert scheme.child(1, der.SEQUENCE).child(0, der.OID).oid == "2.16.840.1.101.3.4.1.42"
    other = serialization.load_pem_private_key(content, PASSPHRASE.encode())  # openssl's readers take it
    assert isinstance(other, pem.PrivateKey)
    assert public_key_sha256(other) == public_key_sha256(key)


@pytest.mark.usefixtures("current")
def test_stored_passwords_are_sealed_with_current_parameters() -> None:
    """OWASP: scrypt with N=2^15, r=8, p=3, or more."""
    sealed = json.loads(secrets.seal({"a": Secret("b")}, PASSPHRASE, salt=bytes(32), nonce=bytes(12)))["kdf"]
    assert sealed["n"] * sealed["r"] * sealed["p"] >= 2**15 * 8 * 3
    assert sealed["n"] >= 2**15


def test_older_parameters_open_and_are_raised_with_the_next_change(tmp_path: Path, current: None) -> None:
    old = secrets.seal({"a": Secret("b")}, PASSPHRASE, salt=bytes(32), nonce=bytes(12), cost=secrets.Cost(2**12, 8, 1))
    assert secrets.unseal(old, PASSPHRASE, "secrets.json") == {"a": Secret("b")}
    workspace = Workspace(str(tmp_path), RealFs())
    (tmp_path / "secrets.json").write_bytes(old)
    workspace.store_secrets(workspace.secrets(PASSPHRASE), PASSPHRASE)
    assert json.loads((tmp_path / "secrets.json").read_bytes())["kdf"]["p"] == 3
    key = generate_key(KeyType.EC_P256)
    sealed = pem.private_key_pem(key, PASSPHRASE)
    assert public_key_sha256(decrypt_key(sealed, PASSPHRASE, "x")) == public_key_sha256(key)


def test_two_keys_of_one_passphrase_share_nothing_that_can_be_seen() -> None:
    key = generate_key(KeyType.EC_P256)
    bodies = [encrypt_key(key, PASSPHRASE, salt=bytes(16), iv=os.urandom(16)) for _ in range(2)]
    ends = [pem.split_pem(each, "x")[0].der[-64:] for each in bodies]
    assert ends[0] != ends[1]


def test_secrets_are_compared_in_constant_time() -> None:
    """`==` on a digest or a MAC tells by its time how much of it is right."""
    found = [
        f"{path.relative_to(HOME)}:{node.lineno}"
        for path in sorted(HOME.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare) and "reveal()" in ast.unparse(node) and _tells_by_time(node)
    ]
    assert not found
    assert "compare_digest" in (HOME / "secret.py").read_text()
    assert "compare_digest" in (HOME / "formats" / "file_realm.py").read_text()


def _tells_by_time(node: ast.Compare) -> bool:
    """Two secrets, compared by `==`; one against a constant of ours is a question of form."""
    sides = [ast.unparse(each) for each in (node.left, *node.comparators)]
    return any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops) and all("reveal()" in each for each in sides)


def test_a_clipboard_is_never_filled_without_a_word() -> None:
    """Every copy is told in the same function; `passwords show` and the vault have no copying at all."""
    for path in sorted((HOME / "tui").rglob("*.py")):
        for function in ast.walk(ast.parse(path.read_text())):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                text = ast.unparse(function)
                if "copy_to_clipboard" in text:
                    assert "self.tell(" in text, f"{path.name}: {function.name}"
    assert "copy_to_clipboard" not in "".join(path.read_text() for path in (HOME / "cli").rglob("*.py"))


def test_passwords_are_taken_from_no_argument_and_no_variable() -> None:
    """Arguments are in every process list and in the shell's history; options and variables name files."""
    files = [*(HOME / "cli" / "parsers").rglob("*.py"), HOME / "cli" / "session.py"]
    parsers = "".join(path.read_text() for path in files)
    options = set(re.findall(r'"(--[a-z-]*(?:pass|secret|token)[a-z-]*)"', parsers))
    assert options
    for option in options:
        near = parsers[parsers.index(f'"{option}"') :][:260]
        assert option.endswith(("-file", "-out")) or 'metavar="FILE"' in near or "store_true" in near, option
    product = [path for path in HOME.rglob("*.py") if "sandbox" not in path.parts]
    code = "".join(path.read_text() for path in product)
    variables = set(re.findall(r'environ(?:\.get\(|\[)"?([A-Z_a-z]+)', code))
    assert not [name for name in variables if re.search(r"PASSWORD$|SECRET$|TOKEN$|PASSPHRASE$", name)]


def test_no_temporary_file_holds_a_secret() -> None:
    """`tempfile` is for crash reports and bundles without values, copies that were asked for, and sandboxes."""
    users = {
        path.relative_to(HOME).as_posix()
        for path in HOME.rglob("*.py")
        if re.search(r"^(?:from|import) tempfile", path.read_text(), re.MULTILINE)
        or "import tempfile" in path.read_text()
    }
    allowed = {"crash.py", "tui/copies.py", "cli/commands/demo.py", "cli/commands/sandbox.py", "act/services.py"}
    allowed.add("engine/support.py")
    assert {each for each in users if not each.startswith("sandbox/")} <= allowed, users
