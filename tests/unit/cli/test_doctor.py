"""`estui doctor` and `estui probe`: no workspace, no password, nothing written."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from estui.cli.commands.probe import parse_address
from estui.cli.main import main
from estui.errors import UsageError
from estui.model.inventory import Address
from tests.unit.observe.servers import Ca, Leaf, answer, http, refused_address, server, tls

YMLS = Path(__file__).parents[2] / "fixtures" / "yml"
BAD = "node.name: es-1\nxpack.security.enabled: true\nxpack.security.http.ssl.keystore.path: gone.p12\n"


LEFT = "node.name: es-1\ndiscovery.seed_host: 127.0.0.1\n"


@pytest.fixture(scope="module")
def leaf() -> Leaf:
    return Ca.create().issue("localhost")


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A current folder without a workspace, and no home to find one in."""
    empty = tmp_path / "empty"
    empty.mkdir()
    monkeypatch.chdir(empty)
    monkeypatch.setenv("HOME", str(empty))
    monkeypatch.setenv("XDG_DATA_HOME", str(empty / "data"))
    monkeypatch.delenv("ESTUI_WORKSPACE", raising=False)
    yield empty
    assert list(empty.iterdir()) == [], "something was written"


def folder(tmp_path: Path, yml: str = BAD, file: str = "elasticsearch.yml") -> Path:
    made = tmp_path / "config"
    made.mkdir(exist_ok=True)
    (made / file).write_text(yml)
    return made


def digest(root: Path) -> dict[str, tuple[bytes, int]]:
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in root.rglob("*") if path.is_file()}


