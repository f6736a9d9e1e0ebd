"""TLS files of realms, remote clusters and exporters."""

from __future__ import annotations

import pytest

from estui.model.observed import Fault, KeystoreFacts, NamedFile, ObservedNode, OnDisk
from tests.unit.decide.findings.builders import Case, check, fire, named, names, node, seen

YML = "xpack.security.authc.realms.ldap.l1.ssl.truststore.path: ldap.p12"


NO_KEYSTORE = KeystoreFacts(present=False)


def realm(file: NamedFile, keystore: KeystoreFacts = NO_KEYSTORE) -> ObservedNode:
    return node(YML, extra=(("realm/ldap/l1", OnDisk(named=(file,))),), keystore=keystore)


GONE = named("truststore.path", "ldap.p12", fault=Fault.MISSING, detail="ldap.p12 does not exist")
LOCKED = named("truststore.path", "ldap.p12", fault=Fault.PASSWORD, detail="ldap.p12: wrong password")
CASES = [
    Case(
        "tls-other-file-unusable",
        seen(realm(GONE)),
        seen(realm(named("truststore.path", "ldap.p12"))),
        "/mnt/es-1/elasticsearch.yml:2: xpack.security.authc.realms.ldap.l1.ssl.truststore.path",
    )
]


@pytest.mark.parametrize("case", CASES, ids=names(CASES))
def test_the_rule_fires_where_it_should_and_only_there(case: Case) -> None:
    check(case)


def test_a_password_that_nobody_could_try_is_not_called_wrong() -> None:
    assert fire("tls-other-file-unusable", seen(realm(LOCKED)))
    closed = KeystoreFacts(present=True, protected=True, opened=False)
    assert fire("tls-other-file-unusable", seen(realm(LOCKED, closed))) == []
