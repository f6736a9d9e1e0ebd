"""What Kibana needs so that it goes on working when its cluster is secured.

Source: reference pages "Set up minimal security" and "Set up basic security plus HTTPS"; settings in
elastic-stack-security.md §12.3, §12.4.
"""

from __future__ import annotations

from datetime import datetime
from urllib.parse import urlsplit

from estui.decide import hosts, scenarios
from estui.decide.authorities import SERVER_SET as SERVER_SET
from estui.decide.authorities import authority_named, in_force, trust_for
from estui.decide.layers import meets, set_path
from estui.decide.masking import shown_value
from estui.decide.rung import has_tls
from estui.model.goal import Goal
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import FileKind, Observed, ObservedKibana
from estui.model.plan import (
    Change,
    LeafRequest,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetSecureSetting,
    SetSetting,
)
from estui.model.setting import SettingValue, value_text

KIBANA_YML = "kibana.yml"
KIBANA_KEYSTORE = "kibana.keystore"
SYSTEM_USER = "kibana_system"
REFUSED_USERS = ("elastic", "kibana")
"""Kibana does not start with the first (8.0 and newer); the second is the old name of `kibana_system`."""
USER = "elasticsearch.username"
PASSWORD = "elasticsearch.password"  # noqa: S105 - a setting's name
TOKEN = "elasticsearch.serviceAccountToken"  # noqa: S105 - a setting's name
DEFAULT_HOSTS = ("http://localhost:9200",)
PACKAGE_FOLDERS = ("/etc/kibana", "/usr/share/kibana/config")
TRUST_SET = "elasticsearch"


def touched(observed: Observed, goal: Goal) -> tuple[ObservedKibana, ...]:
    """Instances that the goal covers."""
    return tuple(each for each in observed.kibana if not goal.only or each.target in goal.only)


def folder_on_host(kibana: ObservedKibana) -> str | None:
    """The configuration folder as the instance itself sees it, or None where it cannot be told.

    Stated in the inventory; else what a path already in its files begins with, where the rest of it is a file of
    the folder; else the package's usual folder.
    """
    if kibana.entry.on_host:
        return kibana.entry.on_host.rstrip("/") or "/"
    files = [name for name, state in kibana.files.items() if state.kind in (FileKind.FILE, FileKind.LINK)]
    for key in ("server.ssl.certificate", "server.ssl.key", "elasticsearch.ssl.certificateAuthorities"):
        setting = kibana.settings.get(key)
        for path in setting.items if setting else ():
            ends = [name for name in files if path.startswith("/") and path.endswith(f"/{name}")]
            if ends:
                return path.removesuffix("/" + max(ends, key=len)) or "/"
    return kibana.entry.config if kibana.entry.config in PACKAGE_FOLDERS else None


def urls(kibana: ObservedKibana) -> tuple[str, ...]:
    """Hosts that an instance asks, as they are written."""
    setting = kibana.settings.get("elasticsearch.hosts")
    return (setting.items if setting else ()) or DEFAULT_HOSTS


def refusals(observed: Observed, goal: Goal) -> list[str]:
    """Instances that cannot be planned for."""
    reasons = []
    instances = touched(observed, goal)
    fresh = scenarios.is_fresh(observed)
    for kibana in instances:
        if kibana.keystore.present and not kibana.keystore.opened and not has_login(kibana, fresh=fresh):
            reasons.append(f"{kibana.target}: kibana.keystore cannot be read: {kibana.keystore.error}")
        if has_token(kibana) and _has_user(kibana) and not (goal.kibana and goal.kibana.token):
            reasons.append(
                f"{kibana.target}: both {TOKEN} and {USER} are set, with which Kibana does not start; take one of them "
                "out (estui plan https --kibana-token keeps the token)"
            )
        if scenarios.signs_http(observed, goal):
            reasons += _https_refusals(kibana)
    if instances and scenarios.signs_http(observed, goal):
        reasons += _plain_nodes(observed, goal)
    return reasons


def _https_refusals(kibana: ObservedKibana) -> list[str]:
    reasons = []
    if folder_on_host(kibana) is None:
        reasons.append(
            f"{kibana.target}: Kibana wants absolute paths, and its folder as its own host sees it is unknown; "
            "write `on_host:` for it into estui.yaml"
        )
    if any("${" in url for url in urls(kibana)):
        reasons.append(
            f"{kibana.target}: elasticsearch.hosts is taken from the environment, which estui cannot change; "
            "write the hosts into kibana.yml"
        )
    if any("@" in url for url in urls(kibana)):
        reasons.append(
            f"{kibana.target}: elasticsearch.hosts holds a login; take it out, estui writes the user and its "
            "password where they belong"
        )
    return reasons


