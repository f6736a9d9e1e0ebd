"""Client certificates: whose they are, what they look like, and what Kibana and the Beats need to show theirs.

What the nodes do with them is `mutual.py`. Source: elastic-stack-security.md §5.1, §12.4, §12.5; beats.md §2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime

from estui.decide import hosts
from estui.decide import kibana as kibana_way
from estui.decide.authorities import authority_named, split_name, strangers, trust_for, trusted_names
from estui.decide.beats_https import TRUST_SET, drop, put
from estui.decide.beats_paths import (
    OUTPUT,
    has_scheme,
    on_host,
    sections,
    urls,
    uses_elasticsearch,
)
from estui.decide.beats_paths import folder_on_host as beat_folder
from estui.decide.layers import set_path
from estui.decide.masking import shown_value
from estui.model.inventory import Layer, StoreFormat
from estui.model.observed import AuthorityFacts, ClientFacts, Observed, ObservedBeat, ObservedKibana, OnDisk
from estui.model.plan import Change, LeafRequest, PublishSet, RemoveSetting, SetSetting
from estui.model.setting import Setting, SettingValue, value_text
from estui.pki.issuers import is_signed_by

AUTHORITY = "client"
"""The CA of client leaves, before it has a successor."""
OWN = "estui"
"""Name of the certificate that estui itself shows."""
USAGES = ("clientAuth",)
CERTIFICATE, KEY = "client.crt", "client.key"
PRESENT = "elasticsearch.ssl.alwaysPresentCertificate"
_KIBANA = (("elasticsearch.ssl.certificate", CERTIFICATE), ("elasticsearch.ssl.key", KEY))
_STORE = "elasticsearch.ssl.keystore.path"
_NO_HOST = re.compile(r"[^A-Za-z0-9.-]+")

Holder = ObservedKibana | ObservedBeat


def authority_name(observed: Observed) -> str:
    """Name of the CA that signs client leaves: the newest of its family that has a key."""
    owned = [each.name for each in observed.authorities if each.has_key and split_name(each.name)[0] == AUTHORITY]
    return max(owned, key=split_name, default=AUTHORITY)


def authority(observed: Observed) -> AuthorityFacts | None:
    """That CA; None before it is made."""
    return authority_named(observed, authority_name(observed))


def trusted(observed: Observed, held: tuple[str, ...]) -> tuple[str, ...]:
    """CAs whose client certificates nodes have to accept: the one in force, and those of `held` by which some leaf
    that is known was signed. One that has a successor goes as soon as nobody needs it."""
    leaves = [holder.trust.leaf for holder in holders(observed) if _is_own(holder.trust, observed)]
    leaves += [each.certificate for each in observed.clients]
    signers = {each.name: each.certificate for each in observed.authorities}
    needed = [
        name for name in held if name in signers and any(leaf and is_signed_by(leaf, signers[name]) for leaf in leaves)
    ]
    return tuple(dict.fromkeys((authority_name(observed), *needed)))


def is_current(observed: Observed, context: OnDisk) -> bool:
    """Whether a context holds the newest certificate of each CA that it trusts; one that was renewed has another."""
    digests = {each.sha256 for each in context.trusted}
    held = trusted_names(observed, context)
    return all(each.certificate.sha256 in digests for each in observed.authorities if each.name in held)


def request_of(observed: Observed, target: str, set_name: str, name: str, days: int | None = None) -> LeafRequest:
    """The leaf of a client: the name alone, since nobody connects to it."""
    policy = observed.inventory.policy
    dns_names, addresses = hosts.split([_NO_HOST.sub("-", name).strip("-.") or OWN])
    return LeafRequest(
        target=target,
        set_name=set_name,
        authority=authority_name(observed),
        common_name=name,
        dns_names=dns_names,
        addresses=addresses,
        usages=USAGES,
        key=policy.http_key,
        days=policy.leaf_days if days is None else days,
    )


# who has one


def own(observed: Observed) -> ClientFacts | None:
    """estui's own certificate."""
    return next((each for each in observed.clients if each.name == OWN), None)


