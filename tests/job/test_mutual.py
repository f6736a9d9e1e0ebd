"""Mutual TLS on HTTP by the public commands on a sandbox cluster: optional, required and back, and nobody falls out."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from estui.sandbox.cluster import METRICBEAT
from tests.job.conftest import Bastion, Maker
from tests.waiting import until

RUN = ("--yes", "--restart")


def _context(here: Bastion, certificate: Path | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(here.workspace / "ca" / "http" / "ca.crt"))
    if certificate:
        key = certificate if certificate.suffix == ".pem" else certificate.with_suffix(".key")
        context.load_cert_chain(certificate, key)
    return context


def _ask(here: Bastion, path: str = "/", certificate: Path | None = None, node: str = "es-1") -> int:
    """HTTP status of a request without a password; raises OSError where the handshake is refused."""
    url = f"https://127.0.0.1:{_port(here, node)}{path}"
    try:
        with urllib.request.urlopen(url, context=_context(here, certificate), timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def _whoami(here: Bastion, certificate: Path) -> dict[str, object]:
    url = f"https://127.0.0.1:{_port(here, 'es-1')}/_security/_authenticate"
    with urllib.request.urlopen(url, context=_context(here, certificate), timeout=5) as answer:
        found = json.loads(answer.read())
    assert isinstance(found, dict)
    return found


def _port(here: Bastion, node: str) -> int:
    yml = (here.sandbox.config(node) / "elasticsearch.yml").read_text()
    return int(next(line.partition(":")[2] for line in yml.splitlines() if line.startswith("http.port")))


@contextmanager
def _clients_go_on(here: Bastion) -> Iterator[None]:
    """No handshake of the Metricbeat or of Kibana is refused while it lasts; that a node is restarted they may see."""
    logs = [here.sandbox.log(METRICBEAT), here.sandbox.log("kibana")]
    begins = [len(log.read_text()) for log in logs]
    yield
    for log, begin in zip(logs, begins, strict=True):
        said = log.read_text()[begin:]
        assert not [line for line in said.splitlines() if any(word in line for word in ("tls:", "x509", "SSL"))]


def _sends(here: Bastion) -> bool:
    lines = [line for line in here.sandbox.log(METRICBEAT).read_text().splitlines() if "backoff(" in line]
    return bool(lines) and "established" in lines[-1]


def _superuser(here: Bastion, method: str, path: str) -> None:
    """A request of the operator's own, beside estui."""
    here.estui("passwords", "show", "elastic", "--to", str(here.workspace / "elastic"))
    password = (here.workspace / "elastic").read_text().strip()
    (here.workspace / "elastic").unlink()
    token = base64.b64encode(f"elastic:{password}".encode()).decode()
    url = f"https://127.0.0.1:{_port(here, 'es-1')}{path}"
    request = urllib.request.Request(url, method=method, headers={"Authorization": f"Basic {token}"})
    with urllib.request.urlopen(request, context=_context(here), timeout=5) as answer:
        assert answer.status == 200


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [1, 3])
def test_optional_required_and_back_while_kibana_and_the_beat_go_on(bastion: Maker, nodes: int) -> None:
    """The demand waits until everybody has a certificate and everybody else is ticked; undone, all is as before."""
    here = bastion(nodes, beat=True)
    here.estui("apply", "https", *RUN)
    before = here.tree()
    refused = here.json("plan", "mutual", "--required", expect=1)
    assert "kibana/kibana has no client certificate yet" in "\n".join(refused["reasons"])
    with _clients_go_on(here):
        here.estui("apply", "mutual", *RUN)
        assert "a certificate is asked for, and not demanded" in here.err
        assert _ask(here) == 401, "who has none goes on as before"
        assert "nothing to do" in here.estui("plan", "mutual")
        assert "not ticked" in "\n".join(here.json("plan", "mutual", "--required", expect=1)["reasons"])
        here.estui("client", "connected", expect=3)
        here.estui("client", "tick", "--all")
        optional = here.tree()
        here.estui("apply", "mutual", "--required", *RUN)
        assert here.err.count("a handshake without a certificate is refused") >= nodes
        with pytest.raises(OSError, match=r"(?i)certificate"):
            _ask(here)
        here.estui("status")
        here.estui("rotate", "--all", "--layer", "client", *RUN)
        here.estui("history", "report")
        verdict = here.json("verify")
        proofs = {(each["target"], each["claim"]) for each in verdict["proofs"]}
        assert ("kibana/kibana", f"its certificate is let through by es-{nodes}") in proofs
        until(lambda: _sends(here), 30)
        here.estui("rollback", *RUN)
        here.estui("rollback", *RUN)
        assert here.tree() == optional
        here.estui("rollback", *RUN)
    until(lambda: _sends(here), 30)
    assert here.tree() == before
    assert here.leftovers() == []


@pytest.mark.slow
def test_people_log_in_by_certificate(bastion: Maker, tmp_path: Path) -> None:
    """Only with a licence for it; their roles follow without a restart, and end with the realm."""
    here = bastion(1, kibana=False)
    here.estui("apply", "https", *RUN)
    assert "leave out --pki" in "\n".join(here.json("plan", "mutual", "--pki", expect=1)["reasons"])
    _superuser(here, "POST", "/_license/start_trial?acknowledge=true")
    here.estui("ca", "create", "client")
    files = here.json("client", "new", "alice", "--to", str(tmp_path / "alice"), "--role", "viewer")["files"]
    assert [Path(file).stat().st_mode & 0o777 for file in files] == [0o600, 0o600]
    here.estui("apply", "mutual", "--pki", *RUN)
    alice = tmp_path / "alice" / "alice.crt"
    found = _whoami(here, alice)
    assert (found["username"], found["roles"]) == ("alice", ["viewer"])
    own = _whoami(here, here.workspace / "clients" / "estui.pem")
    assert own["username"] == "estui"
    assert isinstance(own["roles"], list)
    (mark,) = own["roles"]
    assert mark.startswith("estui-mapping-"), "it gives no rights by itself"
    here.estui("client", "new", "alice", "--to", str(tmp_path / "again"), "--role", "monitoring_user", "--renew")
    assert "no restart needed" in here.estui("plan", "mutual", expect=3)
    here.estui("apply", "mutual", *RUN)
    assert "es-1: has loaded who has which role" in here.err
    assert _whoami(here, alice)["roles"] == ["monitoring_user"], "the gate waited until the node had loaded it"
    here.estui("client", "remove", "alice")
    here.estui("apply", "mutual", "--off", *RUN)
    assert _ask(here, certificate=alice) == 401
    assert here.json("verify")["ok"]
    assert "nothing to do" in here.estui("plan", "mutual", "--off")
    assert "nothing to do" in here.estui("plan", "https")
