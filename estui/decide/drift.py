"""The disk against what the runs left: *drift* where somebody changed it since, *pending* where a run has it ready."""

from __future__ import annotations

from collections.abc import Iterator

from estui.decide.masking import shown_value
from estui.errors import Location
from estui.model.image import FileKind, Image
from estui.model.observed import FileState, KeystoreFacts, ObservedBeat, ObservedKibana, ObservedNode, OnDisk
from estui.model.views import Desired, DesiredFile, DesiredLeaf, Difference

Thing = ObservedNode | ObservedKibana | ObservedBeat
Found = tuple[Difference, str, tuple[str, ...]]
"""Name, file, evidence."""


def file_differences(thing: Thing, keystore: KeystoreFacts | None, desired: Desired | None) -> Iterator[Found]:
    """Names of the folder that are not as the last run left them, or as the one in hand wants them.

    What was not looked at, or cannot be opened, is not judged.
    """
    for wanted in desired.of(thing.entry.config) if desired else ():
        found = thing.files.get(wanted.path)
        if found is None or found.error:
            continue
        problem = _problem(wanted, found, keystore)
        if problem:
            where = f"{thing.entry.config}/{wanted.path}"
            since = f"run {wanted.run} has it ready" if wanted.waiting else f"run {wanted.run} left it otherwise"
            settings = tuple(_settings(thing, wanted.path, desired)) if desired and not wanted.waiting else ()
            evidence = (f"{where}: {problem}", since, *settings)
            yield (Difference.PENDING if wanted.waiting else Difference.DRIFT), where, evidence


def _settings(thing: Thing, path: str, desired: Desired) -> Iterator[str]:
    """Settings of a yml that a run wrote and that are otherwise now, with file and line."""
    wanted = [each for each in desired.settings if (each.root, each.path) == (thing.entry.config, path)]
    moved, outside = False, 0
    for each in wanted:
        found = thing.settings.get(each.key)
        if found and found.source:  # what wins over the yml tells nothing of what stands in it
            outside += 1
            continue
        if (found.text if found else None) == each.value:
            continue
        moved = True
        is_now = f"is {shown_value(each.key, found.text)}" if found else "is gone"
        was = f"set it to {shown_value(each.key, each.value)}" if each.value is not None else "took it out"
        place = Location(f"{each.root}/{path}", found.line if found else None, each.key)
        yield f"{place}: {is_now}, run {each.run} {was}"
    words = [f"{len(wanted) - outside} as they left them"] if len(wanted) > outside and not moved else []
    words += [f"{outside} set outside it as well, and not compared"] if outside else []
    if words:
        yield f"settings that runs wrote into it: {', '.join(words)}"


def _problem(wanted: DesiredFile, found: FileState, keystore: KeystoreFacts | None) -> str:
    """In words, how a name differs; empty where it does not, or where that cannot be told."""
    image = wanted.image
    if image.absent or not found.exists:
        return "" if image.kind == found.kind.value else _presence(image, found)
    if image.link is not None or (found.link is not None and image.kind == FileKind.LINK.value):
        return "" if image.link == found.link else f"leads to {found.link or 'nothing'}, not to {image.link}"
    if wanted.path.endswith(".keystore"):
        # by its entries alone, where they are known on both sides: a node rewrites its own keystore
        known = keystore.entries_digest if keystore is not None and keystore.opened else ""
        return "other entries" if known and image.entries and known != image.entries else ""
    if found.sha256 != image.sha256:
        return "another content"
    if (found.uid, found.gid) != (image.uid, image.gid):
        return f"owner {found.uid}:{found.gid}, not {image.uid}:{image.gid}"
    return "" if found.mode == image.mode else f"mode {found.mode:04o}, not {image.mode:04o}"


def _presence(wanted: Image, found: FileState) -> str:
    if wanted.absent:
        return "is there, and should not be"
    return "is not there" if not found.exists else f"is a {found.kind.value}, not a {wanted.kind}"


def leaf_differences(wanted: DesiredLeaf | None, disk: OnDisk) -> Iterator[tuple[Difference, tuple[str, ...]]]:
    """A certificate on disk that is not the one that a run put there."""
    if wanted is None or (disk.leaf is not None and disk.leaf.sha256 == wanted.sha256):
        return
    there = f"serial {disk.leaf.serial_hex[:16]}" if disk.leaf else disk.problem or "none"
    seen = f"on disk: {there}", f"run {wanted.run}: serial {wanted.serial[:16]}, ca/{wanted.authority}"
    yield (Difference.PENDING if wanted.waiting else Difference.DRIFT), seen
