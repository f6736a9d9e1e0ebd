"""What a peer would say to what a port serves, judged as that peer judges it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from estui.errors import ProbeError
from estui.formats.pem import parse_certificate
from estui.model.certificate import CertificateFacts
from estui.model.observed import PortState, Served
from estui.pki.chain import verify_chain


def check_served(served: Served, trusted: Iterable[CertificateFacts], *, now: datetime, host: str | None) -> None:
    """Raises ProbeError or CertificateError, in words, where a peer that trusts `trusted` would not accept this."""
    if served.state is not PortState.TLS or served.leaf is None:
        raise ProbeError(f"{served.address} {served.state.value}: {served.detail or 'no TLS'}")
    chain = [parse_certificate(each.der, "the served chain") for each in served.chain]
    anchors = [parse_certificate(each.der, "the trusted CA") for each in trusted]
    verify_chain(chain[0], chain[1:], anchors, now=now, purpose="server", host=host)
