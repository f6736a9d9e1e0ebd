"""Leaves that their CA cuts short, and CAs that end soon: sentences for the top of a review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from estui.decide.authorities import authority_named, trusted_names
from estui.decide.kibana import TRUST_SET
from estui.model.goal import Goal, Rotation
from estui.model.inventory import Layer, Policy, StoreFormat
from estui.model.observed import AuthorityFacts, Observed
from estui.model.plan import Change, LeafRequest, PublishSet

AUTHORITY_DAYS = 90
"""A CA takes weeks to replace, so it is told earlier than a leaf."""


def is_authority_due(authority: AuthorityFacts, policy: Policy, now: datetime) -> bool:
    """Whether a CA is in its own renewal window."""
    return authority.certificate.days_left(now) <= max(AUTHORITY_DAYS, policy.renew_before_days)


def authority_remedy(authority: AuthorityFacts) -> str:
    """What to type for a CA that ends."""
    if not authority.has_key:
        return "a new certificate of it has to come from those who run it"
    return f"estui ca renew {authority.name} makes it last, with the same key"


def renewed_trust(observed: Observed, goal: Goal, now: datetime) -> Iterator[PublishSet]:
    """Kibana's trust where it holds the certificate of a CA from before its renewal, which ends earlier: what a
    rotation brings along."""
    rotation = goal.rotation or Rotation()
    if rotation.sets and Layer.HTTP.value not in rotation.sets:
        return
    earlier = {digest for each in observed.authorities for digest in each.earlier}
    for each in observed.kibana:
        old = [facts for facts in each.trust.trusted if facts.sha256 in earlier]
        days = min((facts.days_left(now) for facts in old), default=0)
        due = not rotation.due_only or days <= observed.inventory.policy.renew_before_days
        if old and due and each.trust.managed and (not goal.only or each.target in goal.only):
            trust = trusted_names(observed, each.trust)
            why = "the CA was renewed: its new certificate lasts longer"
            yield PublishSet(each.target, TRUST_SET, None, trust, StoreFormat.PEM, True, why)


def notes(changes: Iterable[Change], observed: Observed, now: datetime) -> list[str]:
    """What the CAs' own ends mean for the leaves of a plan."""
    requests = [change.request for change in changes if isinstance(change, PublishSet) and change.request]
    found = []
    for name in dict.fromkeys(request.authority for request in requests):
        authority = authority_named(observed, name)
        if authority is not None and authority.has_key:
            found += _cut_short([each for each in requests if each.authority == name], authority, now)
            found += _ends_soon(authority, observed.inventory.policy, now)
    return found


def _cut_short(requests: list[LeafRequest], authority: AuthorityFacts, now: datetime) -> list[str]:
    end = authority.certificate.not_after
    by_days: dict[int, list[str]] = {}
    for request in requests:
        if now + timedelta(days=request.days) > end:
            by_days.setdefault(request.days, []).append(f"{request.target} {request.set_name}")
    return [
        f"{', '.join(names)}: a leaf of {days} days ends with its CA on {end:%Y-%m-%d}"
        for days, names in by_days.items()
    ]


def _ends_soon(authority: AuthorityFacts, policy: Policy, now: datetime) -> list[str]:
    if not is_authority_due(authority, policy, now):
        return []
    certificate = authority.certificate
    ends = f"ends in {certificate.days_left(now)} days" if certificate.not_after > now else "has ended"
    return [f"the CA {authority.name} {ends}: {authority_remedy(authority)}"]