def own_is_good(observed: Observed, now: datetime) -> bool:
    """Whether estui has a certificate of the CA in force that is not due."""
    mine, signer = own(observed), authority(observed)
    return (
        mine is not None
        and signer is not None
        and is_signed_by(mine.certificate, signer.certificate)
        and mine.certificate.days_left(now) > observed.inventory.policy.renew_before_days
    )


def is_shown(holder: Holder, observed: Observed) -> bool:
    """Whether the files of a Kibana or Beat show a certificate of estui's client CA, with its key."""
    disk, signer = holder.trust, authority(observed)
    return (
        _is_own(disk, observed)
        and disk.leaf is not None
        and signer is not None
        and is_signed_by(disk.leaf, signer.certificate)
        and disk.leaf.key_sha256 == disk.key_sha256
        and disk.leaf.allows(USAGES[0])
    )


def _meets(holder: Holder, observed: Observed, now: datetime) -> bool:
    leaf = holder.trust.leaf
    due = leaf is None or leaf.days_left(now) <= observed.inventory.policy.renew_before_days
    return is_shown(holder, observed) and not due


def _is_own(disk: OnDisk, observed: Observed) -> bool:
    """Whether certificate and key are those of estui's set."""
    home = f"{observed.inventory.folder}/{TRUST_SET}/current/"
    found = {named.setting: named.relative for named in disk.named}
    return all(found.get(setting, "").startswith(home) for setting in ("certificate", "key"))


def foreign(holder: Holder, observed: Observed) -> bool:
    """Whether it shows a certificate that is not estui's."""
    beat = isinstance(holder, ObservedBeat)
    keys = [f"{OUTPUT}.ssl.certificate"] if beat else ["elasticsearch.ssl.certificate", _STORE]
    return any(key in holder.settings for key in keys) and not _is_own(holder.trust, observed)


def talks_https(holder: Holder) -> bool:
    """Whether a Kibana or Beat asks the nodes over HTTPS by its files."""
    if isinstance(holder, ObservedKibana):
        return holder.trust.enabled
    scheme = holder.setting(f"{OUTPUT}.protocol") or "http"
    return all((url if has_scheme(url) else f"{scheme}://").startswith("https://") for url in urls(holder))


def holders(observed: Observed) -> tuple[Holder, ...]:
    """Kibanas and Beats of the inventory that talk to Elasticsearch themselves."""
    return (*observed.kibana, *(beat for beat in observed.beats if uses_elasticsearch(beat)))


def refusals(observed: Observed) -> Iterator[str]:
    """Why a Kibana or Beat cannot be given a certificate."""
    for holder in holders(observed):
        if holder.problems:
            yield from (f"{holder.target}: {problem.summary}" for problem in holder.problems)
        elif not talks_https(holder):
            yield f"{holder.target} talks plain HTTP to the nodes: estui plan https first"
        elif _folder_on_host(holder) is None:
            yield (
                f"{holder.target}: absolute paths are wanted, and its folder as its own host sees it is unknown; "
                "write `on_host:` for it into estui.yaml"
            )
        elif foreign(holder, observed):
            yield (
                f"{holder.target} shows a client certificate that estui did not issue, and nodes that ask for one "
                "would refuse it; take it out of its yml first"
            )
        elif holder.trust.managed and strangers(observed, holder.trust):
            yield f"{holder.target} trusts a CA that is not in the workspace, which a new set would lose: estui adopt"


def _folder_on_host(holder: Holder) -> str | None:
    if isinstance(holder, ObservedKibana):
        return kibana_way.folder_on_host(holder)
    return beat_folder(holder)


# what they get


