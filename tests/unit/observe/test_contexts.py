"""TLS contexts beside the two layers: found whatever they belong to, and counted only where they are used."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.formats.yml import parse_settings
from estui.model.observed import Fault
from estui.observe.contexts import context_name, other_contexts
from estui.secret import Secret
from tests.unit.observe.servers import Leaf
from tests.unit.observe.test_folder import STORES, config, look, secure

EVERYTHING = """
xpack.security.transport.ssl: {enabled: true, certificate: t.crt, key: t.key}
xpack.security.http.ssl.certificate: h.crt
remote_cluster_server.enabled: true
xpack.security.remote_cluster_server.ssl: {certificate: rs.crt, key: rs.key}
xpack.security.remote_cluster_client.ssl.certificate_authorities: [rc.crt]
transport.profiles.client.xpack.security.ssl: {certificate: p.crt, key: p.key}
xpack.security.authc.realms.ldap.ldap1: {order: 1, ssl.certificate_authorities: l.crt}
xpack.security.authc.realms.pki.pki1: {order: 2, certificate_authorities: [k.crt]}
xpack.security.authc.realms.saml.saml1:
  order: 3
  signing: {certificate: s.crt, key: s.key}
  encryption.keystore.path: e.p12
xpack.monitoring.exporters.elsewhere: {type: http, ssl.truststore.path: m.p12}
xpack.http.ssl.certificate_authorities: w.crt
xpack.notification.email.ssl.certificate_authorities: n.crt
reindex.ssl.certificate_authorities: r.crt
node.attr.certificate: no-file
"""


def names(yml: str) -> dict[str, bool]:
    return {name: files.enabled for name, files in other_contexts(parse_settings(yml.encode(), "yml"), {}).items()}


def test_every_context_but_the_layers_is_found_under_its_own_name() -> None:
    assert names(EVERYTHING) == dict.fromkeys(
        [
            "remote_cluster_server",
            "remote_cluster_client",
            "profile/client",
            "realm/ldap/ldap1",
            "realm/pki/pki1",
            "realm/saml/saml1.signing",
            "realm/saml/saml1.encryption",
            "exporter/elsewhere",
            "xpack.http",
            "email",
            "reindex",
        ],
        True,
    )


@pytest.mark.parametrize(
    ("off", "name"),
    [
        ("remote_cluster_server.enabled: false", "remote_cluster_server"),
        ("xpack.security.remote_cluster_client.ssl.enabled: false", "remote_cluster_client"),
        ("xpack.security.transport.ssl.enabled: false", "profile/client"),
        ("xpack.security.authc.realms.ldap.ldap1.enabled: false", "realm/ldap/ldap1"),
        ("xpack.security.authc.realms.pki.pki1.enabled: false", "realm/pki/pki1"),
        ("xpack.security.authc.realms.saml.saml1.enabled: false", "realm/saml/saml1.signing"),
        ("xpack.monitoring.exporters.elsewhere.enabled: false", "exporter/elsewhere"),
        ("xpack.security.enabled: false", "realm/pki/pki1"),
    ],
)
def test_a_context_that_is_switched_off_is_not_used(off: str, name: str) -> None:
    key, _, value = off.partition(": ")
    lines = [line for line in EVERYTHING.splitlines() if not line.startswith(f"{key}:")]
    lines = [line.replace("{enabled: true, ", "{") if key.endswith("transport.ssl.enabled") else line for line in lines]
    found = names("\n".join([*lines, f"{key}: {value}"]))
    assert found[name] is False
    assert found["xpack.http"] is True, "Watcher's client needs no security"


def test_a_prefix_of_a_later_release_is_called_by_its_own_words() -> None:
    assert context_name("xpack.inference.elastic.http.ssl") == "xpack.inference.elastic.http"


def test_files_of_other_contexts_are_read_like_those_of_the_layers(tmp_path: Path, leaf: Leaf) -> None:
    """Trusted CAs of a realm, a store with its secure password, and what cannot be opened."""
    yml = (
        "xpack.security.authc.realms.ldap.one.ssl.certificate_authorities: [certs/ca.pem]\n"
        "xpack.http.ssl.keystore.path: store.p12\n"
        "xpack.monitoring.exporters.two.ssl.keystore.path: store.p12\n"
    )
    keystore = secure({"xpack.http.ssl.keystore.secure_password": "node-pass"})
    folder = config(tmp_path, yml, elasticsearch__keystore=keystore)
    (folder / "certs").mkdir()
    (folder / "certs" / "ca.pem").write_bytes(leaf.ca.pem)
    (folder / "store.p12").write_bytes((STORES / "certutil" / "elastic-certificates.p12").read_bytes())
    found = dict(look(folder).extra)
    assert [facts.subject for facts in found["realm/ldap/one"].trusted] == [leaf.ca.facts.subject]
    assert found["xpack.http"].leaf is not None
    assert found["exporter/two"].named[0].fault is Fault.PASSWORD


def test_secrets_of_a_context_are_those_of_its_own_prefix() -> None:
    settings = parse_settings(b"xpack.http.ssl.keystore.path: a.p12\n", "yml")
    secrets = {"xpack.http.ssl.keystore.secure_password": Secret("one"), "reindex.ssl.keystore.password": Secret("no")}
    assert other_contexts(settings, secrets)["xpack.http"].keystore_password == Secret("one")