def test_a_bad_folder_is_told_with_place_effect_and_what_to_do(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = folder(tmp_path)
    before = digest(config)
    assert main(["doctor", "--offline", str(config)]) == 3
    out = capsys.readouterr().out
    assert "fatal    tls-enabled-unset" in out
    assert f"{config}/elasticsearch.yml:3: xpack.security.http.ssl.keystore.path" in out
    assert "happens: 8.0 and later refuse to start" in out
    assert "do: write xpack.security.http.ssl.enabled: true, or false" in out
    assert digest(config) == before


def test_a_stock_folder_is_clean(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = folder(tmp_path, (YMLS / "elasticsearch-9.yml").read_text())
    assert main(["doctor", "--offline", str(config)]) == 0
    assert "notes" in capsys.readouterr().out


def test_json_has_every_finding_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--offline", "--json", str(folder(tmp_path))]) == 3
    told = json.loads(capsys.readouterr().out)
    assert told["targets"] == ["es-1"]
    first = told["findings"][0]
    assert set(first) == {"rule", "severity", "target", "summary", "hint", "where", "effect", "title", "fix"}
    assert first["severity"] == "fatal"


def test_folders_of_kibana_and_beats_are_known_by_their_yml(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kibana, beat = tmp_path / "k", tmp_path / "m"
    for made, name in ((kibana, "kibana"), (beat, "metricbeat")):
        made.mkdir()
        shutil.copy(YMLS / f"{name}.yml", made)
        (made / f"{name}.yml").chmod(0o600)
    assert main(["doctor", "--offline", "--json", str(kibana), str(beat)]) == 0
    assert json.loads(capsys.readouterr().out)["targets"] == ["kibana/k", "beat/m"]


def test_another_products_folder_says_whose_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--offline", str(folder(tmp_path, "", "logstash.yml"))]) == 3
    assert "configuration folder of Logstash" in capsys.readouterr().out


def test_ports_are_asked_unless_told_otherwise(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with server(http(lambda path, request: answer(b"{}"))) as address:
        yml = f"node.name: es-1\nhttp.port: {address.port}\ntransport.port: {refused_address().port}\n"
        tls_on = yml + "xpack.security.http.ssl.enabled: true\n"
        main(["doctor", str(folder(tmp_path, tls_on))])
        assert f"http 127.0.0.1:{address.port} speaks plain text" in capsys.readouterr().out
        main(["doctor", "--offline", str(folder(tmp_path, tls_on))])
        assert "speaks plain text" not in capsys.readouterr().out


def test_a_rule_can_be_explained_and_all_can_be_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--explain", "tls-key-of-another-certificate"]) == 0
    assert "every handshake fails" in capsys.readouterr().out
    assert main(["doctor", "--rules"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("kibana-user-elastic" in line for line in lines)
    assert main(["doctor", "--rules", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == len(lines)


def test_an_unknown_rule_is_a_usage_error_that_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--explain", "tls-file-misssing"]) == 2
    assert "did you mean tls-file-missing?" in capsys.readouterr().err


def test_without_folders_and_workspace_it_says_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor"]) == 2
    assert "hint:" in capsys.readouterr().err


def test_a_probe_shows_the_chain_the_names_and_how_to_ask_by_hand(
    tmp_path: Path, leaf: Leaf, capsys: pytest.CaptureFixture[str]
) -> None:
    with server(tls(leaf.context(tmp_path), lambda connection: None)) as address:
        where = f"localhost:{address.port}"
        assert main(["probe", where, "--timeout", "2"]) == 0
    out = capsys.readouterr().out
    assert f"{where}: TLS" in out
    assert "covers localhost" in out
    assert leaf.facts.sha256 in out
    assert "client certificate: not asked for" in out
    assert f"by hand: openssl s_client -connect {where} -showcerts -servername localhost" in out


def test_a_probe_checks_against_a_given_ca(tmp_path: Path, leaf: Leaf, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "ca.crt").write_bytes(leaf.ca.pem)
    (tmp_path / "other.crt").write_bytes(Ca.create("Other CA").pem)
    with server(tls(leaf.context(tmp_path), lambda connection: None)) as address:
        where = f"localhost:{address.port}"
        assert main(["probe", where, "--ca", str(tmp_path / "ca.crt")]) == 0
        assert f"-CAfile {tmp_path}/ca.crt" in capsys.readouterr().out
        assert main(["probe", where, "--ca", str(tmp_path / "other.crt"), "--json"]) == 3
    (told,) = json.loads(capsys.readouterr().out)
    assert [proof["ok"] for proof in told["proofs"]] == [True, True, True, False]
    assert "unknown certificate authority" in told["proofs"][-1]["evidence"]


def test_a_probe_of_a_closed_port_fails_and_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["probe", str(refused_address())]) == 1
    assert "connection refused" in capsys.readouterr().out


def test_a_probe_of_plain_http_is_a_finding_with_curl_to_ask_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    with server(http(lambda path, request: answer(b"{}"))) as address:
        assert main(["probe", str(address)]) == 3
        assert f"by hand: curl -v http://{address}/" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("es-1:9200", Address("es-1", 9200)),
        ("[fe80::1]:9300", Address("fe80::1", 9300)),
        ("https://es-1:9200/path", Address("es-1", 9200)),
    ],
)
def test_addresses_are_read_as_people_paste_them(text: str, address: Address) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["es-1", "es-1:", ":9200", "es-1:0", "es-1:70000", "es-1:http"])
def test_what_is_no_address_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError):
        parse_address(text)


def test_on_a_workspace_its_inventory_is_looked_at(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace, config = str(tmp_path / "w"), folder(tmp_path)
    assert main(["init", str(config), "--workspace", workspace]) == 0
    capsys.readouterr()
    assert main(["doctor", "--offline", "--json", "--workspace", workspace]) == 3
    told = json.loads(capsys.readouterr().out)
    assert "tls-enabled-unset" in [found["rule"] for found in told["findings"]]
    assert not (tmp_path / "w" / "lock").exists()


# fixes


def workspace(tmp_path: Path, yml: str = LEFT) -> tuple[str, Path]:
    made, config = str(tmp_path / "w"), folder(tmp_path, yml)
    assert main(["init", str(config), "--workspace", made]) == 0
    return made, config


def test_a_finding_names_the_command_that_puts_it_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", "--offline", str(folder(tmp_path, LEFT))]) == 3
    assert "fix: estui doctor --fix setting-unknown@es-1" in capsys.readouterr().out
    assert main(["doctor", "--explain", "setting-unknown"]) == 0
    assert "fix: estui doctor --fix setting-unknown" in capsys.readouterr().out


def test_a_fix_is_shown_before_it_is_made_and_changes_nothing_by_then(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, config = workspace(tmp_path)
    before = digest(config)
    capsys.readouterr()
    fix = ["doctor", "--fix", "setting-unknown@es-1", "--workspace", where, "--offline", "--expect-nodes", "1"]
    assert main([*fix, "--dry-run"]) == 3
    out = capsys.readouterr().out
    assert "- discovery.seed_host: 127.0.0.1" in out
    assert "+ discovery.seed_hosts: 127.0.0.1" in out
    assert main([*fix, "--dry-run", "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["goal"]["fix"] == "setting-unknown"
    assert main(fix) == 2
    assert "--yes" in capsys.readouterr().err
    assert digest(config) == before


def test_nothing_to_fix_is_done_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where, _ = workspace(tmp_path)
    assert main(["doctor", "--fix", "reload-off", "--workspace", where, "--offline"]) == 0
    assert "nothing to do" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--fix", "nonsense"], "there is no rule nonsense"),
        (["--fix", "reload-of@es-1"], "did you mean reload-off?"),
        (["--fix", "reload-off", "keystore-readable"], "one rule at a time"),
        (["--fix", "leaf-expired"], "estui rotate TARGET puts it right"),
        (["--fix", "members-missing"], "estui doctor --explain members-missing"),
        (["--dry-run"], "go with --fix"),
        (["--yes"], "go with --fix"),
        (["--elasticsearch", "9.1"], "goes with folders"),
    ],
)
def test_what_cannot_be_fixed_so_is_a_usage_error_that_says_what_to_do(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where, _ = workspace(tmp_path)
    capsys.readouterr()
    assert main(["doctor", "--offline", "--workspace", where, *arguments]) == 2
    assert words in capsys.readouterr().err


def test_folders_alone_are_not_fixed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(folder(tmp_path, LEFT)), "--offline", "--fix", "setting-unknown"]) == 2
    assert "estui init DIR..." in capsys.readouterr().err


def test_a_release_can_be_stated_for_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = str(folder(tmp_path))
    worst = {}
    for release in ("7.17", "9.1"):
        main(["doctor", "--offline", "--json", "--elasticsearch", release, config])
        found = json.loads(capsys.readouterr().out)["findings"]
        worst[release] = next(each["severity"] for each in found if each["rule"] == "tls-enabled-unset")
    assert worst == {"7.17": "warning", "9.1": "fatal"}
    assert main(["doctor", "--offline", "--elasticsearch", "new", config]) == 2
    assert "such as 7.17" in capsys.readouterr().err


# nothing is written


def test_doctor_and_probe_need_no_home_and_open_no_file_for_writing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As on a read-only mount: whoever tried to write would be refused there."""
    config, opened = folder(tmp_path), os.open

    def reading_only(path: object, flags: int, *given: object, **named: object) -> int:
        assert not flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT), f"{path} is opened for writing"
        return opened(path, flags, *given, **named)  # type: ignore[arg-type]

    def refused(*given: object, **named: object) -> None:
        raise AssertionError(f"writes: {given}")

    monkeypatch.delenv("HOME")
    monkeypatch.delenv("XDG_DATA_HOME")
    monkeypatch.setattr(os, "open", reading_only)
    for name in ("mkdir", "makedirs", "rename", "replace", "unlink", "chmod", "symlink"):
        monkeypatch.setattr(os, name, refused)
    monkeypatch.setattr(Path, "write_bytes", refused)
    monkeypatch.setattr(Path, "write_text", refused)
    assert main(["doctor", "--offline", str(config)]) == 3
    assert main(["probe", str(refused_address())]) == 1
    capsys.readouterr()


def test_a_name_is_looked_up_in_the_workspace_and_refused_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["probe", "es-1"]) == 2
    assert "no HOST:PORT" in capsys.readouterr().err
    where, _ = workspace(tmp_path, f"node.name: es-1\nhttp.port: {refused_address().port}\ntransport.port: 1\n")
    capsys.readouterr()
    assert main(["probe", "es-1", "--workspace", where]) == 1
    out = capsys.readouterr().out
    assert "es-1 http, 127.0.0.1:" in out
    assert "es-1 transport, 127.0.0.1:1: refused" in out
    assert main(["probe", "es-9", "--workspace", where]) == 2
    assert "one of es-1" in capsys.readouterr().err
    assert main(["probe", "es-1", "--ca", "x", "--workspace", where]) == 2
    assert main(["probe", "es-1", "a:1", "--workspace", where]) == 2


def test_targets_of_a_workspace_are_shown_in_json_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    port = refused_address().port
    where, _ = workspace(tmp_path, f"node.name: es-1\nhttp.port: {port}\ntransport.port: 1\n")
    capsys.readouterr()
    assert main(["probe", "--workspace", where, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["target"], each["port"]) for each in told] == [("es-1", "transport"), ("es-1", "http")]
