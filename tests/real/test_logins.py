"""Logins and secure settings of a real node: new passwords, Kibana's token and keys, entries and password of the
keystore, each by the public commands and back."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estui.formats.kibana_keystore import ENCRYPTION_KEYS, read_kibana_keystore
from estui.sandbox.cluster import KIBANA
from tests.real.cluster import RealCluster
from tests.real.estui_command import Estui
from tests.unit.sandbox.makers import ask

pytestmark = pytest.mark.real

RUN = ("--yes", "--restart")
BEFORE, AFTER = "open sesame 1", "open sesame 2"
TOKEN = "elasticsearch.serviceAccountToken"
Secured = tuple[RealCluster, Estui]


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """One node with HTTPS whose keystore has a password, and a Kibana with encryption keys."""
    folder = tmp_path_factory.mktemp("logins")
    cluster = RealCluster.create(folder / "cluster", 1, keystore_password=BEFORE, reload="2s")
    try:
        cluster.up()
        cluster.add_kibana()
        estui = Estui(folder / "workspace")
        estui.init(cluster)
        estui.run("apply", "https", "--kibana-keys", *RUN)
        yield cluster, estui
    finally:
        cluster.down()


def login_status(secured: Secured, user: str, password: str) -> int:
    cluster, estui = secured
    context = ssl.create_default_context(cafile=str(estui.authority("http")))
    answer = ask(cluster.nodes[0].http, "/_security/_authenticate", user=f"{user}:{password}", context=context)
    return int(answer.status)


def tokens(secured: Secured) -> list[str]:
    """Names of the tokens that Kibana's account has, as the node tells."""
    cluster, estui = secured
    context = ssl.create_default_context(cafile=str(estui.authority("http")))
    login = f"elastic:{estui.password('elastic')}"
    answer = ask(cluster.nodes[0].http, "/_security/service/elastic/kibana/credential", user=login, context=context)
    return list(answer.body["tokens"])


def entries(secured: Secured) -> dict[str, Any]:
    kibana = secured[0].kibana
    assert kibana is not None
    content = (kibana.config(KIBANA) / "kibana.keystore").read_bytes()
    return dict(read_kibana_keystore(content, None, "kibana.keystore"))


def test_new_passwords_count_and_an_undo_brings_the_old_ones_back(secured: Secured) -> None:
    estui = secured[1]
    old = {user: estui.password(user) for user in ("elastic", "kibana_system")}
    estui.run("passwords", "set", *old, "--length", "32", "--marks", *RUN)
    new = {user: estui.password(user) for user in old}
    assert [len(each) for each in new.values()] == [32, 32]
    assert [login_status(secured, *each) for each in new.items()] == [200, 200]
    assert [login_status(secured, *each) for each in old.items()] == [401, 401]
    assert entries(secured)["elasticsearch.password"] == new["kibana_system"]
    estui.run("rollback", *RUN)
    assert [login_status(secured, *each) for each in old.items()] == [200, 200]


def test_kibana_logs_in_by_a_token_that_an_undo_deletes(secured: Secured) -> None:
    estui = secured[1]
    assert set(ENCRYPTION_KEYS) <= set(entries(secured))
    said = estui.run("apply", "https", "--kibana-token", *RUN)
    assert "its service token is let in by es-1: as elastic/kibana" in said.talk
    assert len(tokens(secured)) == 1
    assert TOKEN in entries(secured)
    assert "elasticsearch.password" not in entries(secured)
    assert estui.json("verify")["ok"]
    estui.run("rollback", *RUN)
    assert tokens(secured) == []
    assert estui.json("verify")["ok"]


def test_an_entry_is_set_and_the_keystore_gets_another_password(secured: Secured, tmp_path: Path) -> None:
    """The node is started anew with each; the service is told the new password before its start."""
    estui = secured[1]
    value = tmp_path / "value"
    value.write_text("boot-strap-1")
    estui.run("secure-settings", "set", "bootstrap.password", "--value-file", str(value), *RUN)
    (new := tmp_path / "new").write_text(AFTER)
    estui.run("secure-settings", "password", "--new-password-file", str(new), "--yes", code=3)
    told = estui.workspace / "keystore-password"
    told.write_text(AFTER)
    estui.run("runbook", "resume", "--restart")
    assert estui.json("verify")["ok"]
    names = [entry["name"] for entry in estui.json("secure-settings", "list")["entries"]]
    assert "bootstrap.password" in names
    estui.run("rollback", "--yes", code=3)
    told.write_text(BEFORE)
    estui.run("runbook", "resume", "--restart")
    estui.run("rollback", *RUN)
    assert estui.json("verify")["ok"]
    assert all(entry["name"] != "bootstrap.password" for entry in estui.json("secure-settings", "list")["entries"])
