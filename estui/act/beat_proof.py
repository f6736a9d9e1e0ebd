"""Proof of what a Beat would do with its own files: trust each host that it names, and be let in there.

Of its output first, which is what a restart waits for; then of whatever else talks to this cluster: monitoring,
modules, and Kibana for its set-up. Judged by the rules of beats.md §2, from here: a host that only the Beat's own
network knows cannot be judged, nor a login that comes from the environment of its process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from estui.act.context import Context
from estui.act.judging import check_served
from estui.act.mutual_proof import shown_by
from estui.act.peers import REQUEST_TIMEOUT_S, Peers
from estui.decide.beats_names import unheld
from estui.decide.beats_paths import (
    KIBANA_PORT,
    OUTPUT,
    Section,
    address_of,
    has_scheme,
    sections,
)
from estui.decide.beats_pins import pin_in_force
from estui.decide.hosts import HTTP_DEFAULT_PORT, LOOPBACK
from estui.decide.rung import is_secured
from estui.errors import ProbeError
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.model.observed import Observed, ObservedBeat, OnDisk, PortState, Served
from estui.observe import es_api
from estui.observe.beat_folder import section_trust
from estui.observe.beat_login import beat_login
from estui.observe.http import ApiKey, Client, Credentials, Tls
from estui.observe.probe import probe

PROBE_TIMEOUT_S = 5.0
ELSEWHERE = "from the environment of its process, which is not seen from here"


def accepts(context: Context, peers: Peers, target: str) -> str:
    """The Beat, with its own files, would trust every host of its output and be let in there.

    Raises EstuiError in words where it would not.
    """
    beat = peers.read_beat(target)
    return _Proof(context, peers, beat, Section(beat.yml, OUTPUT, beat.settings)).all_hosts()


def proofs(context: Context, peers: Peers, target: str) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is claimed of a Beat, each with what proves it: of its output, and of all else that talks here."""
    beat = peers.read_beat(target)
    yield "would trust its hosts and be let in", partial(accepts, context, peers, target)
    observed = Observed(
        context.inventory,
        tuple(peers.read_node(name) for name in peers.nodes),
        tuple(peers.read_kibana(name) for name in peers.kibana),
    )
    for section in sections(beat, observed):
        if section.name != OUTPUT:
            yield f"the same of {section.title}", _Proof(context, peers, beat, section).all_hosts


@dataclass
class _Proof:
    """One section of a Beat's files."""

    context: Context
    peers: Peers
    beat: ObservedBeat
    section: Section

    def all_hosts(self) -> str:
        return "; ".join(self._host(url) for url in self.section.urls)

    def _setting(self, name: str) -> str:
        found = self.section.settings.get(f"{self.section.name}.{name}")
        return found.text if found else ""

    def _host(self, url: str) -> str:
        named = address_of(url, KIBANA_PORT if self.section.is_kibana else HTTP_DEFAULT_PORT)
        if named is None or "${" in url:
            raise ProbeError(f"{url} cannot be told from here")
        scheme = url.partition("://")[0] if has_scheme(url) else self._setting("protocol") or "http"
        address = self._reached(named)
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        if scheme != "https":
            if served.state is not PortState.PLAIN:
                raise ProbeError(f"it speaks plain HTTP to {named}, which is {served.state.value}")
            return f"{named}: plain HTTP" + self._asked(named, address, None)
        return f"{named}: TLS as it trusts" + self._over_tls(named, address, served)

    def _over_tls(self, named: Address, address: Address, served: Served) -> str:
        if self._setting("ssl.enabled") == "false":
            raise ProbeError("ssl.enabled is false: it would trust the CAs of its system only")
        mode = self._setting("ssl.verification_mode") or "full"
        if mode == "none":
            raise ProbeError("its verification_mode is none: whom it talks to is not checked")
        disk = section_trust(self.beat, self.section.settings, self.section.name, folder=self.context.plan.folder)
        trusted = self._trusted(disk, served)
        by_name = mode != "certificate"
        check_served(served, trusted, now=self.context.now(), host=named.host if by_name else None)
        names = served.leaf.names if served.leaf else ()
        server_name = named.host if by_name or not names else names[0]
        shown = shown_by(replace(self.beat, trust=disk))
        return self._asked(named, address, Tls(trusted, server_name=server_name, client=shown))

    def _trusted(self, disk: OnDisk, served: Served) -> tuple[CertificateFacts, ...]:
        """CAs of its files, and the pinned one where it is in the served chain (beats.md §2)."""
        if disk.problem:
            raise ProbeError(disk.problem)
        pinned = pin_in_force(self.beat, self.section.settings, self.section.name)
        found = tuple(each for each in served.chain if each.is_ca and each.sha256.lower() == pinned)
        trusted = (*disk.trusted, *found)
        if not trusted:
            raise ProbeError(
                "no CA in the served chain has the pinned fingerprint" if pinned else "it names no CA of this cluster"
            )
        return trusted

    def _asked(self, named: Address, address: Address, tls: Tls | None) -> str:
        """What the host says to the section's login; nothing of Kibana, which takes logins of people."""
        if self.section.is_kibana:
            return ""
        unseen = self._login_is_unseen()
        login = None if unseen else beat_login(self.beat, self.section.name, self.section.settings)
        with Client(address, tls, login, REQUEST_TIMEOUT_S) as client:
            if unseen:
                client.request("GET", "/")
                return f", its login comes {ELSEWHERE}"
            return f", {self._let_in(named, client, login)}"

    def _let_in(self, named: Address, client: Client, login: Credentials | None) -> str:
        if login is None:
            answer = client.request("GET", "/")
            if answer.status != 200:
                raise ProbeError(f"{named} answers {es_api.reason(answer)}")
            return "let in without a login"
        user = es_api.authenticate(client) if self._is_secured() else ""
        if user is None:
            raise ProbeError(f"{named} refuses its login (401)")
        by = "with its API key, made by" if isinstance(login, ApiKey) else "as"
        return f"let in {by} {user}" if user else "let in"

    def _login_is_unseen(self) -> bool:
        names = ("username", "password", "api_key")
        keys = {f"{self.section.name}.{name}" for name in names}
        return any(path == self.section.path and setting.key in keys for _, path, setting in unheld(self.beat))

    def _is_secured(self) -> bool:
        return any(is_secured(self.peers.read_node(target)) for target in self.peers.nodes)

    def _reached(self, named: Address) -> Address:
        """The address to connect to from here: `localhost` of the Beat's host is what has that port."""
        if named.host not in LOOPBACK:
            return named
        nodes = (self.peers.read_node(target).http_address for target in self.peers.nodes)
        kibana = (self.peers.read_kibana(target).address for target in self.peers.kibana)
        known: Mapping[int, Address] = {each.port: each for each in (*kibana, *nodes) if each is not None}
        return known.get(named.port, named)