def publish(holder: Holder, observed: Observed, why: str) -> PublishSet:
    """A new set of a Kibana or Beat: its client leaf, beside the CAs that it trusts."""
    disk = holder.trust
    home = f"{observed.inventory.folder}/{TRUST_SET}/current/"
    ours = any(each.setting == "certificate_authorities" and each.relative.startswith(home) for each in disk.named)
    trust = (trusted_names(observed, disk) or trust_for(observed, Layer.HTTP)) if ours else ()
    request = request_of(observed, holder.target, TRUST_SET, holder.name)
    return PublishSet(holder.target, TRUST_SET, request, trust, StoreFormat.PEM, _has_set(holder, observed), why)


def _has_set(holder: Holder, observed: Observed) -> bool:
    state = holder.files.get(f"{observed.inventory.folder}/{TRUST_SET}/current")
    return state is not None and state.exists


def _paths(holder: Holder, observed: Observed) -> dict[str, str]:
    folder = _folder_on_host(holder) or ""
    return {file: on_host(folder, set_path(observed.inventory.folder, TRUST_SET, file)) for file in (CERTIFICATE, KEY)}


def changes(holder: Holder, observed: Observed, now: datetime) -> list[Change]:
    """Everything that one of them needs to show a certificate; empty where it does."""
    found: list[Change] = []
    if not _meets(holder, observed, now):
        why = "the client certificate in use is due" if is_shown(holder, observed) else "shows nodes who it is"
        found.append(publish(holder, observed, why))
    if isinstance(holder, ObservedKibana):
        return found + _kibana_settings(holder, observed)
    return found + _beat_settings(holder, observed)


def _kibana_settings(kibana: ObservedKibana, observed: Observed) -> list[Change]:
    paths = _paths(kibana, observed)
    wanted: list[tuple[str, SettingValue, str]] = [
        (key, paths[file], "this instance's client certificate, as its own host sees it") for key, file in _KIBANA
    ]
    wanted.append((PRESENT, True, "requests on behalf of people pass nodes that demand a certificate, too"))
    return [
        SetSetting(kibana.target, kibana_way.KIBANA_YML, key, value, _before(kibana, key), why)
        for key, value, why in wanted
        if key not in kibana.settings or kibana.settings[key].text != value_text(value)
    ]


def _before(kibana: ObservedKibana, key: str) -> SettingValue:
    return shown_value(key, kibana.settings[key].value) if key in kibana.settings else None


def _beat_settings(beat: ObservedBeat, observed: Observed) -> list[Change]:
    paths, found = _paths(beat, observed), []
    for path, settings, section in _sections(beat, observed):
        for name, file in (("certificate", CERTIFICATE), ("key", KEY)):
            why = "this Beat's client certificate, as its own host sees it"
            found += put(beat, path, settings, f"{section}.ssl.{name}", paths[file], why)
    return found


def _sections(beat: ObservedBeat, observed: Observed) -> Iterator[tuple[str, Mapping[str, Setting], str]]:
    """Whatever of a Beat talks to the nodes: file, its settings, and the section in it."""
    for section in sections(beat, observed):
        if not section.is_kibana:
            yield section.path, section.settings, section.name


def removals(holder: Holder, observed: Observed) -> list[Change]:
    """What takes the certificate away again. Its files stay in the set, and items of lists, such as modules of
    Metricbeat, go on naming them: nobody asks for them."""
    why = "nodes ask for no certificate any more"
    paths = _paths(holder, observed)
    if isinstance(holder, ObservedBeat):
        return [
            change
            for path, settings, section in _sections(holder, observed)
            if path == holder.yml
            for name, file in (("certificate", CERTIFICATE), ("key", KEY))
            if (found := settings.get(f"{section}.ssl.{name}")) and found.text == paths[file]
            for change in drop(holder, path, settings, f"{section}.ssl.{name}", why)
        ]
    ours = [key for key, file in _KIBANA if (found := holder.settings.get(key)) and found.text == paths[file]]
    keys = [*ours, *([PRESENT] if ours and PRESENT in holder.settings else [])]
    return [
        RemoveSetting(holder.target, kibana_way.KIBANA_YML, key, shown_value(key, holder.settings[key].value), why)
        for key in keys
    ]
