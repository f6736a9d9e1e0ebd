"""Every test of this folder runs twice: against the sandbox, and, where it can be started, against Elasticsearch."""

from __future__ import annotations

import ssl
from collections.abc import Iterator

import pytest

from estui.formats.file_realm import pbkdf2_hash
from estui.secret import Secret
from tests.contract import folders
from tests.contract.club import Club, found
from tests.contract.labs import Lab, LabNode, RealLab, SandboxLab
from tests.real.jdk import missing
from tests.unit.sandbox.makers import Pair, ask, client, keystore, make_ca, make_leaf
from tests.waiting import until

ELASTIC = "elastic:changeme"
ADMIN = "admin:admin-pass"
BOOTSTRAP = {"bootstrap.password": "changeme"}


@pytest.fixture(scope="package", params=["sandbox", pytest.param("real", marks=pytest.mark.real)])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if request.param == "real" and missing():
        pytest.skip(missing())
    found: Lab = SandboxLab() if request.param == "sandbox" else RealLab(tmp_path_factory.mktemp("real"))
    yield found
    found.close()


@pytest.fixture(scope="package")
def ca() -> Pair:
    return make_ca()


@pytest.fixture(scope="package")
def other_ca() -> Pair:
    return make_ca("Other CA")


def _users() -> dict[str, bytes]:
    hashed = pbkdf2_hash(Secret("admin-pass"), bytes(32), 1000)
    return {"users": f"admin:{hashed}\n".encode(), "users_roles": b"superuser:admin\n"}


@pytest.fixture(scope="package")
def secured(lab: Lab, ca: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """One node with TLS on both ports: transport from PEM files, HTTP from a PKCS#12 file.

    Its keystore has format 4 and no seed: `test_start.py` looks at what became of it.
    """
    settings = folders.base("n1", **{"discovery.type": "single-node"})
    settings |= folders.pem_layer("transport") | folders.store_layer("http")
    secrets = {**BOOTSTRAP, "xpack.security.http.ssl.keystore.secure_password": folders.STORE_PASSWORD}
    files = {"elasticsearch.keystore": keystore(secrets, seed=""), **_users()}
    config = folders.write(tmp_path_factory.mktemp("secured"), settings, files)
    folders.publish(config, "transport", folders.pem_set(make_leaf(ca, "n1"), ca))
    folders.publish(config, "http", folders.store_set(make_leaf(ca, "n1"), ca))
    yield from _running(lab.node(config), client(ca))


@pytest.fixture(scope="package")
def plain(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """One node with security and without TLS."""
    settings = folders.base("n1", **{"discovery.type": "single-node"})
    files = {"elasticsearch.keystore": keystore(BOOTSTRAP), **_users()}
    yield from _running(lab.node(folders.write(tmp_path_factory.mktemp("plain"), settings, files)), None)


@pytest.fixture(scope="package")
def unsecured(lab: Lab, ca: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabNode]:
    """One node without security, and without a keystore at its first start."""
    settings = folders.base("n1", **{"discovery.type": "single-node", "xpack.security.enabled": False})
    node = lab.node(folders.write(tmp_path_factory.mktemp("unsecured"), settings, {}))
    node.start()
    node.wait()
    yield node
    node.stop()


@pytest.fixture(scope="package")
def club(lab: Lab, ca: Pair, other_ca: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Club]:
    """A cluster, and those who would like to be members of it."""
    files = {"elasticsearch.keystore": keystore(BOOTSTRAP), **_users()}
    members = found(lab, tmp_path_factory.mktemp("club"), ca, other_ca, files)
    yield members
    members.stop()


def _running(node: LabNode, context: ssl.SSLContext | None) -> Iterator[LabNode]:
    """A started node, once the right password is let in: for a moment after the first start it is not."""
    node.start()
    try:
        node.wait()
        until(lambda: ask(node.http, user=ELASTIC, context=context).status == 200, 30)
        yield node
    finally:
        node.stop()