def _plain_nodes(observed: Observed, goal: Goal) -> list[str]:
    """Nodes that would go on speaking plain HTTP while Kibana turns to HTTPS."""
    touched_nodes = scenarios.touched(observed, goal)
    plain = [node.target for node in observed.nodes if node not in touched_nodes and not has_tls(node, Layer.HTTP)]
    if not plain:
        return []
    return [f"Kibana would ask for HTTPS where {', '.join(plain)} still speak plain HTTP: add them to --only"]


def _put(kibana: ObservedKibana, key: str, value: SettingValue, why: str) -> list[Change]:
    found = kibana.settings.get(key)
    if found is not None and found.text == value_text(value):
        return []
    before = shown_value(key, found.value) if found else None
    return [SetSetting(kibana.target, KIBANA_YML, key, value, before, why)]


def dropped(kibana: ObservedKibana, key: str, why: str) -> list[Change]:
    """The setting taken out of `kibana.yml`, where it is in it."""
    found = kibana.settings.get(key)
    return [RemoveSetting(kibana.target, KIBANA_YML, key, shown_value(key, found.value), why)] if found else []


def uses_system_user(kibana: ObservedKibana) -> bool:
    """Whether the instance logs in as `kibana_system`, so that a new password of that user concerns it."""
    return kibana.setting(USER) == SYSTEM_USER and not has_token(kibana)


def has_token(kibana: ObservedKibana) -> bool:
    """Whether a service account token is set, in yml or keystore."""
    return TOKEN in kibana.settings or TOKEN in kibana.keystore.names


def _has_user(kibana: ObservedKibana) -> bool:
    return USER in kibana.settings or USER in kibana.keystore.names


def has_login(kibana: ObservedKibana, *, fresh: bool) -> bool:
    """Whether the instance can log in when its cluster is secured. With `fresh` no user has a password yet.

    A service account token that is there stays; it and a user name exclude one another
    (elastic-stack-security.md §12.4). So does a user of the operator's own in a cluster that has users.
    """
    if has_token(kibana):
        return True
    has_user = USER in kibana.keystore.names or kibana.setting(USER) not in (None, "", *REFUSED_USERS)
    has_password = PASSWORD in kibana.keystore.names or PASSWORD in kibana.settings
    return not fresh and has_user and has_password


def credential_changes(kibana: ObservedKibana, *, fresh: bool, new_password: bool) -> list[Change]:
    """Login of Kibana's server at Elasticsearch: the built-in user, its password in the keystore.

    `new_password`: that of `kibana_system` is going to be set.
    """
    if has_login(kibana, fresh=fresh) and not (new_password and uses_system_user(kibana)):
        return []
    changes = _put(kibana, USER, SYSTEM_USER, "Kibana's server logs in as its own built-in user")
    changes += dropped(kibana, PASSWORD, "goes into kibana.keystore")
    if USER in kibana.keystore.names:
        why = "would win over the user in kibana.yml"
        changes.append(RemoveSecureSetting(kibana.target, KIBANA_KEYSTORE, USER, why))
    changes.append(
        SetSecureSetting(
            kibana.target,
            KIBANA_KEYSTORE,
            PASSWORD,
            f"password:{SYSTEM_USER}",
            PASSWORD in kibana.keystore.names,
            "password of kibana_system, kept out of the yml",
        )
    )
    if kibana.setting("xpack.security.enabled") == "false":
        changes += dropped(kibana, "xpack.security.enabled", "people log in at Kibana (the setting is of 7.x)")
    return changes


def https_url(url: str) -> str:
    """The same URL with the scheme https."""
    return "https://" + url.split("://", 1)[-1]


def host_changes(kibana: ObservedKibana, more: tuple[str, ...] = ()) -> list[Change]:
    """HTTPS for every host, and further ones behind them."""
    setting = kibana.settings.get("elasticsearch.hosts")
    before = tuple(https_url(url) for url in urls(kibana))
    known = {hosts.address_of_url(url) for url in before}
    further = tuple(url for url in more if hosts.address_of_url(url) not in known)
    wanted = (*before, *further)
    is_list = setting is None or isinstance(setting.value, tuple) or bool(further)
    value: SettingValue = wanted if is_list else ", ".join(wanted)
    why = "asks these nodes as well, as wished" if further else "Elasticsearch answers only over HTTPS from now on"
    return _put(kibana, "elasticsearch.hosts", value, why)


