"""The CAs above a certificate, by name and key: which anchors would make a peer accept it.

Who trusts what is `trust_check`'s; whether a chain holds in every respect is `pki/chain.py`'s.
"""

from __future__ import annotations

from collections.abc import Iterable

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from estui.errors import StoreError
from estui.formats.pem import parse_certificate
from estui.model.certificate import CertificateFacts

Identity = tuple[str, str]
"""Subject and key of a certificate: a CA that was renewed with the same key is the same trust anchor, because an
anchor is a name and a public key (RFC 5280 §6.1.1)."""
Identities = frozenset[Identity]
_LONGEST_CHAIN = 8


def identity(facts: CertificateFacts) -> Identity:
    return facts.subject, facts.key_sha256


class Paths:
    """Looks up issuers among the certificates that are known; each signature is checked once, and only where CAs
    share a name."""

    def __init__(self, known: Iterable[CertificateFacts]) -> None:
        self.known = tuple({facts.sha256: facts for facts in known}.values())
        self._named: dict[str, dict[Identity, CertificateFacts]] = {}
        for facts in self.known:
            if facts.is_ca:
                self._named.setdefault(facts.subject, {})[identity(facts)] = facts
        self._issuers: dict[str, Identities] = {}

    def path(self, chain: tuple[CertificateFacts, ...]) -> Identities:
        """The first certificate of a chain as sent, and every CA above it: up to the first that is not sent."""
        if not chain:
            return frozenset()
        current, found = chain[0], {identity(chain[0])}
        for _ in range(_LONGEST_CHAIN):
            issuers = self.issuers(current)
            found |= issuers
            above = next((each for each in chain[1:] if identity(each) in issuers and each is not current), None)
            if above is None:
                break
            current = above
        return frozenset(found)

    def issuers(self, facts: CertificateFacts) -> Identities:
        """Known CAs that can have signed a certificate: one as a rule, none where its CA is not known."""
        if facts.sha256 not in self._issuers:
            named = self._named.get(facts.issuer, {})
            self._issuers[facts.sha256] = frozenset(named if len(named) < 2 else _signers(facts, named))
        return self._issuers[facts.sha256]


def _signers(facts: CertificateFacts, named: dict[Identity, CertificateFacts]) -> list[Identity]:
    return [found for found, authority in named.items() if _signed_by(facts, authority)]


def _signed_by(facts: CertificateFacts, authority: CertificateFacts) -> bool:
    """Whether the signature is that CA's; where it cannot be checked, the name has to do."""
    try:
        _loaded(facts).verify_directly_issued_by(_loaded(authority))
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm, StoreError):
        return True
    return True


def _loaded(facts: CertificateFacts) -> x509.Certificate:
    return parse_certificate(facts.der, facts.subject)
