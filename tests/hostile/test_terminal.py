"""One hostile text through every output: nothing in it acts on a terminal, fakes a line of ours, or is markup."""

from __future__ import annotations

import json
import re
import shlex
import ssl
import subprocess
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from estui.cli.output import say, show, tell_error
from estui.decide.log_fragments import meanings
from estui.errors import EstuiError, Location
from estui.formats.jks import convert_command
from estui.formats.pem import certificate_pem, private_key_pem, tolerating_odd_certificates
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address, Layer
from estui.model.observed import AuthorityFacts, OnDisk, PortState, Served
from estui.observe.probe import probe
from estui.present.document import Facts, Heading, Listing, Paragraph, Quoted, Table, document_markdown
from estui.present.escapes import MOST_MARKS, escaped
from estui.present.lines import Kind, Line
from estui.tui.copies import Copy, curl_command, target_copies
from tests.tui.builders import certificate, hostile
from tests.tui.driver import at_the_screen
from tests.tui.fake_engine import FakeEngine
from tests.unit.cli.conftest import Shell, shell  # noqa: F401 - the fixture
from tests.unit.observe.servers import answer, http, server, tls

PILE = "e" + "\u0301\u0334" * 30
HOSTILE = (
    "\x1b[2J\x1b]0;t\x07\x9b31m\u202eback\u2066\u200b\ufeff\U000e0041[red]x[/] [@click=app.quit]y[/]"
    f"\n\rFAKE\t{PILE}\x7f"
)
"""An escape sequence, a title, a bell, a C1 control; an override, an isolate, nothing to be seen, a tag; markup and a
link that quits; a line of its own; a pile of marks; delete."""
YML_TEXT = '"' + "".join(f"\\U{ord(each):08x}" for each in HOSTILE) + '"'


def check(shown: str) -> None:
    """Fails on whatever a terminal would act on; line ends are ours."""
    for line in shown.splitlines() + shown.split("\n"):
        acting = [each for each in line if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
        assert not acting, f"{acting!r} in {line!r}"
        assert not re.search(rf"[\u0300-\u036f]{{{MOST_MARKS + 1}}}", line), "a pile of marks"
        assert not line.lstrip().startswith("FAKE"), line


def test_the_hostile_text_is_hostile() -> None:
    with pytest.raises(AssertionError):
        check(HOSTILE)
    check(escaped(HOSTILE))
    assert escaped(escaped(HOSTILE)) == escaped(HOSTILE)


@pytest.mark.parametrize("text", ["Zürich", "שָׁלוֹם", "สวัสดี", "Việt Nam", "日本語", "e\u0301\u0323\u0302"])
def test_texts_of_every_script_stay_as_they_are(text: str) -> None:
    assert escaped(text) == text


def leaf(name: str) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    """A self-signed certificate whose subject and SANs are out to do harm."""
    key = ec.generate_private_key(ec.SECP256R1())
    with tolerating_odd_certificates():
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name, _validate=False)])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    made = made.serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=9))
    names = x509.SubjectAlternativeName([x509.DNSName(name.encode("ascii", "ignore").decode()), x509.DNSName("es-1")])
    return made.add_extension(names, critical=False).sign(key, hashes.SHA256()), key


@pytest.fixture
def served(tmp_path: Path) -> ssl.SSLContext:
    made, key = leaf(HOSTILE)
    (tmp_path / "pem").write_bytes(certificate_pem(made) + private_key_pem(key))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "pem")
    return context


BODY = json.dumps(
    {
        "name": HOSTILE,
        "cluster_name": HOSTILE,
        "cluster_uuid": HOSTILE,
        "version": {"number": "9.1.0", "build_type": HOSTILE},
        "error": {"type": HOSTILE, "reason": HOSTILE},
        "nodes": {HOSTILE: {"name": HOSTILE, "version": "9.1.0", "roles": [HOSTILE]}},
        "status": HOSTILE,
    }
).encode()
COMMANDS = (
    ("status",),
    ("status", "--evidence"),
    ("doctor",),
    ("adopt",),
    ("plan", "minimal"),
    ("plan", "https"),
    ("plan", "https", "--runbook", "markdown"),
    ("plan", "https", "--runbook", "text"),
    ("watch",),
    ("watch", "--format", "nagios"),
    ("watch", "--format", "prometheus"),
    ("history",),
    ("ca", "list"),
    ("secure-settings", "list"),
    ("runbook", "show"),
    ("verify",),
)


@pytest.fixture
def hostile_cluster(shell: Shell, served: ssl.SSLContext) -> Shell:  # noqa: F811
    """A folder whose name, files and settings are hostile, and a node behind it whose port is."""
    folder = shell.home / "es-\x1b[31m[red]\u202e1"
    (folder / "certs").mkdir(parents=True)
    made, key = leaf(HOSTILE)
    name = "n\x1b[2J\u202e[red].crt"
    (folder / "certs" / name).write_bytes(certificate_pem(made))
    (folder / "certs" / "n.key").write_bytes(private_key_pem(key))
    (folder / "elasticsearch.yml").write_text(
        f"cluster.name: {YML_TEXT}\nnode.name: {YML_TEXT}\nnode.attr.rack: {YML_TEXT}\nunknown.{'x' * 9}: {YML_TEXT}\n"
        "xpack.security.http.ssl:\n  enabled: true\n  key: certs/n.key\n"
        '  certificate: "certs/n\\e[2J\\u202e[red].crt"\n'
        f"  certificate_authorities: [{YML_TEXT}]\n"
    )
    assert shell.run("init", str(folder)) in (0, 3), shell.err
    check(shell.out + shell.err)
    return shell


