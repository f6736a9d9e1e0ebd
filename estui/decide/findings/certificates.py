"""Rules about the life of certificates, on disk, served and of the workspace's authorities."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from estui.decide.findings.rule import Facts, Hit, Text, about_cluster
from estui.decide.findings.view import at_file, disk_of, place, tls_on
from estui.decide.lifetimes import AUTHORITY_DAYS
from estui.model.certificate import CertificateFacts
from estui.model.finding import Severity
from estui.model.inventory import Layer
from estui.model.observed import OnDisk

_PEERS = "the node itself starts without a word; its peers and clients refuse it"


@dataclass(frozen=True)
class _Use:
    """A certificate and one place where it is used."""

    target: str
    what: str
    where: str
    facts: CertificateFacts
    disk: OnDisk


def _uses(facts: Facts) -> Iterator[_Use]:
    """Leaves in use: on disk, and as served where that is another one."""
    for node in facts.nodes:
        for layer in Layer:
            disk, served = disk_of(node, layer), node.port(layer)
            if disk.leaf is not None and tls_on(node, layer):
                file = next((named.relative for named in disk.named if named.setting in _LEAF_FILES), "")
                yield _Use(node.target, f"{layer.value} certificate", at_file(node, file), disk.leaf, disk)
            if served.leaf is not None and (disk.leaf is None or served.leaf.sha256 != disk.leaf.sha256):
                yield _Use(node.target, f"served {layer.value} certificate", str(served.address), served.leaf, disk)
    for kibana in facts.kibana:
        if kibana.disk.leaf is not None and kibana.disk.enabled:
            file = next((named.relative for named in kibana.disk.named if named.setting in _LEAF_FILES), "")
            where = place(kibana.entry.config, file)
            yield _Use(kibana.target, "server certificate", where, kibana.disk.leaf, kibana.disk)


_LEAF_FILES = ("certificate", "keystore.path")


@about_cluster(
    Text(
        "leaf-expired",
        Severity.ERROR,
        "a certificate has expired",
        f"{_PEERS}: CertificateExpiredException; open connections live on until they are lost",
        "renew it: estui rotate TARGET",
        "seen on Elasticsearch 9.1.0",
    )
)
def leaf_expired(facts: Facts) -> Iterator[Hit]:
    for use in _uses(facts):
        if use.facts.not_after <= facts.now:
            days = use.facts.days_ended(facts.now)
            yield Hit(use.target, f"{use.what} {use.facts.subject} expired {days} d ago", use.where)


@about_cluster(
    Text(
        "leaf-expires-soon",
        Severity.WARNING,
        "a certificate ends soon",
        "nothing until it ends; then peers and clients refuse it",
        "renew it: estui rotate --due",
        "policy.renew_before_days of the inventory, 30 by default",
    )
)
def leaf_expires_soon(facts: Facts) -> Iterator[Hit]:
    within = facts.observed.inventory.policy.renew_before_days
    for use in _uses(facts):
        days = use.facts.days_left(facts.now)
        if use.facts.not_after > facts.now and days <= within:
            yield Hit(use.target, f"{use.what} {use.facts.subject} ends in {days} d", use.where)


@about_cluster(
    Text(
        "leaf-not-yet-valid",
        Severity.ERROR,
        "a certificate is not valid yet",
        f"{_PEERS}: CertificateNotYetValidException",
        "compare the clocks of the hosts, or wait",
        "seen on Elasticsearch 9.1.0",
    )
)
def leaf_not_yet_valid(facts: Facts) -> Iterator[Hit]:
    for use in _uses(facts):
        if use.facts.not_before > facts.now:
            summary = f"{use.what} {use.facts.subject} is not valid before {use.facts.not_before:%Y-%m-%d %H:%M} UTC"
            yield Hit(use.target, summary, use.where)


def _issuer(use: _Use, facts: Facts) -> CertificateFacts | None:
    """The certificate of the leaf's CA, where one with its name is at hand."""
    known = (*use.disk.chain[1:], *use.disk.trusted, *(each.certificate for each in facts.observed.authorities))
    named = [facts for facts in known if facts.subject == use.facts.issuer and facts.is_ca]
    return max(named, key=lambda facts: facts.not_after, default=None)


@about_cluster(
    Text(
        "leaf-outlives-authority",
        Severity.WARNING,
        "a certificate is valid longer than the CA that issued it",
        "peers and clients refuse it when the CA ends, whatever its own date says",
        "plan a new CA before that: estui ca rollover",
        "RFC 5280 §6.1",
    )
)
def leaf_outlives_authority(facts: Facts) -> Iterator[Hit]:
    for use in _uses(facts):
        issuer = _issuer(use, facts)
        # Made in one go with the same life, as Elasticsearch's own set-up does, a leaf ends seconds after its CA.
        days = (use.facts.not_after - issuer.not_after).days if issuer else 0
        if days >= 1:
            yield Hit(use.target, f"{use.what} {use.facts.subject} outlives its CA by {days} d", use.where)


