"""Kibana by the public commands: a service account token in place of a password, encryption keys, several instances."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from pathlib import Path

import pytest

from estui.formats.kibana_keystore import ENCRYPTION_KEYS, read_kibana_keystore
from tests.job.conftest import Bastion, Maker

APPLY = ("apply", "--yes", "--restart")
TOKEN = "elasticsearch.serviceAccountToken"


def _entries(here: Bastion, name: str = "kibana") -> dict[str, object]:
    content = (here.sandbox.config(name) / "kibana.keystore").read_bytes()
    return dict(read_kibana_keystore(content, None, "kibana.keystore"))


def _tokens(here: Bastion, folder: Path) -> list[str]:
    """Names of the tokens that Kibana's account has."""
    file = folder / f"elastic-{len(list(folder.glob('elastic-*')))}"
    here.estui("passwords", "show", "elastic", "--to", str(file))
    login = base64.b64encode(f"elastic:{file.read_text().strip()}".encode()).decode()
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(
        "127.0.0.1", here.sandbox.ports["es-1"]["http"], timeout=10, context=context
    )
    path = "/_security/service/elastic/kibana/credential"
    connection.request("GET", path, headers={"Authorization": f"Basic {login}"})
    body = json.loads(connection.getresponse().read())
    connection.close()
    return list(body["tokens"])


def _who(here: Bastion, token: str) -> tuple[int, str]:
    """Status, and whom a node takes the holder of a token for."""
    context = ssl._create_unverified_context()
    port = here.sandbox.ports["es-1"]["http"]
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
    connection.request("GET", "/_security/_authenticate", headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body.get("username", "")


@pytest.mark.slow
def test_kibana_gets_a_token_in_place_of_its_password_and_an_undo_deletes_it(bastion: Maker, tmp_path: Path) -> None:
    """Made through the API, kept in the keystore only, proven on every node; undone, the password counts again."""
    here = bastion(2)
    here.estui("plan", "https", "--kibana-token", expect=1)
    assert "speak plain HTTP" in here.err
    here.estui(*APPLY, "https", "--kibana-keys")
    keys = {name: _entries(here)[name] for name in ENCRYPTION_KEYS}
    assert len(set(keys.values())) == 3
    before = here.tree()
    here.estui("plan", "https", "--kibana-token", expect=3)
    assert "of elastic/kibana  (secret, new)" in here.out
    assert "elasticsearch.password  (secret, removed)" in here.out
    # a run that waits for a person has made it already; taken back, nothing of it is left
    here.estui("apply", "https", "--kibana-token", "--yes", expect=3)
    assert len(_tokens(here, tmp_path)) == 1
    here.estui("rollback", "--yes")
    assert _tokens(here, tmp_path) == []
    assert here.tree() == before
    here.estui(*APPLY, "https", "--kibana-token")
    assert "kibana/kibana: its service token is let in by es-2: as elastic/kibana" in here.err
    found = _entries(here)
    assert "elasticsearch.password" not in found
    assert "\nelasticsearch.username" not in (here.sandbox.config("kibana") / "kibana.yml").read_text()
    assert {name: found[name] for name in ENCRYPTION_KEYS} == keys
    token = str(found[TOKEN])
    assert _who(here, token) == (200, "elastic/kibana")
    assert here.json("verify")["ok"]
    here.estui("plan", "https", "--kibana-token", "--kibana-keys")
    here.estui("rollback", "--yes", "--restart")
    assert here.tree() == before
    assert _who(here, token)[0] == 401
    assert here.json("verify")["ok"]
    here.estui("rollback", here.json("history")[-1]["id"], "--yes", "--restart", expect=2)
    assert "deleted a login" in here.err


@pytest.mark.slow
def test_two_instances_get_everything_together_and_equal_keys(bastion: Maker) -> None:
    """One of them has an encryption key already: it stays, and the other one gets the same."""
    here = bastion(2, kibana=2)
    mine = "k" * 40
    with (here.sandbox.config("kibana-2") / "kibana.yml").open("a") as yml:
        yml.write(f"{ENCRYPTION_KEYS[0]}: {mine}\n")
    here.estui(*APPLY, "https", "--kibana-keys")
    one, two = _entries(here), _entries(here, "kibana-2")
    assert one[ENCRYPTION_KEYS[0]] == mine
    assert ENCRYPTION_KEYS[0] not in two
    assert {name: one[name] for name in ENCRYPTION_KEYS[1:]} == {name: two[name] for name in ENCRYPTION_KEYS[1:]}
    assert one["elasticsearch.password"] == two["elasticsearch.password"]
    for name in ("kibana", "kibana-2"):
        for node in ("es-1", "es-2"):
            assert f"kibana/{name}: would accept {node}" in here.err
        assert f"kibana/{name}: its status over HTTPS" in here.err
    assert mine not in here.out + here.err
    here.estui("passwords", "set", "kibana_system", "--yes", "--restart")
    assert _entries(here)["elasticsearch.password"] == _entries(here, "kibana-2")["elasticsearch.password"]
    assert _entries(here)["elasticsearch.password"] != one["elasticsearch.password"]
    here.estui(*APPLY, "https", "--kibana-token", "--only", "kibana/kibana-2", "es-1", "es-2")
    assert "elasticsearch.serviceAccountToken" in _entries(here, "kibana-2")
    assert "elasticsearch.serviceAccountToken" not in _entries(here)
    here.estui(*APPLY, "https", "--kibana-token")
    assert (
        _entries(here)["elasticsearch.serviceAccountToken"]
        != _entries(here, "kibana-2")["elasticsearch.serviceAccountToken"]
    )
    assert here.json("verify")["ok"]
