"""Certificate files that keep the names a yml has: which of them a change replaces, and who shares them.

They belong to set-ups that estui did not make. What cannot be replaced, and why, is said here; the bytes are made
by `act/fixed.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from estui.formats.jks import convert_command
from estui.model.observed import NamedFile, OnDisk
from estui.model.plan import Change, FixedFile, LeafRequest, PublishSet

LEAF_ROLES = ("certificate", "key", "keystore.path")
TRUST_ROLES = ("certificate_authorities", "truststore.path")
KEYSTORE = "keystore.path"
WHY = "set up without estui, so the files keep their names: each is replaced by a rename, one after the other"
GAP = (
    "a node that looks at its files between the renames of certificate and key refuses new connections until it looks "
    "again, after 5 seconds as a rule; connections that are open stay"
)
"""real-elasticsearch.md §7: a pair that does not match is loaded without a word."""


def fixed_of(disk: OnDisk) -> tuple[FixedFile, ...]:
    """The files behind a TLS context by role and path, each pair once; empty for a set of estui's own."""
    if disk.managed:
        return ()
    found = (FixedFile(each.setting, each.relative) for each in disk.named if each.relative)
    return tuple(dict.fromkeys(found))


def written_files(change: PublishSet) -> tuple[FixedFile, ...]:
    """Those of a change's files that it replaces, in the order of their renames: what is trusted comes first.

    A new leaf replaces certificate and key; `trust` replaces the CA files, and the keystore where nothing else says
    what is trusted (file-formats.md §5.1). Without `trust` everything that is trusted stays as it is.
    """
    trusting = [each for each in change.fixed if each.role in TRUST_ROLES] if change.trust else []
    leaf = [each for each in change.fixed if each.role in LEAF_ROLES] if change.request else []
    if change.trust and not trusting:
        leaf = leaf or [each for each in change.fixed if each.role == KEYSTORE]
    return tuple(dict.fromkeys((*trusting, *leaf)))


def written_paths(change: PublishSet) -> tuple[str, ...]:
    """Paths of `written_files`, each once."""
    return tuple(dict.fromkeys(each.path for each in written_files(change)))


def leaf_paths(files: Iterable[FixedFile]) -> frozenset[str]:
    """Paths of the files that hold a leaf or its key."""
    return frozenset(each.path for each in files if each.role in LEAF_ROLES)


def groups(changes: Sequence[Change]) -> list[tuple[PublishSet, ...]]:
    """Changes with fixed names that share the files of their leaf, together; in the order of the first of each."""
    found: list[list[PublishSet]] = []
    of_target: dict[str, list[list[PublishSet]]] = {}
    for change in changes:
        if not isinstance(change, PublishSet) or not change.fixed:
            continue
        paths = leaf_paths(change.fixed)
        mine = of_target.setdefault(change.target, [])
        mate = next((group for group in mine if any(paths & leaf_paths(each.fixed) for each in group)), None)
        if mate is None:
            mine.append([change])
            found.append(mine[-1])
        else:
            mate.append(change)
    return [tuple(group) for group in found]


def joined(changes: Sequence[Change]) -> tuple[Change, ...]:
    """The same changes; where several layers of a node share one leaf, each asks for the same one, which has the names
    and usages of all."""
    shared: dict[tuple[str, str], LeafRequest] = {}
    for group in groups(changes):
        requests = [change.request for change in group if change.request]
        if len(requests) > 1:
            union = union_of(requests)
            shared |= {(change.target, change.set_name): union for change in group if change.request}
    return tuple(
        replace(change, request=replace(shared[change.target, change.set_name], set_name=change.set_name))
        if isinstance(change, PublishSet) and change.fixed and (change.target, change.set_name) in shared
        else change
        for change in changes
    )


def union_of(requests: Sequence[LeafRequest]) -> LeafRequest:
    """The first of several requests, with the names and usages of all."""
    return replace(
        requests[0],
        dns_names=tuple(dict.fromkeys(name for each in requests for name in each.dns_names)),
        addresses=tuple(dict.fromkeys(name for each in requests for name in each.addresses)),
        usages=tuple(dict.fromkeys(usage for each in requests for usage in each.usages)),
    )


def unusable(name: str, files: Iterable[NamedFile], roles: tuple[str, ...] = LEAF_ROLES) -> list[str]:
    """Why files with these roles, by the words of whoever read them, cannot be replaced."""
    reasons = []
    for each in files:
        if each.setting not in roles:
            continue
        if each.format == "JKS":
            reasons.append(
                f"{name}: {each.name} is a JKS store, which estui does not write. Convert it, name the new file in the "
                f"yml, and restart: {convert_command(each.name)}"
            )
        elif each.fault is not None:
            reasons.append(f"{name}: {each.detail}")
    return list(dict.fromkeys(reasons))
