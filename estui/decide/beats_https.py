"""A Beat's way to HTTPS: hosts, and whom it trusts, in its output, its monitoring, its modules and `setup.kibana`.

Source: elastic-stack-security.md §12.5 with the corrections of beats.md §2.
"""

from __future__ import annotations

from collections.abc import Mapping

from estui.decide import kibana as kibana_way
from estui.decide import scenarios
from estui.decide.authorities import authority_named, in_force, trust_for, trusted_names
from estui.decide.beats_paths import (
    OUTPUT,
    folder_on_host,
    has_scheme,
    leads_to_kibana,
    leads_to_nodes,
    modules,
    on_host,
    urls,
)
from estui.decide.beats_rights import MONITORING
from estui.decide.layers import set_path
from estui.decide.masking import shown_value
from estui.model.goal import Goal
from estui.model.inventory import BeatTrust, Layer, StoreFormat
from estui.model.observed import AuthorityFacts, Observed, ObservedBeat
from estui.model.plan import Change, PublishSet, RemoveSetting, SetSetting
from estui.model.setting import Setting, SettingValue, value_text

TRUST_SET = "elasticsearch"
WHY_HOSTS = "Elasticsearch answers only over HTTPS from now on"
WHY_CA = "the CA that signed the nodes' HTTP leaves, as the Beat's own host sees it"
WHY_PIN = "SHA-256 of the CA that signed the nodes' HTTP leaves, which the nodes send along"


def put(
    beat: ObservedBeat, path: str, settings: Mapping[str, Setting], key: str, value: SettingValue, why: str
) -> list[Change]:
    """A setting gets a value, unless it has it."""
    found = settings.get(key)
    if found is not None and found.text == value_text(value):
        return []
    return [SetSetting(beat.target, path, key, value, shown_value(key, found.value) if found else None, why)]


def drop(beat: ObservedBeat, path: str, settings: Mapping[str, Setting], key: str, why: str) -> list[Change]:
    """A setting goes away, if it is there."""
    found = settings.get(key)
    return [RemoveSetting(beat.target, path, key, shown_value(key, found.value), why)] if found else []


def http_authority(observed: Observed) -> AuthorityFacts | None:
    """The CA of the workspace that signs HTTP leaves; None before it is made."""
    return authority_named(observed, in_force(observed, Layer.HTTP.value))


def pins(beat: ObservedBeat) -> bool:
    return beat.entry.trust is BeatTrust.FINGERPRINT


def pinned(beat: ObservedBeat, observed: Observed) -> bool:
    """Whether the output pins the HTTP CA already."""
    authority = http_authority(observed)
    found = beat.setting(f"{OUTPUT}.ssl.ca_trusted_fingerprint") or ""
    return authority is not None and found.lower() == authority.certificate.sha256.lower()


def trusts(beat: ObservedBeat, observed: Observed) -> bool:
    """Whether a CA file of the output holds the HTTP CA already."""
    name = in_force(observed, Layer.HTTP.value)
    return name in trusted_names(observed, beat.trust)


def https_changes(beat: ObservedBeat, observed: Observed, goal: Goal) -> list[Change]:
    """Everything that turns to HTTPS."""
    way = _Way(beat, observed, goal)
    return [*way.output(), *way.monitoring(), *way.setup(), *way.modules()]