def test_every_reading_command_shows_hostile_text_escaped(
    hostile_cluster: Shell, served: ssl.SSLContext, capsys: pytest.CaptureFixture[str]
) -> None:
    inventory = hostile_cluster.workspace / "estui.yaml"
    with server(tls(served, http(lambda path, request: answer(BODY, f"200 {HOSTILE[:9]!r}")))) as address:
        text = inventory.read_text()
        inventory.write_text(re.sub(r"(?m)^( *)(- config: .*)$", rf"\1\2\n\1  http: {address}", text, count=1))
        seen = 0
        for command in (*COMMANDS, ("probe", str(address)), ("doctor", str(next(hostile_cluster.home.glob("es-*"))))):
            hostile_cluster.run(*command)
            check(hostile_cluster.out + hostile_cluster.err)
            seen += "\\x1b" in hostile_cluster.out + hostile_cluster.err
            if "internal error" in hostile_cluster.err:
                raise AssertionError(f"{command}: {hostile_cluster.err}")
    assert seen >= 5, "the hostile text was hardly shown at all"


@pytest.mark.parametrize("command", [("status", "--json"), ("doctor", "--json"), ("adopt", "--json")])
def test_json_is_ascii(hostile_cluster: Shell, command: tuple[str, ...]) -> None:
    hostile_cluster.run(*command)
    assert hostile_cluster.out.isascii()
    check(hostile_cluster.out)
    json.loads(hostile_cluster.out)


def test_what_leaves_a_command_is_escaped_wherever_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    """The last place before the terminal, for what no presentation has thought of."""
    show([Line(kind, HOSTILE) for kind in Kind])
    say(HOSTILE.replace("\n\r", ""))
    tell_error(EstuiError(HOSTILE.replace("\n\r", ""), location=Location(HOSTILE.replace("\n\r", ""))), as_json=False)
    out, err = capsys.readouterr()
    check(out + err)
    assert out.count("\\x1b[2J") == len(Kind)


def test_errors_that_quote_a_hostile_name_stay_lines(shell: Shell) -> None:  # noqa: F811
    for command in (["probe", "\x1b[2J:9200"], ["status", "--password-file", "\x1b[2J"], ["doctor", "/\x1b[2J\u202e"]):
        shell.run(*command)
        check(shell.out + shell.err)


def test_markdown_of_run_books_and_reports_takes_hostile_text_for_text() -> None:
    shown = document_markdown(
        [
            Heading(HOSTILE, 2),
            Paragraph(HOSTILE, Kind.WARN),
            Facts((("name", HOSTILE),)),
            Table(("a", "b"), ((HOSTILE, "<script>"), ("|", "`"))),
            Listing((HOSTILE, "# no heading")),
            Quoted((Line(Kind.TEXT, "```"), Line(Kind.TEXT, HOSTILE)), "sh"),
        ]
    )
    check(shown)
    outside_of_fences = re.sub(r"(?s)````.*?````", "", shown)
    assert "[red]" not in outside_of_fences
    assert "<script>" not in outside_of_fences


def test_log_lines_of_a_node_are_shown_escaped() -> None:
    told = f"[2026-11-25T01:02:03,004][ERROR][x] [n] fatal exception while booting {HOSTILE}\njava.x: {HOSTILE}"
    for meaning in meanings(told.split("\n")):
        check(meaning.words)


def test_a_hostile_http_body_and_chain_are_told_in_printable_words(served: ssl.SSLContext) -> None:
    with server(tls(served, http(lambda path, request: answer(BODY)))) as address:
        check(probe(address, timeout_s=3.0).detail)


def test_copied_commands_are_quoted_for_the_shell_and_cannot_act_when_they_are_pasted() -> None:
    address = Address(f"es-1$(touch /tmp/x);`id`'\"{HOSTILE}", 9200)
    plain = Address("a", 1)
    for command, harmless in (
        (curl_command(address, tls=True), curl_command(plain, tls=True)),
        (convert_command(f"/etc/{HOSTILE}.jks"), convert_command("a.jks")),
    ):
        check(Copy("command", command).value)
        assert len(shlex.split(command)) == len(shlex.split(harmless))
    quoted = shlex.split(curl_command(address, tls=False))[-1]
    assert quoted == f"http://{address}/"
    ran = subprocess.run(["/bin/sh", "-c", f"printf %s {shlex.quote(str(address))}"], capture_output=True, check=True)
    assert ran.stdout.decode() == str(address)
    observed = hostile()
    for thing in observed.things:
        for copy in target_copies(observed, thing.target):
            check(copy.value)


def facts() -> CertificateFacts:
    return replace(certificate("x", 30), subject=HOSTILE, issuer=HOSTILE, dns_names=(HOSTILE,))


async def test_the_tui_shows_hostile_text_escaped_in_every_pane_and_view() -> None:
    observed = hostile()
    disk = OnDisk(enabled=True, chain=(facts(),), problem=HOSTILE)
    ports = {layer: Served(Address("127.0.0.1", 9200), PortState.TLS, HOSTILE, chain=(facts(),)) for layer in Layer}
    node = replace(observed.nodes[0], name=HOSTILE, disk=dict.fromkeys(Layer, disk), served=ports)
    observed = replace(observed, nodes=(node,), authorities=(AuthorityFacts(HOSTILE, facts(), True),))
    async with at_the_screen(FakeEngine(observed), size=(160, 50)) as user:
        check(user.screen)
        for pane in ("pane.1", "pane.2", "pane.3"):
            await user.do(pane)
            check(user.screen)
        for view in ("certificates", "findings", "history"):
            await user.open(view)
            check(user.screen)
            await user.press("escape")
        user.app.notify(EstuiError(escaped(HOSTILE)).summary, markup=False)
        await user.pilot.pause()
        check(user.screen)
        assert user.app.is_running, "no link of a name quits"
    assert "\\x1b[2J" in escaped(HOSTILE)