@about_cluster(
    Text(
        "leaf-short-lived",
        Severity.WARNING,
        "a certificate whose whole life is shorter than the time before its end at which it is renewed",
        "nothing until it ends; it is due for renewal from its first day",
        "lower policy.renew_before_days, or have it issued for longer",
        "policy.renew_before_days of the inventory, 30 by default",
    )
)
def leaf_short_lived(facts: Facts) -> Iterator[Hit]:
    within = facts.observed.inventory.policy.renew_before_days
    for use in _uses(facts):
        life = (use.facts.not_after - use.facts.not_before).days
        if life <= within:
            yield Hit(use.target, f"{use.what} {use.facts.subject} lives {life} d in all", use.where)


def _authorities(facts: Facts) -> Iterator[_Use]:
    """CAs that contexts trust or send, and those of the workspace; each once for every place."""
    for node in facts.nodes:
        for layer in Layer:
            disk = disk_of(node, layer)
            if not tls_on(node, layer):
                continue
            anchors = {each.sha256: each for each in (*disk.trusted, *disk.chain[1:]) if each.is_ca}
            for anchor in anchors.values():
                if disk.leaf is not None and anchor.subject == disk.leaf.issuer:
                    yield _Use(node.target, f"CA of the {layer.value} certificate", at_file(node, ""), anchor, disk)
    for authority in facts.observed.authorities:
        yield _Use(f"ca/{authority.name}", "CA of the workspace", "", authority.certificate, OnDisk())


@about_cluster(
    Text(
        "authority-expired",
        Severity.ERROR,
        "a CA has expired",
        "every certificate that it issued is refused, whatever its own date says",
        "renew it (estui ca renew), or bring in a new one: estui ca rollover",
        "RFC 5280 §6.1",
    )
)
def authority_expired(facts: Facts) -> Iterator[Hit]:
    for use in _authorities(facts):
        if use.facts.not_after <= facts.now:
            days = use.facts.days_ended(facts.now)
            yield Hit(use.target, f"{use.what}, {use.facts.subject}, expired {days} d ago", use.where)


@about_cluster(
    Text(
        "authority-expires-soon",
        Severity.WARNING,
        "a CA ends soon",
        "nothing until it ends; then every certificate that it issued is refused",
        "make it last (estui ca renew), or bring in a new one, which takes a while: estui ca rollover",
        "RFC 5280 §6.1",
    )
)
def authority_expires_soon(facts: Facts) -> Iterator[Hit]:
    for use in _authorities(facts):
        days = use.facts.days_left(facts.now)
        if use.facts.not_after > facts.now and days <= AUTHORITY_DAYS:
            yield Hit(use.target, f"{use.what}, {use.facts.subject}, ends in {days} d", use.where)


@about_cluster(
    Text(
        "authority-key-missing",
        Severity.NOTE,
        "the workspace has a CA without its key",
        "what is there keeps working; new certificates of this CA cannot be issued here",
        "for a CA of others nothing (estui csr export); else import the key, or plan a new CA: estui ca rollover",
        "the workspace",
    )
)
def authority_key_missing(facts: Facts) -> Iterator[Hit]:
    for authority in facts.observed.authorities:
        if not authority.has_key:
            yield Hit(f"ca/{authority.name}", f"the key of {authority.certificate.subject} is not in the workspace")


@about_cluster(
    Text(
        "authority-key-discarded",
        Severity.NOTE,
        "the transport CA of Elasticsearch's own set-up, whose key was thrown away",
        "the certificates live 99 years; another one of this CA can never be issued",
        "for new certificates bring in a CA of your own: estui plan basic",
        "AutoConfigureNode, 8.0 and later",
    )
)
def authority_key_discarded(facts: Facts) -> Iterator[Hit]:
    for node in facts.nodes:
        disk = disk_of(node, Layer.TRANSPORT)
        if disk.leaf is not None and "security auto-configuration transport CA" in disk.leaf.issuer:
            file = next((named.relative for named in disk.named), "")
            yield Hit(node.target, f"{disk.leaf.issuer} issued its transport certificate", at_file(node, file))


RULES = (
    leaf_expired,
    leaf_expires_soon,
    leaf_not_yet_valid,
    leaf_outlives_authority,
    leaf_short_lived,
    authority_expired,
    authority_expires_soon,
    authority_key_missing,
    authority_key_discarded,
)
