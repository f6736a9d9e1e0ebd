"""What one handshake proves: dates, names, the chain; and the commands that ask the same by hand.

The handshake itself is `observe/probe.py`'s. Nothing here needs a workspace.
"""

from __future__ import annotations

import re
import shlex
from datetime import datetime
from itertools import pairwise

from estui.errors import CertificateError
from estui.formats.pem import parse_certificate
from estui.model.certificate import CertificateFacts
from estui.model.observed import PortState, Served
from estui.model.run import Proof
from estui.pki.chain import verify_chain
from estui.pki.names import covers, normalised_address


def judge(served: Served, name: str, trusted: tuple[CertificateFacts, ...], now: datetime) -> tuple[Proof, ...]:
    """Claims about what a port served, each with what speaks for or against it.

    `name` is what a client would check, `trusted` the CAs that it would trust; without any the chain is judged by
    itself. A port that does not answer proves one thing only.
    """
    target = str(served.address)
    if served.state is not PortState.TLS:
        return (Proof(target, "speaks TLS", ok=False, evidence=served.detail or served.state.value),)
    if served.leaf is None:
        return (Proof(target, "completes a handshake", ok=False, evidence=served.detail or "no certificate came"),)
    version = f"{served.tls_version}, {served.cipher}" if served.tls_version else served.detail
    proofs = [Proof(target, "speaks TLS", ok=True, evidence=version)]
    proofs.append(_dates(target, served.leaf, now))
    proofs.append(_names(target, served.leaf, name))
    proofs.append(_chain(target, served.chain, trusted, now))
    return tuple(proofs)


def _dates(target: str, leaf: CertificateFacts, now: datetime) -> Proof:
    if now < leaf.not_before:
        return Proof(target, "is valid now", ok=False, evidence=f"not before {leaf.not_before:%Y-%m-%d %H:%M} UTC")
    days = leaf.days_left(now)
    ended = leaf.not_after <= now
    since = f"ended {leaf.not_after:%Y-%m-%d}, {leaf.days_ended(now)} d ago"
    evidence = since if ended else f"until {leaf.not_after:%Y-%m-%d}, {days} d"
    return Proof(target, "is valid now", not ended, evidence)


def _names(target: str, leaf: CertificateFacts, name: str) -> Proof:
    """Whether it has the name, and where clients differ about one without SANs."""
    problem = name_check(leaf, name, by_common_name=False)
    if not problem:
        return Proof(target, f"covers {name}", ok=True, evidence=", ".join(leaf.names))
    if not name_check(leaf, name, by_common_name=True):
        problem += "; Elasticsearch, Kibana and curl take that, strict Beats, Python and browsers do not"
    return Proof(target, f"covers {name}", ok=False, evidence=problem)


def name_check(leaf: CertificateFacts, host: str, *, by_common_name: bool) -> str:
    """Why a client that checks names would refuse the leaf under this one, in words; empty where it would not.

    Java, Node.js, OpenSSL, curl and Beats with `full` look at the CN of a leaf that has no SAN at all, for host names;
    Beats with `strict`, Python and browsers do not (RFC 9525 §6.2, beats.md §2).
    """
    if covers(leaf, host):
        return ""
    if not leaf.names:
        named = common_name(leaf.subject)
        if by_common_name and named and named.lower() == host.lower() and normalised_address(host) is None:
            return ""
        return f"no name {host}: it has no SAN at all" + (f", only CN={named}" if named else "")
    return f"no name {host}: it has {', '.join(leaf.names)}"


def common_name(subject: str) -> str:
    """The CN of an RFC 4514 text, empty where there is none."""
    found = re.search(r"(?:^|,)CN=((?:\\.|[^,+\\])*)", subject)
    return found.group(1) if found else ""


def _chain(
    target: str, chain: tuple[CertificateFacts, ...], trusted: tuple[CertificateFacts, ...], now: datetime
) -> Proof:
    """Against the given CAs; without any, whether what was sent is one chain."""
    if not trusted:
        broken = next((lower for lower, upper in pairwise(chain) if lower.issuer != upper.subject), None)
        if broken is not None:
            evidence = f"{broken.subject} is not followed by its issuer {broken.issuer}"
            return Proof(target, "sends a chain in order", ok=False, evidence=evidence)
        last = chain[-1]
        end = "ends with a root" if last.issuer == last.subject else f"its issuer {last.issuer} is not sent"
        count = "1 certificate" if len(chain) == 1 else f"{len(chain)} certificates"
        return Proof(target, "sends a chain in order", ok=True, evidence=f"{count}, {end}; no CA was given to check it")
    leaf, *above = (parse_certificate(facts.der, facts.subject) for facts in chain)
    anchors = [parse_certificate(facts.der, facts.subject) for facts in trusted]
    try:
        verify_chain(leaf, above, anchors, now=now, purpose="server", host=None)
    except CertificateError as exc:
        return Proof(target, "is trusted by the given CA", ok=False, evidence=exc.summary)
    return Proof(target, "is trusted by the given CA", ok=True, evidence=f"issued by {chain[0].issuer}")


def commands(served: Served, name: str, authority: str = "") -> tuple[str, ...]:
    """Lines for a shell that ask the same: `openssl s_client` where TLS is spoken, `curl` where HTTP is.

    `authority` is the path of a file with CAs, or empty. Everything foreign is quoted.
    """
    if served.address is None:
        return ()
    host = f"[{served.address.host}]" if ":" in served.address.host else served.address.host
    where = f"{host}:{served.address.port}"
    if served.state is PortState.PLAIN and "transport" not in served.detail:
        return (shlex.join(["curl", "-v", f"http://{where}/"]),)
    words = ["openssl", "s_client", "-connect", where, "-showcerts"]
    if normalised_address(name) is None:
        words += ["-servername", name, "-verify_hostname", name]
    else:
        words += ["-verify_ip", name.strip("[]")]
    words += ["-CAfile", authority] if authority else []
    asked = f"{shlex.join(words)} </dev/null"
    if served.state is not PortState.TLS or served.client_certificate:
        return (asked,)  # a node's transport port, most likely, which speaks no HTTP
    check = ["--cacert", authority] if authority else ["--insecure"]
    asks = f"https://{where}/"
    if normalised_address(name) is None and name != served.address.host:  # under the name that is checked, there
        check += ["--connect-to", f"{name}:{served.address.port}:{where}"]
        asks = f"https://{name}:{served.address.port}/"
    return (asked, shlex.join(["curl", "-v", *check, asks]))
