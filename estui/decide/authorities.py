"""Which certificate authority of the workspace signs for a set now, and which ones it trusts.

A CA and its successors share a name and differ by a number: `http`, `http-2`.
"""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.once import once
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Layer
from estui.model.observed import AuthorityFacts, Observed, OnDisk

SERVER_SET = "server"
FAMILIES = {Layer.TRANSPORT.value: "transport", Layer.HTTP.value: "http", SERVER_SET: "http"}
"""The CA that signs the leaves of a set, before it has a successor."""
OWN_NAMES = ("transport", "http", "client", "cluster")
"""CAs that estui makes, before they have successors; the last one signs for several layers."""


_TITLES = {"transport": "transport CA", "http": "HTTP CA", "client": "client CA"}


def authority_title(name: str) -> str:
    """A workspace CA in words: `HTTP CA`; a successor keeps its number, `HTTP CA 2`."""
    base, _, number = name.partition("-")
    return f"{_TITLES.get(base, base + ' CA')}{' ' + number if number else ''}"


def split_name(name: str) -> tuple[str, int]:
    """`http-2` is the second of `http`; a name without a number is the first."""
    base, _, number = name.rpartition("-")
    return (base, int(number)) if base and number.isdigit() else (name, 1)


def disks_of(observed: Observed, set_name: str) -> Iterator[OnDisk]:
    """The files of one kind of set on every target that has it."""
    if set_name == SERVER_SET:
        yield from (each.disk for each in observed.kibana)
    else:
        yield from (node.disk.get(Layer(set_name), OnDisk()) for node in observed.nodes)


def issuer_of(observed: Observed, disk: OnDisk) -> AuthorityFacts | None:
    """The workspace CA that signed the leaf in use: by name, and by its certificate where the files hold one.

    The name alone would mix up a CA with one that was made anew under the same name. An external CA signs through
    intermediates, which are in the chain; where one of them is in the workspace beside its root, it counts only where
    its key is here too, since what everyone trusts is the root.
    """
    found = issuers_of(observed, disk)
    return found[0] if found and found[0].has_key else anchor_of(observed, disk)


def anchor_of(observed: Observed, disk: OnDisk) -> AuthorityFacts | None:
    """The workspace CA above the leaf in use that the set trusts; where it trusts none of them, the topmost one."""
    found, digests = issuers_of(observed, disk), {each.sha256 for each in disk.trusted}
    trusted = [each for each in found if not digests.isdisjoint(each.digests)]
    return next(iter((*trusted, *reversed(found))), None)


def issuers_of(observed: Observed, disk: OnDisk) -> list[AuthorityFacts]:
    """Workspace CAs above the leaf in use, from its issuer up."""
    there = {each.sha256 for each in (*disk.chain, *disk.trusted)}
    found = []
    for issuer in issuer_names(disk):
        named = [each for each in observed.authorities if each.certificate.subject == issuer]
        held = next((each for each in named if not there.isdisjoint(each.digests)), None)
        if held or len(named) == 1:
            found.append(held or named[0])
    return found


def issuer_names(disk: OnDisk) -> Iterator[str]:
    """Subjects of the CAs above the leaf in use, from its issuer up, as far as its chain tells."""
    names = [disk.leaf.issuer] if disk.leaf else []
    for name in names:
        yield name
        names += [each.issuer for each in disk.chain[1:] if each.subject == name and each.issuer not in names][:1]


@once
def in_force(observed: Observed, set_name: str) -> str:
    """Name of the CA that signs new leaves of a set: the one of the newest leaf in use, so that a rollover counts
    once its leaves are switched; without a leaf the newest CA of the family that has a key, else the first name."""
    signed = [
        ((disk.leaf.not_before, split_name(issuer.name)[1]), issuer.name)
        for disk in disks_of(observed, set_name)
        if disk.managed and disk.leaf and (issuer := issuer_of(observed, disk))
    ]
    if signed:
        return max(signed)[1]
    family = FAMILIES[set_name]
    owned = [each.name for each in observed.authorities if each.has_key and split_name(each.name)[0] == family]
    return max(owned, key=split_name, default=family)


def trusted_names(observed: Observed, disk: OnDisk) -> tuple[str, ...]:
    """Workspace CAs that a set trusts, by name."""
    digests = {each.sha256 for each in disk.trusted}
    return tuple(each.name for each in observed.authorities if not digests.isdisjoint(each.digests))


def strangers(observed: Observed, disk: OnDisk) -> tuple[CertificateFacts, ...]:
    """Trusted certificates that are no CA of the workspace: a set that is written anew would lose them."""
    known = {digest for each in observed.authorities for digest in each.digests}
    return tuple(each for each in disk.trusted if each.sha256 not in known)


@once
def trust_for(observed: Observed, layer: Layer) -> tuple[str, ...]:
    """CAs that a new set of a layer has to trust: the one in force, and whatever the nodes' sets trust beside it.

    In the middle of a rollover that is the old CA and its successor.
    """
    first = in_force(observed, layer.value)
    known = [
        name
        for disk in disks_of(observed, layer.value)
        if disk.managed and disk.enabled
        for name in trusted_names(observed, disk)
    ]
    return tuple(dict.fromkeys((first, *known)))


def next_name(observed: Observed, name: str) -> str:
    """Name of the successor of a CA."""
    base, number = split_name(name)
    taken = [split_name(each.name)[1] for each in observed.authorities if split_name(each.name)[0] == base]
    return f"{base}-{max([number, *taken]) + 1}"


def authority_named(observed: Observed, name: str) -> AuthorityFacts | None:
    """The workspace CA of that name, or None."""
    return next((each for each in observed.authorities if each.name == name), None)
