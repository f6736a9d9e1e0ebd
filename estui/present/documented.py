"""Settings, steps of the ladder and steps of a run, each explained: what it means, what Elasticsearch or Kibana does,
and where that is documented.

Owns these sentences and addresses. What a screen's words and signs mean is `explain.py`'s.
Addresses are those of the documentation of Elasticsearch 9, which says where earlier versions differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from estui.model.goal import Scenario
from estui.model.run import Step, StepKind
from estui.present.lines import Kind, Line

LABEL = 16
"""Cells of a word that is explained."""
_DOCS = "https://www.elastic.co/docs"
_SECURITY = f"{_DOCS}/deploy-manage/security"
_REFERENCE = f"{_DOCS}/reference/elasticsearch/configuration-reference"
_USERS = f"{_DOCS}/deploy-manage/users-roles/cluster-or-deployment-auth"
_RESTARTS = f"{_DOCS}/deploy-manage/maintenance/start-stop-services/full-cluster-restart-rolling-restart-procedures"
SETTINGS_PAGE = f"{_REFERENCE}/security-settings"
SECURITY_PAGE = f"{_SECURITY}/self-setup"
"""Where whatever has no page of its own is begun."""


@dataclass(frozen=True)
class Explanation:
    """One thing in words."""

    means: str
    does: str
    address: str


_TLS = {
    "enabled": Explanation(
        "TLS on this layer",
        "with it a port takes TLS only: a peer that speaks plain text is hung up on",
        f"{_SECURITY}/self-tls",
    ),
    "verification_mode": Explanation(
        "how much of a peer's certificate is looked at",
        "full: its CA and its name or address; certificate: its CA only; none: nothing, anybody may claim to be a node",
        SETTINGS_PAGE,
    ),
    "client_authentication": Explanation(
        "whether whoever connects has to show a certificate as well",
        "required: a connection without one ends in the handshake; optional: it is looked at where there is one",
        SETTINGS_PAGE,
    ),
    "key": Explanation(
        "the private key of this node's certificate, PEM",
        "a node that cannot read it does not start; a new file is taken up while the node runs",
        SETTINGS_PAGE,
    ),
    "certificate": Explanation(
        "this node's certificate, and what stands between it and its CA, PEM",
        "peers check it against the CAs that they trust; a new file is taken up while the node runs",
        SETTINGS_PAGE,
    ),
    "certificate_authorities": Explanation(
        "the CAs whose certificates are believed here, PEM",
        "whoever shows a certificate of another CA is refused; a new file is taken up while the node runs",
        SETTINGS_PAGE,
    ),
    "keystore": Explanation(
        "key and certificate of this node in one PKCS#12 or JKS file",
        "its password belongs into elasticsearch.keystore; a new file is taken up while the node runs",
        SETTINGS_PAGE,
    ),
    "truststore": Explanation(
        "the CAs that are believed here, in one PKCS#12 or JKS file",
        "whoever shows a certificate of another CA is refused; its password belongs into elasticsearch.keystore",
        SETTINGS_PAGE,
    ),
    "secure_key_passphrase": Explanation(
        "the passphrase of the private key, in elasticsearch.keystore",
        "a node with a wrong one does not start",
        f"{_SECURITY}/secure-settings",
    ),
    "supported_protocols": Explanation(
        "the versions of TLS that are spoken here",
        "a peer that knows none of them is refused in the handshake",
        f"{_SECURITY}/supported-ssltls-versions-by-jdk-version",
    ),
}
_KIBANA = f"{_DOCS}/reference/kibana/configuration-reference/general-settings"
_SETTINGS: tuple[tuple[str, Explanation], ...] = (
    (
        r"xpack\.security\.enabled",
        Explanation(
            "users have to log in",
            "every request without a login is answered 401; transport TLS is then demanded of a cluster of several "
            "nodes, which do not start without it",
            SETTINGS_PAGE,
        ),
    ),
    (
        r"xpack\.security\.autoconfiguration\.enabled",
        Explanation(
            "whether the first start of a node secures it by itself",
            "it makes certificates, a password and an enrollment token where no security setting stands in the way",
            f"{_SECURITY}/self-auto-setup",
        ),
    ),
    (
        r"xpack\.security\.enrollment\.enabled",
        Explanation(
            "whether tokens can be made with which nodes and Kibana enroll",
            "without it elasticsearch-create-enrollment-token is refused; what is enrolled already stays",
            SETTINGS_PAGE,
        ),
    ),
    (
        r"xpack\.security\.authc\.realms\.pki\..*",
        Explanation(
            "a realm in which a client's certificate is the login",
            "the distinguished name becomes the user; role mappings say what it may do",
            f"{_USERS}/pki",
        ),
    ),
    (
        r"xpack\.security\.authc\..*",
        Explanation(
            "how users prove who they are",
            "realms are asked in their order, the first that knows the user wins",
            f"{_USERS}/user-authentication",
        ),
    ),
    (
        r"cluster\.initial_master_nodes",
        Explanation(
            "the nodes that found a new cluster, by name",
            "counts at the very first start only; left in place it can found a second cluster beside the first",
            f"{_REFERENCE}/discovery-cluster-formation-settings",
        ),
    ),
    (
        r"(discovery|cluster\.name).*",
        Explanation(
            "which nodes find one another",
            "a node asks these addresses for a master, and joins only a cluster of the same name",
            f"{_REFERENCE}/discovery-cluster-formation-settings",
        ),
    ),
    (
        r"(network|http|transport)\.(host|port|bind_host|publish_host|profiles.*)",
        Explanation(
            "where a node listens and which address it gives to others",
            "an address that is not loopback makes bootstrap checks count: a node that fails one does not start",
            f"{_REFERENCE}/networking-settings",
        ),
    ),
    (
        r"node\..*",
        Explanation("who the node is and what it does", "read at its start only", f"{_REFERENCE}/node-settings"),
    ),
    (
        r"elasticsearch\.ssl\.certificateAuthorities",
        Explanation(
            "the CAs that Kibana believes when it talks to nodes",
            "a node with a certificate of another CA is not talked to; read at Kibana's start only",
            _KIBANA,
        ),
    ),
    (
        r"elasticsearch\.ssl\..*",
        Explanation(
            "how Kibana talks TLS to nodes", "read at Kibana's start only", f"{_SECURITY}/kibana-es-mutual-tls"
        ),
    ),
    (
        r"elasticsearch\.(username|password|serviceAccountToken)",
        Explanation(
            "as whom Kibana logs in",
            "it needs kibana_system or a service account's token; elastic itself is refused",
            f"{_USERS}/built-in-users",
        ),
    ),
    (
        r"(elasticsearch\.hosts|server\..*)",
        Explanation("whom Kibana asks, and how browsers reach it", "read at Kibana's start only", _KIBANA),
    ),
    (
        r"output\.elasticsearch\..*",
        Explanation(
            "where a Beat sends its events, and as whom",
            "read at the Beat's start; until it reaches a node it keeps its events",
            f"{_SECURITY}/httprest-clients-security",
        ),
    ),
)
_LAYER = re.compile(r"xpack\.security\.(transport|http)\.ssl\.(?P<name>\w+)")
_AUDIENCE = {
    "transport": "Between nodes. Clients are not concerned.",
    "http": "Between nodes and whoever sends requests: Kibana, Beats, scripts.",
}


def setting_explanation(key: str) -> Explanation | None:
    """What a setting of Elasticsearch, Kibana or a Beat is about; None for one that is not told of here."""
    layer = _LAYER.match(key)
    if layer is not None:
        return _TLS.get(layer["name"])
    return next((told for pattern, told in _SETTINGS if re.fullmatch(pattern, key)), None)


def setting_lines(key: str, why: str = "") -> list[Line]:
    """One setting in words, with the reason for which it is written; nothing for one that is not told of here."""
    told = setting_explanation(key)
    if told is None:
        return []
    layer = _LAYER.match(key)
    whom = [("for whom", _AUDIENCE[layer[1]])] if layer else []
    return _lines(key, told, [*whom, *([("here", why)] if why else [])])


def setting_of(line: str) -> str:
    """The setting that a line of yml sets, in its dotted form; empty where it sets none by itself."""
    found = re.match(r"\s*(?:#\s*)?([A-Za-z_][\w.*-]*)\s*:(?:\s|$)", line)
    return found[1] if found else ""


_SCENARIOS = {
    Scenario.MINIMAL: Explanation(
        "everybody has to log in",
        "clients, Kibana and Beats have to log in; addresses stay http://",
        f"{_SECURITY}/set-up-minimal-security",
    ),
    Scenario.BASIC: Explanation(
        "everybody logs in; nodes need a certificate",
        "clients, Kibana and Beats have to log in; addresses stay http://",
        f"{_SECURITY}/set-up-basic-security",
    ),
    Scenario.HTTPS: Explanation(
        "as basic, and the way to nodes is encrypted",
        "clients, Kibana and Beats have to log in over https:// and trust the HTTP CA; http:// is hung up on",
        f"{_SECURITY}/set-up-basic-security-plus-https",
    ),
    Scenario.MUTUAL: Explanation(
        "as basic + HTTPS, and clients need a certificate",
        "clients, Kibana and Beats need a certificate of their own as well; without one nobody gets through",
        f"{_USERS}/pki",
    ),
}


def scenario_effect(scenario: Scenario) -> tuple[str, str]:
    """What a step of the ladder means, and what it asks of those outside the cluster."""
    told = _SCENARIOS[scenario]
    return told.means, told.does


def scenario_lines(scenario: Scenario) -> list[Line]:
    """One step of the ladder in words, with its documentation."""
    told = _SCENARIOS[scenario]
    return [Line(Kind.TEXT, f"  {'for whom':{LABEL}}{told.does}"), _documented(told.address)]


_STEPS = {
    StepKind.PREPARE: ("keys, certificates and files are made beside those in use", "nodes do not see them yet"),
    StepKind.ALLOCATION_OFF: (
        "only primaries may be placed, and what is in memory is written out",
        "so that stopping a node does not start copying its shards elsewhere",
    ),
    StepKind.STOP: ("the processes are stopped", "waits until every one of their ports is refused"),
    StepKind.COMMIT: ("the prepared files take the place of the old ones", "the old ones are kept, for an undo"),
    StepKind.START: (
        "the processes are started",
        "waits until each of them serves the certificate that was planned",
    ),
    StepKind.RESTART: (
        "it is stopped and started, and reads its new files",
        "the next one waits until this one is back and the cluster is as healthy as before",
    ),
    StepKind.FIRST_LOGIN: (
        "a temporary superuser in one node's users file",
        "passwords can be set through it while no password is known; it is removed before the end",
    ),
    StepKind.CLUSTER: ("every node has joined and health is not red", "shards come back on their own; that takes time"),
    StepKind.ALLOCATION_ON: ("shards may be placed anywhere again", "health goes to green when copies are back"),
    StepKind.PASSWORDS: ("passwords are set through the API", "each is proven by a login on every node"),
    StepKind.REMOVE_LOGIN: ("the temporary superuser goes", "a login with it has to be refused on every node"),
    StepKind.RELOAD: ("nodes read their keystores again", "settings that cannot be reloaded wait for the next start"),
    StepKind.GRANT: ("users and roles of clients are written through the API", "each is read back"),
    StepKind.TOKENS: ("tokens of service accounts are taken back", "a login with one has to be refused"),
    StepKind.UNDO: ("the files from before come back", "what the run had put beside them is removed"),
    StepKind.VERIFY: (
        "everything that was promised is looked at over fresh connections",
        "served certificates, 401 without a login, logins, health",
    ),
}
_STEP_PAGES = {
    StepKind.STOP: _RESTARTS,
    StepKind.START: _RESTARTS,
    StepKind.RESTART: _RESTARTS,
    StepKind.ALLOCATION_OFF: _RESTARTS,
    StepKind.ALLOCATION_ON: _RESTARTS,
    StepKind.CLUSTER: _RESTARTS,
    StepKind.FIRST_LOGIN: f"{_USERS}/file-based",
    StepKind.REMOVE_LOGIN: f"{_USERS}/file-based",
    StepKind.PASSWORDS: f"{_USERS}/built-in-users",
    StepKind.TOKENS: f"{_USERS}/service-accounts",
    StepKind.RELOAD: f"{_SECURITY}/secure-settings",
}


def step_lines(step: Step) -> list[Line]:
    """One step of a run in words: what it does, what it waits for, what can be done about it when it fails."""
    means, does = _STEPS[step.kind]
    gate = [("until", step.gate)] if step.gate else []
    told = Explanation(means, does, _STEP_PAGES.get(step.kind, SECURITY_PAGE))
    way_back = "tried again, or everything taken back; left out it cannot be, since the later steps rest on it"
    return _lines(step.title, told, [*gate, ("if it fails", way_back)])


def _lines(title: str, told: Explanation, further: list[tuple[str, str]]) -> list[Line]:
    pairs = [("means", told.means), ("happens", told.does), *further]
    return [
        Line(Kind.TITLE, title),
        *(Line(Kind.TEXT, f"  {word:{LABEL}}{text}") for word, text in pairs),
        _documented(told.address),
        Line(Kind.TEXT, ""),
    ]


def _documented(address: str) -> Line:
    return Line(Kind.TEXT, f"  {'documented':{LABEL}}{address}")


def finding_address(where: str) -> Line:
    """Where what a finding is about is documented; by its setting, where it names one."""
    key = where.rpartition(": ")[2].strip()
    told = setting_explanation(key)
    return Line(Kind.NOTE, f"documented: {told.address if told else SETTINGS_PAGE}")
