"""What Kibana needs so that it goes on working when its cluster is secured."""

from __future__ import annotations

from datetime import datetime

from estui.decide import hosts
from estui.decide.layers import meets, set_path
from estui.model.inventory import StoreFormat
from estui.model.observed import Observed, ObservedKibana
from estui.model.plan import Change, LeafRequest, PublishSet, RemoveSetting, SetSecureSetting, SetSetting
from estui.model.setting import SettingValue, value_text

KIBANA_YML = "kibana.yml"
KIBANA_KEYSTORE = "kibana.keystore"
SYSTEM_USER = "kibana_system"
PACKAGE_FOLDERS = ("/etc/kibana", "/usr/share/kibana/config")
SERVER_SET = "server"
TRUST_SET = "elasticsearch"


def folder_on_host(kibana: ObservedKibana) -> str | None:
    """The configuration folder as the instance itself sees it, or None where it cannot be told.

    Stated in the inventory; else what a path already in its files ends in; else the package's usual folder.
    """
    if kibana.entry.on_host:
        return kibana.entry.on_host
    for key in ("server.ssl.certificate", "server.ssl.key", "elasticsearch.ssl.certificateAuthorities"):
        setting = kibana.settings.get(key)
        for path in setting.items if setting else ():
            folder, _, name = path.rpartition("/")
            if path.startswith("/") and name in kibana.files:
                return folder
    return kibana.entry.config if kibana.entry.config in PACKAGE_FOLDERS else None


def refusals(observed: Observed, needs_paths: bool) -> list[str]:
    """Instances that cannot be planned for."""
    reasons = []
    for kibana in observed.kibana:
        if needs_paths and folder_on_host(kibana) is None:
            reasons.append(
                f"{kibana.target}: Kibana wants absolute paths, and its folder as its own host sees it is unknown; "
                "write `on_host:` for it into estui.yaml"
            )
        if kibana.keystore.present and not kibana.keystore.opened:
            reasons.append(f"{kibana.target}: kibana.keystore cannot be read: {kibana.keystore.error}")
    return reasons


def _put(kibana: ObservedKibana, key: str, value: SettingValue, why: str) -> list[Change]:
    found = kibana.settings.get(key)
    if found is not None and found.text == value_text(value):
        return []
    return [SetSetting(kibana.target, KIBANA_YML, key, value, found.value if found else None, why)]


def credential_changes(kibana: ObservedKibana, *, new_password: bool) -> list[Change]:
    """Login of Kibana's server at Elasticsearch: the built-in user, its password in the keystore.

    A service account token that is there stays; it and a user name exclude one another
    (elastic-stack-security.md §12.4).
    """
    token = "elasticsearch.serviceAccountToken"  # noqa: S105 - a setting's name
    if token in kibana.settings or token in kibana.keystore.names:
        return []
    password = "elasticsearch.password"  # noqa: S105 - a setting's name
    has_login = kibana.setting("elasticsearch.username") == SYSTEM_USER and (
        password in kibana.keystore.names or password in kibana.settings
    )
    if has_login and not new_password:
        return []
    why = "Kibana's server logs in as its own built-in user"
    changes = _put(kibana, "elasticsearch.username", SYSTEM_USER, why)
    if password in kibana.settings:
        changes.append(
            RemoveSetting(
                kibana.target, KIBANA_YML, password, kibana.settings[password].value, "goes into kibana.keystore"
            )
        )
    changes.append(
        SetSecureSetting(
            kibana.target,
            KIBANA_KEYSTORE,
            password,
            f"password:{SYSTEM_USER}",
            password in kibana.keystore.names,
            "password of kibana_system, kept out of the yml",
        )
    )
    return changes


def https_url(url: str) -> str:
    """The same URL with the scheme https."""
    return "https://" + url.split("://", 1)[-1]


def _host_changes(kibana: ObservedKibana) -> list[Change]:
    setting = kibana.settings.get("elasticsearch.hosts")
    urls = setting.items if setting else ("http://localhost:9200",)
    wanted = tuple(https_url(url) for url in urls)
    value: SettingValue = wanted if setting is None or isinstance(setting.value, tuple) else ", ".join(wanted)
    return _put(kibana, "elasticsearch.hosts", value, "Elasticsearch answers only over HTTPS from now on")


def server_request(kibana: ObservedKibana, observed: Observed) -> LeafRequest:
    """The leaf for browsers: every name under which this instance is known."""
    public = hosts.address_of_url(kibana.setting("server.publicBaseUrl") or "")
    dns_names, addresses = hosts.split(
        [
            kibana.name,
            kibana.address.host if kibana.address else "",
            public.host if public else "",
            *kibana.entry.names,
            *hosts.LOOPBACK,
            *(kibana.disk.leaf.names if kibana.disk.leaf else ()),
        ]
    )
    policy = observed.inventory.policy
    return LeafRequest(
        target=kibana.target,
        set_name=SERVER_SET,
        authority="http",
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
    authority = next((each for each in observed.authorities if each.name == "http"), None)
    changes: list[Change] = []
    if not meets(kibana.disk, request, authority, observed.inventory.policy, now):
        replaces = kibana.disk.managed and kibana.disk.leaf is not None
        why = "browsers talk HTTPS to Kibana"
        changes.append(PublishSet(kibana.target, SERVER_SET, request, (), StoreFormat.PEM, replaces, why))
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
    authority = next((each for each in observed.authorities if each.name == "http"), None)
    return authority is not None and any(
        trusted.sha256 == authority.certificate.sha256 for trusted in kibana.trust.trusted
    )


def https_changes(kibana: ObservedKibana, observed: Observed, now: datetime) -> list[Change]:
    """HTTPS towards Elasticsearch (scheme, CA) and towards browsers (certificate)."""
    folder = folder_on_host(kibana) or ""
    changes: list[Change] = []
    if not trusts(kibana, observed):
        why = "Kibana checks that it talks to this cluster"
        replaces = kibana.trust.managed
        changes.append(PublishSet(kibana.target, TRUST_SET, None, ("http",), StoreFormat.PEM, replaces, why))
    changes += _host_changes(kibana)
    ca_path = f"{folder}/{set_path(observed.inventory.folder, TRUST_SET, 'ca.crt')}"
    changes += _put(
        kibana,
        "elasticsearch.ssl.certificateAuthorities",
        (ca_path,),
        "the CA that signed the nodes' HTTP leaves, as Kibana's own host sees it",
    )
    if kibana.setting("elasticsearch.ssl.verificationMode") == "none":
        changes += _put(kibana, "elasticsearch.ssl.verificationMode", "full", "without a check TLS proves nothing")
    return changes + _server_changes(kibana, observed, folder, now)
