"""Rules about built-in users and logins, as the cluster tells them to somebody who may ask."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.findings.kibana import USERNAME
from estui.decide.findings.rule import Facts, Hit, Text, about_cluster, about_node
from estui.decide.findings.view import at, at_beat, at_kibana, listed, realms
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import ObservedNode, PortState

_TOLD_BY_INDEX = "documents reserved-user-NAME of the security index"


def users_of_clients(facts: Facts) -> dict[str, tuple[str, str]]:
    """Users that Kibana and Beats log in with: each with one of those who do, and where that is written."""
    found: dict[str, tuple[str, str]] = {}
    for kibana in facts.kibana:
        name = kibana.setting(USERNAME)
        if name:
            found.setdefault(name, (kibana.target, at_kibana(kibana, USERNAME)))
    for beat in facts.beats:
        for key in beat.settings:
            if key.endswith(".username"):
                found.setdefault(beat.setting(key) or "", (beat.target, at_beat(beat, key)))
        for path, settings in beat.modules.items():
            for key, setting in settings.items():
                if key.endswith(".username"):
                    where = f"{beat.entry.config.rstrip('/')}/{path}:{setting.line}: {key}"
                    found.setdefault(setting.text, (beat.target, where))
    return found


def _witness(facts: Facts) -> ObservedNode | None:
    """A node that told who has a password."""
    return next((node for node in facts.observed.nodes if node.api.without_password is not None), None)


def _http(node: ObservedNode) -> str:
    return f"http {node.http_address}" if node.http_address else node.entry.config


@about_cluster(
    Text(
        "built-in-without-password",
        Severity.ERROR,
        "a client logs in as a built-in user that never got a password",
        "401: built-in users other than elastic cannot log in until somebody has set their password; after an upgrade "
        "from an old release those that are new since have none",
        "estui passwords set USER, which gives it to Kibana too",
        f"ReservedRealm; {_TOLD_BY_INDEX}; seen on Elasticsearch 9.1.0",
    )
)
def built_in_without_password(facts: Facts) -> Iterator[Hit]:
    witness = _witness(facts)
    unset = (witness.api.without_password if witness else None) or ()
    for name, (target, where) in users_of_clients(facts).items():
        if name in unset and name != "elastic":  # which may have one from its first start
            yield Hit(target, f"{name} has no password", where, f"estui passwords set {name}")


@about_cluster(
    Text(
        "built-in-unset",
        Severity.NOTE,
        "built-in users without a password",
        "nobody can log in as them, which is how a new cluster begins; products that are meant to use them get 401",
        "estui passwords set USER for those that are used",
        f"ReservedRealm; {_TOLD_BY_INDEX}",
    )
)
def built_in_unset(facts: Facts) -> Iterator[Hit]:
    witness = _witness(facts)
    unset = [name for name in (witness.api.without_password or () if witness else ()) if name != "elastic"]
    if witness is not None and unset:
        yield Hit(witness.target, f"{listed(unset, 7)} never got a password", _http(witness))


@about_cluster(
    Text(
        "built-in-disabled",
        Severity.WARNING,
        "a built-in user is switched off",
        "401 for whoever logs in as it; logstash_system is left like that by an upgrade from an old release",
        "POST /_security/user/NAME/_enable, if it is used: PUT works as well",
        "enable users API (elastic.co documentation)",
    )
)
def built_in_disabled(facts: Facts) -> Iterator[Hit]:
    witness = next((node for node in facts.observed.nodes if node.api.disabled), None)
    if witness is None:
        return
    used = users_of_clients(facts)
    for name in witness.api.disabled or ():
        target, where = used.get(name, (witness.target, _http(witness)))
        severity = Severity.ERROR if name in used or name == "elastic" else None
        yield Hit(target, f"{name} is disabled", where, f"PUT /_security/user/{name}/_enable", severity)


@about_node(
    Text(
        "pki-realm-unlicensed",
        Severity.WARNING,
        "a PKI realm, and a licence that has none",
        "Elasticsearch switches the realm off at its start: automatically disabled due to a change in license; client "
        "certificates then open nothing",
        "get a licence with PKI realms, or log clients in with passwords, tokens or API keys",
        "seen on Elasticsearch 9.1.0 and 8.19.0 with the basic licence",
    )
)
def pki_realm_unlicensed(node: ObservedNode, facts: Facts) -> Iterator[Hit]:
    if not node.api.licence.startswith("basic"):
        return
    for (kind, name), settings in realms(node).items():
        if kind == "pki" and not ("enabled" in settings and settings["enabled"].text == "false"):
            first = next(iter(settings.values()))
            yield Hit(node.target, f"realm {name}, licence {node.api.licence}", at(node, first.key))


@about_cluster(
    Text(
        "login-over-plain-http",
        Severity.NOTE,
        "the cluster asks for a login over plain HTTP, and nobody has logged in",
        "members, health and users could not be seen: estui sends no password over plain HTTP unless it is told to",
        "give --user NAME and --plain-http, if the network between may see the password; or estui plan https",
        "GET /: 401 without TLS",
    )
)
def login_over_plain_http(facts: Facts) -> Iterator[Hit]:
    asking = [
        node
        for node in facts.observed.nodes
        if node.api.secured and not node.api.authenticated_as and node.port(Layer.HTTP).state is PortState.PLAIN
    ]
    if asking and not any(node.api.authenticated_as for node in facts.observed.nodes):
        names = listed(node.target for node in asking)
        yield Hit(asking[0].target, f"401 from {names}; for that also: --plain-http", _http(asking[0]))


RULES = (
    built_in_without_password,
    built_in_unset,
    built_in_disabled,
    pki_realm_unlicensed,
    login_over_plain_http,
)
