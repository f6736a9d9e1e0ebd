"""Whether a chain of certificates holds, and why not, in words.

Owns the judgement of certificates that are at hand; fetching them is `observe/probe.py`. More lenient than browsers:
authorities that certutil made before 2025 have no KeyUsage, and clusters run on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509 import verification

from estui.errors import CertificateError
from estui.formats.pem import is_named_issuer, tolerating_odd_certificates
from estui.model.certificate import CertificateFacts
from estui.pki.facts import certificate_facts
from estui.pki.names import covers

Purpose = Literal["server", "client"]
_USAGES = {"server": "serverAuth", "client": "clientAuth"}
_DEEPEST = 8


def verify_chain(
    leaf: x509.Certificate,
    intermediates: Sequence[x509.Certificate],
    trusted: Sequence[x509.Certificate],
    *,
    now: datetime,
    purpose: Purpose,
    host: str | None,
) -> None:
    """Returns where a peer that trusts `trusted` accepts this chain; `host` None leaves names unchecked.

    Raises CertificateError: with the reason in words, and the verifier's own text among `reasons`.
    """
    facts = certificate_facts(leaf)
    _check_dates(facts, now)
    _check_usage(facts, purpose)
    if host is not None:
        _check_name(facts, host)
    if not trusted:
        raise CertificateError("no certificate authority is trusted")
    if any(anchor == leaf for anchor in trusted):
        return  # trusted itself: OpenSSL with partial chains and Java accept that
    try:
        with tolerating_odd_certificates():
            _verifier(trusted, now).verify(leaf, list(intermediates))
    except (verification.VerificationError, ValueError, UnsupportedAlgorithm) as exc:
        summary, hint = _reason(facts, leaf, [*intermediates], [*trusted], now)
        raise CertificateError(summary, hint=hint, reasons=(f"verifier: {exc}",)) from exc


def _verifier(trusted: Sequence[x509.Certificate], now: datetime) -> verification.ClientVerifier:
    """A verifier of signatures, dates and authorities only.

    cryptography's defaults follow the web's rules and refuse authorities without KeyUsage or AKI. The client verifier
    serves both directions, because names and usage are checked here, with words of our own.
    """
    authority = verification.ExtensionPolicy.permit_all().require_present(
        x509.BasicConstraints, verification.Criticality.AGNOSTIC, None
    )
    policy = verification.PolicyBuilder().store(verification.Store(list(trusted))).time(now).max_chain_depth(_DEEPEST)
    return policy.extension_policies(
        ca_policy=authority, ee_policy=verification.ExtensionPolicy.permit_all()
    ).build_client_verifier()


def _check_dates(facts: CertificateFacts, now: datetime) -> None:
    if now < facts.not_before:
        raise CertificateError(
            f"certificate {facts.subject} is not valid before {_when(facts.not_before)}",
            hint="compare the clocks of the hosts",
        )
    if now > facts.not_after:
        raise CertificateError(
            f"certificate {facts.subject} expired on {_when(facts.not_after)}", hint="renew it: estui rotate"
        )


def _check_usage(facts: CertificateFacts, purpose: Purpose) -> None:
    usage = _USAGES[purpose]
    if not facts.allows(usage) and not facts.allows("anyExtendedKeyUsage"):
        allowed = ", ".join(facts.extended_key_usage or ()) or "nothing"
        raise CertificateError(f"certificate {facts.subject} is not for {usage}: it allows {allowed}")


def _check_name(facts: CertificateFacts, host: str) -> None:
    if not covers(facts, host):
        names = ", ".join(facts.names) or "none"
        raise CertificateError(f"certificate {facts.subject} does not cover {host}", hint=f"the names it has: {names}")


def _reason(
    facts: CertificateFacts,
    leaf: x509.Certificate,
    intermediates: list[x509.Certificate],
    trusted: list[x509.Certificate],
    now: datetime,
) -> tuple[str, str]:
    """Why the verifier refused, found by walking up the names; summary and hint."""
    last, last_facts = leaf, facts
    for _ in range(_DEEPEST):
        named = [one for one in (*trusted, *intermediates) if is_named_issuer(one, last) and one != last]
        if not named:
            trusts = ", ".join(dict.fromkeys(certificate_facts(one).subject for one in trusted))
            return f"unknown certificate authority: {last_facts.issuer}", f"trusted here: {trusts}"
        signer = next((one for one in named if _signed_by(last, one)), None)
        if signer is None:
            digest = certificate_facts(named[0]).sha256[:16]
            return (
                f"certificate {last_facts.subject} was signed by another {last_facts.issuer} than the one here",
                f"same name, other key: the one here has SHA-256 {digest}…",
            )
        last, last_facts = signer, certificate_facts(signer)
        if now > last_facts.not_after:
            return f"certificate authority {last_facts.subject} expired on {_when(last_facts.not_after)}", ""
        if now < last_facts.not_before:
            return f"certificate authority {last_facts.subject} is not valid before {_when(last_facts.not_before)}", ""
        if not last_facts.is_ca:
            return f"issuer {last_facts.subject} is no certificate authority", ""
        if signer in trusted:
            break
    return f"the chain of certificate {facts.subject} was refused", ""


def _signed_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
