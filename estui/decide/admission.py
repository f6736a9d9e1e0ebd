"""What speaks against a certificate that was made elsewhere, and what should be known about it, in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from estui.decide.authorities import OWN_NAMES, split_name
from estui.model.certificate import CertificateFacts
from estui.pki.issuers import is_signed_by

WEAK_HASHES = ("md5", "sha1")
LEAST_RSA_BITS = 2048
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")


@dataclass(frozen=True)
class Admission:
    """Reasons against it, which stop everything, and notes, which stop nothing."""

    reasons: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def weak_key(facts: CertificateFacts) -> str:
    """Why its key is weak; empty where it is not (NIST SP 800-131A: RSA and DSA from 2048 bits)."""
    kind, _, bits = facts.key_type.partition("-")
    if kind in ("rsa", "dsa") and bits.isdigit() and int(bits) < LEAST_RSA_BITS:
        return f"its key is {kind.upper()} {bits}, less than {LEAST_RSA_BITS} bits"
    return ""


def weak_signature(facts: CertificateFacts) -> str:
    """Why its signature is weak; empty where it is not. Java refuses both digests (jdk.certpath.disabledAlgorithms)."""
    if facts.signature_hash in WEAK_HASHES:
        name = {"sha1": "SHA-1", "md5": "MD5"}[facts.signature_hash]
        return f"it is signed with {name}, which Java refuses"
    return ""


def is_root(facts: CertificateFacts) -> bool:
    """Whether a certificate names itself as its issuer."""
    return facts.subject == facts.issuer


def name_reason(name: str) -> str:
    """Why a CA cannot have this name in the workspace; empty where it can."""
    if _NAME.fullmatch(name):
        return ""
    return f"{name!r} is no name for a CA: small letters, digits and hyphens, such as corporate"


def keyless_name_reason(name: str) -> str:
    """Why a CA that comes without its key cannot have this name; empty where it can.

    Under the name of one of estui's own it would be taken for one whose key was lost.
    """
    if split_name(name)[0] not in OWN_NAMES:
        return ""
    return f"{name} is a name of estui's own CAs, and this one comes without its key: another name, such as corporate"


def bundle_reasons(certificates: Sequence[CertificateFacts]) -> list[str]:
    """Why certificates are not one root with the CAs below it."""
    roots = [each for each in certificates if is_root(each)]
    if len(roots) != 1:
        there = ", ".join(dict.fromkeys(each.subject for each in roots or certificates))
        return [f"it holds {len(roots) or 'no'} root CA{'s' * (len(roots) > 1)} ({there})"]
    above, below = [roots[0]], [each for each in certificates if not is_root(each)]
    while fitting := [each for each in below if any(is_signed_by(each, ca) for ca in above)]:
        above += fitting
        below = [each for each in below if each not in fitting]
    reasons = [f"{each.subject} was not signed by {roots[0].subject}, nor by a CA below it" for each in below]
    return reasons + [f"{each.subject} is no CA (no CA:TRUE)" for each in above[1:] if not each.is_ca]


def admit_authority(name: str, facts: CertificateFacts, key_sha256: str | None, now: datetime) -> Admission:
    """Whether a CA may come into the workspace; `key_sha256` is that of the public half of the key given, or None.

    One that has ended comes in with its key only: it can be renewed then, and without it is good for nothing.
    """
    reasons, notes = [name_reason(name), keyless_name_reason(name) if key_sha256 is None else ""], []
    if not facts.is_ca:
        reasons.append(f"{facts.subject} is no certificate authority (no CA:TRUE in its basic constraints)")
    elif facts.key_usage is not None and "keyCertSign" not in facts.key_usage:
        reasons.append(f"{facts.subject} may not sign certificates: its KeyUsage is {', '.join(facts.key_usage)}")
    elif facts.key_usage is None:
        remedy = f"estui ca renew {name} adds one" if key_sha256 is not None else "its owner can renew it with one"
        notes.append(f"it has no KeyUsage, so strict clients such as Python 3.13 refuse it: {remedy}")
    if key_sha256 is not None and key_sha256 != facts.key_sha256:
        reasons.append("the key does not belong to the certificate")
    if facts.not_after <= now and key_sha256 is None:
        reasons.append(f"it ended on {facts.not_after:%Y-%m-%d}, and without its key nothing can be done with it")
    elif facts.not_after <= now:
        notes.append(f"it ended on {facts.not_after:%Y-%m-%d} and signs nothing until: estui ca renew {name}")
    if facts.not_before > now:
        notes.append(f"it is not valid before {facts.not_before:%Y-%m-%d %H:%M} UTC")
    if weak := weak_key(facts):
        notes.append(f"{weak}: plan a new CA")
    if not is_root(facts):
        notes.append(f"it was issued by {facts.issuer}: OpenSSL and Kibana want that root among what they trust too")
        notes += [weak] if (weak := weak_signature(facts)) else []
    return Admission(tuple(filter(None, reasons)), tuple(notes))