def server_request(kibana: ObservedKibana, observed: Observed, *, fresh: bool = False) -> LeafRequest:
    """The leaf for browsers: every name under which this instance is known; with `fresh` those before do not count."""
    public = hosts.address_of_url(kibana.setting("server.publicBaseUrl") or "")
    dns_names, addresses = hosts.split(
        [
            kibana.entry.name or "",
            kibana.setting("server.name") or "",
            kibana.address.host if kibana.address else "",
            public.host if public else "",
            *kibana.entry.names,
            *hosts.LOOPBACK,
            *(kibana.disk.leaf.names if kibana.disk.leaf and not fresh else ()),
        ]
    )
    policy = observed.inventory.policy
    return LeafRequest(
        target=kibana.target,
        set_name=SERVER_SET,
        authority=in_force(observed, SERVER_SET),
        common_name=kibana.name,
        dns_names=dns_names,
        addresses=addresses,
        usages=("serverAuth",),
        key=policy.http_key,
        days=policy.leaf_days,
    )


def _server_changes(kibana: ObservedKibana, observed: Observed, folder: str, now: datetime) -> list[Change]:
    """`server.ssl`: a certificate of its own, unless one is configured already."""
    enabled = kibana.setting("server.ssl.enabled") == "true"
    if enabled and not kibana.disk.managed:
        return []
    request = server_request(kibana, observed)
    authority = authority_named(observed, request.authority)
    changes: list[Change] = []
    if not meets(kibana.disk, request, authority, observed.inventory.policy, now):
        replaces = kibana.disk.managed and kibana.disk.leaf is not None
        why = "the leaf in use is due or no longer fits" if replaces else "browsers talk HTTPS to Kibana"
        changes.append(PublishSet(kibana.target, SERVER_SET, request, (), StoreFormat.PEM, replaces, why))
    for name in ("path", "password"):
        changes += dropped(kibana, f"server.ssl.keystore.{name}", "cannot stand beside a PEM certificate and key")
    changes += _put(kibana, "server.ssl.enabled", True, "browsers talk HTTPS to Kibana")
    for name, file in (("certificate", "server.crt"), ("key", "server.key")):
        path = f"{folder}/{set_path(observed.inventory.folder, SERVER_SET, file)}"
        changes += _put(kibana, f"server.ssl.{name}", path, f"this instance's {name}, as its own host sees it")
    public = kibana.setting("server.publicBaseUrl")
    if public and public.startswith("http://"):
        changes += _put(kibana, "server.publicBaseUrl", https_url(public), "links in Kibana's messages use HTTPS")
    return changes


def trusts(kibana: ObservedKibana, observed: Observed) -> bool:
    """Whether the instance already trusts the workspace's HTTP CA."""
    authority = authority_named(observed, in_force(observed, Layer.HTTP.value))
    return authority is not None and any(
        trusted.sha256 == authority.certificate.sha256 for trusted in kibana.trust.trusted
    )


def https_changes(
    kibana: ObservedKibana, observed: Observed, now: datetime, more: tuple[str, ...] = ()
) -> list[Change]:
    """HTTPS towards Elasticsearch (scheme, CA, hosts, `more` of them) and towards browsers (certificate)."""
    folder = folder_on_host(kibana) or ""
    changes = host_changes(kibana, more)
    if not trusts(kibana, observed) or kibana.trust.managed:
        changes += _trust_changes(kibana, observed, folder)
    if kibana.setting("elasticsearch.ssl.verificationMode") == "none":
        changes += _put(kibana, "elasticsearch.ssl.verificationMode", "full", "without a check TLS proves nothing")
    return changes + _server_changes(kibana, observed, folder, now)


def _trust_changes(kibana: ObservedKibana, observed: Observed, folder: str) -> list[Change]:
    """A set of estui's with the HTTP CA; a file of the operator's that holds it already stays in use."""
    changes: list[Change] = []
    if not trusts(kibana, observed):
        why = "Kibana checks that it talks to this cluster"
        replaces = kibana.trust.managed
        trust = trust_for(observed, Layer.HTTP)
        changes.append(PublishSet(kibana.target, TRUST_SET, None, trust, StoreFormat.PEM, replaces, why))
    ca_path = f"{folder}/{set_path(observed.inventory.folder, TRUST_SET, 'ca.crt')}"
    why = "the CA that signed the nodes' HTTP leaves, as Kibana's own host sees it"
    return changes + _put(kibana, "elasticsearch.ssl.certificateAuthorities", (ca_path,), why)


def notes(kibana: ObservedKibana) -> list[str]:
    """What the operator should know about an instance that turns to HTTPS."""
    found = []
    if not kibana.entry.on_host:
        found.append(f"{kibana.target}: its folder on its own host is taken to be {folder_on_host(kibana)}")
    bare = [url for url in urls(kibana) if url.startswith("http://") and ":" not in urlsplit(url).netloc]
    found += [f"{kibana.target}: {url} names no port, so that it moves from port 80 to 443" for url in bare]
    return found
