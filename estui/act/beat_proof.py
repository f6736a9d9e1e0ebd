"""Proof of what a Beat would do with its own files: trust each host that it names, and be let in there.

Judged by the rules of beats.md §2, from here: a host that only the Beat's own network knows cannot be judged.
"""

from __future__ import annotations

from estui.act.context import Context
from estui.act.judging import check_served
from estui.act.mutual_proof import shown_by
from estui.act.peers import REQUEST_TIMEOUT_S, Peers
from estui.decide.beats_paths import OUTPUT, address_of, has_scheme, urls
from estui.decide.hosts import LOOPBACK
from estui.decide.rung import is_secured
from estui.errors import ProbeError
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.model.observed import ObservedBeat, PortState, Served
from estui.observe import es_api
from estui.observe.beat_login import beat_login
from estui.observe.http import Client, Tls
from estui.observe.probe import probe

PROBE_TIMEOUT_S = 5.0


def accepts(context: Context, peers: Peers, target: str) -> str:
    """The Beat, with its own files, would trust every host that it names and be let in there.

    Raises EstuiError in words where it would not.
    """
    proof = _Proof(context, peers)
    beat = peers.read_beat(target)
    return "; ".join(proof.host(beat, url) for url in urls(beat))


class _Proof:
    def __init__(self, context: Context, peers: Peers) -> None:
        self.context = context
        self.peers = peers

    def host(self, beat: ObservedBeat, url: str) -> str:
        named = address_of(url)
        if named is None or "${" in url:
            raise ProbeError(f"{url} cannot be told from here")
        scheme = url.partition("://")[0] if has_scheme(url) else beat.setting(f"{OUTPUT}.protocol") or "http"
        address = self._reached(named)
        served = probe(address, timeout_s=PROBE_TIMEOUT_S)
        if scheme != "https":
            if served.state is not PortState.PLAIN:
                raise ProbeError(f"it speaks plain HTTP to {named}, which is {served.state.value}")
            return f"{named}: plain HTTP, {self._asked(beat, named, Client(address, None, beat_login(beat)))}"
        return f"{named}: TLS as it trusts, {self._over_tls(beat, named, address, served)}"

    def _over_tls(self, beat: ObservedBeat, named: Address, address: Address, served: Served) -> str:
        if beat.setting(f"{OUTPUT}.ssl.enabled") == "false":
            raise ProbeError("ssl.enabled is false: it would trust the CAs of its system only")
        mode = beat.setting(f"{OUTPUT}.ssl.verification_mode") or "full"
        if mode == "none":
            raise ProbeError("its verification_mode is none: whom it talks to is not checked")
        trusted = self._trusted(beat, served)
        by_name = mode != "certificate"
        check_served(served, trusted, now=self.context.now(), host=named.host if by_name else None)
        names = served.leaf.names if served.leaf else ()
        server_name = named.host if by_name or not names else names[0]
        tls = Tls(trusted, server_name=server_name, client=shown_by(beat))
        return self._asked(beat, named, Client(address, tls, beat_login(beat), REQUEST_TIMEOUT_S))

    @staticmethod
    def _trusted(beat: ObservedBeat, served: Served) -> tuple[CertificateFacts, ...]:
        """CAs of its files, and the pinned one where it is in the served chain (beats.md §2)."""
        if beat.trust.problem:
            raise ProbeError(beat.trust.problem)
        pinned = (beat.setting(f"{OUTPUT}.ssl.ca_trusted_fingerprint") or "").lower()
        if beat.version is not None and beat.version.major < 8:
            pinned = ""
        found = tuple(each for each in served.chain if each.is_ca and each.sha256.lower() == pinned)
        trusted = (*beat.trust.trusted, *found)
        if not trusted:
            raise ProbeError(
                "no CA in the served chain has the pinned fingerprint" if pinned else "it names no CA of this cluster"
            )
        return trusted

    def _asked(self, beat: ObservedBeat, named: Address, client: Client) -> str:
        with client:
            if not client.authenticates:
                answer = client.request("GET", "/")
                if answer.status != 200:
                    raise ProbeError(f"{named} answers {es_api.reason(answer)}")
                return "let in without a login"
            user = es_api.authenticate(client) if self._is_secured() else ""
            if user is None:
                raise ProbeError(f"{named} refuses its login (401)")
        return f"let in as {user}" if user else "let in"

    def _is_secured(self) -> bool:
        return any(is_secured(self.peers.read_node(target)) for target in self.peers.nodes)

    def _reached(self, named: Address) -> Address:
        """The address to connect to from here: `localhost` of the Beat's host is the node with that port."""
        if named.host not in LOOPBACK:
            return named
        nodes = (self.peers.read_node(target).http_address for target in self.peers.nodes)
        return next((each for each in nodes if each is not None and each.port == named.port), named)
