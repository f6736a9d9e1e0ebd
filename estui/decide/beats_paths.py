"""Where a Beat's files lie, as the Beat's own host sees them, and where its hosts lead.

Beats resolve relative names against the working directory of their process (beats.md §0.7), so absolute ones are
written. Winlogbeat lives on Windows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from estui.decide import hosts
from estui.formats.beats_modules import LIST_NAME
from estui.model.inventory import Address
from estui.model.observed import FileKind, Observed, ObservedBeat
from estui.model.setting import Setting

OUTPUT = "output.elasticsearch"
SETUP = "setup.kibana"
MONITORING = ("monitoring", "xpack.monitoring")
"""The second is the name of 6.x and 7.x."""
DEFAULT_HOST = "localhost:9200"
KIBANA_PORT = 5601
_WINDOWS = re.compile(r"^([A-Za-z]:[\\/]|\\\\)")
_PATHS = ("keystore.path", f"{OUTPUT}.ssl.certificate", f"{OUTPUT}.ssl.key", f"{OUTPUT}.ssl.certificate_authorities")
_MODULE = re.compile(rf"(?P<item>(?:{LIST_NAME}|metricbeat\.modules)\.\d+)\.module")


def folder_on_host(beat: ObservedBeat) -> str | None:
    """The configuration folder as the Beat itself sees it, or None where it cannot be told.

    Stated in the inventory; else what a path in its yml begins with, where the rest of it is a file of the folder;
    else the package's usual folder.
    """
    if beat.entry.on_host:
        return beat.entry.on_host.rstrip("/\\") or "/"
    files = [name for name, state in beat.files.items() if state.kind in (FileKind.FILE, FileKind.LINK)]
    for key in _PATHS:
        setting = beat.settings.get(key)
        for path in setting.items if setting else ():
            ends = [name for name in files if path.startswith("/") and path.endswith(f"/{name}")]
            if ends:
                return path.removesuffix("/" + max(ends, key=len)) or "/"
    return beat.entry.config if beat.entry.config in (f"/etc/{beat.kind}", f"/usr/share/{beat.kind}") else None


def on_host(folder: str, relative: str) -> str:
    """A name in the configuration folder as the Beat's own host spells it."""
    if _WINDOWS.match(folder):
        return folder + "\\" + relative.replace("/", "\\")
    return f"{folder.rstrip('/')}/{relative}"


def keystore_file(beat: ObservedBeat) -> str:
    """Name of the keystore in the configuration folder."""
    return f"{beat.kind}.keystore"


def uses_elasticsearch(beat: ObservedBeat) -> bool:
    """Whether the Beat sends to Elasticsearch itself, not to Logstash or somebody else."""
    return any(key.startswith(f"{OUTPUT}.") for key in beat.settings) and beat.setting(f"{OUTPUT}.enabled") != "false"


def urls(beat: ObservedBeat, key: str = f"{OUTPUT}.hosts") -> tuple[str, ...]:
    """Hosts of a section, those of the output with their default."""
    setting = beat.settings.get(key)
    return (setting.items if setting else ()) or ((DEFAULT_HOST,) if key == f"{OUTPUT}.hosts" else ())


def has_scheme(url: str) -> bool:
    return "://" in url


def address_of(url: str, default_port: int = hosts.HTTP_DEFAULT_PORT) -> Address | None:
    """Host and port of a URL or `host:port`, as a Beat takes it."""
    try:
        parts = urlsplit(url if has_scheme(url) else f"//{url}")
        return Address(parts.hostname.lower(), parts.port or default_port) if parts.hostname else None
    except ValueError:
        return None


def leads_to_nodes(url: str, observed: Observed) -> bool:
    """Whether a URL means a node of this cluster. A loopback host counts by its port: a Beat on the node's host."""
    address = address_of(url)
    known = {each for node in observed.nodes for each in hosts.known_hosts(node, observed)}
    ports = {each.port for each in known}
    return address is not None and (address in known or (address.host in hosts.LOOPBACK and address.port in ports))


def leads_to_kibana(url: str, observed: Observed) -> bool:
    """Whether a URL means a Kibana of the inventory."""
    address = address_of(url, KIBANA_PORT)
    return address is not None and any(
        kibana.address is not None
        and address.port == kibana.address.port
        and address.host in (kibana.address.host.lower(), *kibana.entry.names, kibana.name, *hosts.LOOPBACK)
        for kibana in observed.kibana
    )


def sources(beat: ObservedBeat) -> Iterator[tuple[str, Mapping[str, Setting]]]:
    """Every yml of the Beat by its path."""
    yield beat.yml, beat.settings
    yield from beat.modules.items()


def modules(beat: ObservedBeat, kinds: tuple[str, ...]) -> Iterator[tuple[str, str, Mapping[str, Setting]]]:
    """Modules of these kinds that are switched on: path of the yml, name that their settings begin with, settings."""
    for path, settings in sources(beat):
        for key, setting in settings.items():
            found = _MODULE.fullmatch(key)
            if found and setting.text in kinds:
                enabled = settings.get(f"{found['item']}.enabled")
                if enabled is None or enabled.text != "false":
                    yield path, found["item"], settings


@dataclass(frozen=True)
class Section:
    """Settings of a Beat that talk to a node or a Kibana by themselves."""

    path: str
    """The yml that they stand in."""
    name: str
    """What they begin with: `output.elasticsearch`, `modules.0`."""
    settings: Mapping[str, Setting]
    is_kibana: bool = False

    @property
    def title(self) -> str:
        return self.name if not self.name.startswith(LIST_NAME) else f"{self.path} {self.name}"

    @property
    def urls(self) -> tuple[str, ...]:
        setting = self.settings.get(f"{self.name}.{'host' if self.name == SETUP else 'hosts'}")
        return (setting.items if setting else ()) or ((DEFAULT_HOST,) if self.name == OUTPUT else ())


def sections(beat: ObservedBeat, observed: Observed) -> Iterator[Section]:
    """Everything of a Beat that talks to this cluster or its Kibanas: the output always, the others where all of their
    hosts are known. Monitoring without hosts goes the output's way."""
    yield Section(beat.yml, OUTPUT, beat.settings)
    found = [Section(beat.yml, f"{prefix}.elasticsearch", beat.settings) for prefix in MONITORING]
    found.append(Section(beat.yml, SETUP, beat.settings, is_kibana=True))
    for path, item, settings in modules(beat, ("elasticsearch", "kibana")):
        found.append(Section(path, item, settings, is_kibana=settings[f"{item}.module"].text == "kibana"))
    for section in found:
        leads = leads_to_kibana if section.is_kibana else leads_to_nodes
        if section.urls and all(leads(url, observed) for url in section.urls):
            yield section