class _Way:
    def __init__(self, beat: ObservedBeat, observed: Observed, goal: Goal) -> None:
        self.beat = beat
        self.observed = observed
        self.goal = goal
        folder = folder_on_host(beat) or ""
        self.ca_path = on_host(folder, set_path(observed.inventory.folder, TRUST_SET, "ca.crt"))

    def output(self) -> list[Change]:
        beat = self.beat
        changes = self._hosts(OUTPUT)
        if pins(beat):
            return changes + self._trust(beat.yml, beat.settings, OUTPUT)
        if not trusts(beat, self.observed):
            why = f"{beat.kind.capitalize()} checks that it talks to this cluster"
            trust = trust_for(self.observed, Layer.HTTP)
            changes.append(PublishSet(beat.target, TRUST_SET, None, trust, StoreFormat.PEM, beat.trust.managed, why))
        elif not beat.trust.managed:
            return changes + self._checks(beat.yml, beat.settings, OUTPUT)  # a file of the operator's stays in use
        return changes + self._trust(beat.yml, beat.settings, OUTPUT)

    def monitoring(self) -> list[Change]:
        """Hosts of their own only: without any the section is sent to the output's, by the output's settings."""
        found: list[Change] = []
        for prefix in MONITORING:
            section = f"{prefix}.elasticsearch"
            named = urls(self.beat, f"{section}.hosts")
            if named and all(leads_to_nodes(url, self.observed) for url in named):
                found += [*self._hosts(section), *self._trust(self.beat.yml, self.beat.settings, section)]
        return found

    def setup(self) -> list[Change]:
        beat, url = self.beat, self.beat.setting("setup.kibana.host") or ""
        if not url or not self._kibana_speaks_tls(url):
            return []
        why = "Kibana answers only over HTTPS from now on"
        if has_scheme(url):
            changes = put(beat, beat.yml, beat.settings, "setup.kibana.host", kibana_way.https_url(url), why)
        else:
            changes = put(beat, beat.yml, beat.settings, "setup.kibana.protocol", "https", why)
        return changes + self._trust(beat.yml, beat.settings, "setup.kibana")

    def modules(self) -> list[Change]:
        """Metricbeat's modules of the stack that ask nodes or Kibanas of this cluster; their hosts need the scheme."""
        found: list[Change] = []
        for path, item, settings in modules(self.beat, ("elasticsearch", "kibana")):
            setting = settings.get(f"{item}.hosts")
            named = setting.items if setting else ()
            kind = settings[f"{item}.module"].text
            ours = self._kibana_speaks_tls if kind == "kibana" else self._is_node
            if not named or not all(ours(url) for url in named):
                continue
            wanted = tuple(kibana_way.https_url(url) for url in named)
            why = f"{kind.capitalize()} answers only over HTTPS from now on"
            found += put(self.beat, path, settings, f"{item}.hosts", wanted, why)
            found += self._trust(path, settings, item)
        return found

    def _is_node(self, url: str) -> bool:
        return leads_to_nodes(url, self.observed)

    def _kibana_speaks_tls(self, url: str) -> bool:
        """Whether a URL leads to a Kibana that serves, or is going to serve, a leaf of the workspace's HTTP CA."""
        if not leads_to_kibana(url, self.observed):
            return False
        turned = scenarios.signs_http(self.observed, self.goal)
        instances = kibana_way.touched(self.observed, self.goal) if turned else ()
        return all(each in instances or each.disk.managed for each in self.observed.kibana) and all(
            each.setting("server.ssl.enabled") != "true" or each.disk.managed for each in self.observed.kibana
        )

    def _hosts(self, section: str) -> list[Change]:
        """The scheme where it is written, else `protocol`, which stands for hosts without one."""
        beat, key = self.beat, f"{section}.hosts"
        named = urls(beat, key)
        wanted = tuple(kibana_way.https_url(url) if has_scheme(url) else url for url in named)
        changes: list[Change] = []
        setting = beat.settings.get(key)
        if setting is not None and wanted != named:
            value: SettingValue = wanted if isinstance(setting.value, tuple) else ", ".join(wanted)
            changes += put(beat, beat.yml, beat.settings, key, value, WHY_HOSTS)
        if not all(has_scheme(url) for url in named):
            changes += put(beat, beat.yml, beat.settings, f"{section}.protocol", "https", WHY_HOSTS)
        return changes

    def _trust(self, path: str, settings: Mapping[str, Setting], section: str) -> list[Change]:
        """Whom a section trusts, and that it checks."""
        key = f"{section}.ssl.ca_trusted_fingerprint"
        authority = http_authority(self.observed)
        if pins(self.beat) and authority is not None:
            changes = put(self.beat, path, settings, key, authority.certificate.sha256.lower(), WHY_PIN)
        else:
            value = (self.ca_path,)
            changes = put(self.beat, path, settings, f"{section}.ssl.certificate_authorities", value, WHY_CA)
            changes += drop(self.beat, path, settings, key, "the CA file says whom to trust, also to Beats 7.17")
        return changes + self._checks(path, settings, section)

    def _checks(self, path: str, settings: Mapping[str, Setting], section: str) -> list[Change]:
        changes: list[Change] = []
        mode = settings.get(f"{section}.ssl.verification_mode")
        if mode is not None and mode.text not in ("full", "strict", "certificate"):
            why = "without a check TLS proves nothing"
            changes += put(self.beat, path, settings, f"{section}.ssl.verification_mode", "full", why)
        enabled = settings.get(f"{section}.ssl.enabled")
        if enabled is not None and enabled.text == "false":
            why = "the section below would be ignored"
            changes += put(self.beat, path, settings, f"{section}.ssl.enabled", True, why)
        return changes
