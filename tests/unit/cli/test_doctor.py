"""`estui doctor` and `estui probe`: no workspace, no password, nothing written."""

from __future__ import annotations

import json
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
    assert set(first) == {"rule", "severity", "target", "summary", "hint", "where", "effect", "title"}
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
