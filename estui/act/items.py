"""What one run replaces on a target, name by name, before and after: what commit and undo work on."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

from estui.errors import Location, StoreError
from estui.formats.beats_keystore import read_beats_keystore
from estui.formats.es_keystore import entries_digest, read_secure_settings
from estui.formats.kibana_keystore import read_kibana_keystore
from estui.formats.wire import Json, decode
from estui.model.image import GONE, Image
from estui.model.observed import ABSENT, FileKind, FileState
from estui.secret import Secret

NODE_KEYSTORE, KIBANA_KEYSTORE = "elasticsearch.keystore", "kibana.keystore"
BEFORE = "before"
"""Folder inside the managed folder for the files that runs replaced."""


@dataclass(frozen=True)
class Item:
    """One name that a run switches: a staged file, a link, or a removal (`after` absent)."""

    target: str
    root: str
    path: str
    after: Image
    staged: str = ""
    """Name of the file that is ready beside the target; empty for links and removals."""
    named: str = ""
    """The name in the review, where that is a link in the folder that leads to `path`; else empty."""

    @property
    def pinned(self) -> str:
        """Path under which the plan pins it."""
        return self.named or self.path


@dataclass(frozen=True)
class Switched:
    """An item with what it replaced and where that is kept (relative to the root)."""

    item: Item
    before: Image
    kept: str = ""


@dataclass(frozen=True)
class Ready:
    """A file that was written beside what is in use, before anything is switched: how it has to look."""

    path: str
    sha256: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class LeafRecord:
    """A leaf that a run issued: what `as planned` means in gates and proofs."""

    target: str
    set_name: str
    authority: str
    serial: str
    sha256: str
    not_after: str


class Digests:
    """Digests of keystore entries, so that a node that rewrites its own keystore is no difference."""

    def __init__(self, key: bytes, keystore_password: Secret | None = None, others: Iterable[Secret] = ()) -> None:
        self.key = key
        self.keystore_password = keystore_password
        self.others = tuple(others)
        """Further passwords that a node's keystore may have while they are changed node by node."""
        self._known: dict[tuple[str, str], str] = {}

    def entries(self, path: str, content: bytes) -> str:
        """Keyed digest of a keystore's entries, empty for other files and for what cannot be opened.

        Remembered by content: opening one costs up to a fifth of a second.
        """
        name = path.rpartition("/")[2]
        if not name.endswith(".keystore"):
            return ""
        known = name, hashlib.sha256(content).hexdigest()
        if known not in self._known:
            self._known[known] = self._entries(name, path, content)
        return self._known[known]

    def opening(self, content: bytes) -> Secret | None:
        """The one of the known passwords that opens an `elasticsearch.keystore`; the first one where none does."""
        return opening(content, self.keystore_password, self.others)

    @property
    def no_entries(self) -> str:
        """Digest of a keystore that holds nothing but its seed."""
        return entries_digest({}, self.key)

    def _entries(self, name: str, path: str, content: bytes) -> str:
        try:
            if name == NODE_KEYSTORE:
                entries = dict(read_secure_settings(content, self.opening(content), path).entries)
            elif name != KIBANA_KEYSTORE:
                entries = {key: value.encode() for key, value in read_beats_keystore(content, path).entries.items()}
            else:
                # JSON text, as where it is observed: the number 1 and the text "1" are different entries
                entries = {
                    key: json.dumps(value, sort_keys=True).encode()
                    for key, value in read_kibana_keystore(content, None, path).items()
                }
        except StoreError:
            return ""
        return entries_digest(entries, self.key)

    def image(self, path: str, state: FileState) -> Image:
        """The image of a file as it is now."""
        if state.kind is FileKind.LINK:
            return Image(state.kind.value, link=state.link)
        if state.kind is not FileKind.FILE:
            return Image(state.kind.value) if state != ABSENT else GONE
        return Image(
            state.kind.value, state.sha256, self.entries(path, state.content), state.mode, state.uid, state.gid
        )


def opening(content: bytes, password: Secret | None, others: Iterable[Secret]) -> Secret | None:
    """The one of the passwords that opens an `elasticsearch.keystore`; the first one where none does, or where there
    is no choice."""
    candidates = [each for each in (password, *others) if each]
    for each in candidates if len(candidates) > 1 and content else ():
        with contextlib.suppress(StoreError):
            read_secure_settings(content, each, NODE_KEYSTORE)
            return each
    return candidates[0] if candidates else None


def same(one: Image, other: Image) -> bool:
    """Whether two images show the same file.

    Keystores that could be opened are compared by their entries alone: a node that rewrites its own makes itself
    the owner. The mode and owner of a link mean nothing.
    """
    if one.kind == other.kind and one.entries and other.entries:
        return one.entries == other.entries
    return identical(one, other)


def identical(one: Image, other: Image) -> bool:
    """Whether two images show the same bytes, with the same owner and mode."""
    if one.kind != other.kind:
        return False
    if one.link is not None or other.link is not None:
        return one.link == other.link
    return (one.mode, one.uid, one.gid, one.sha256) == (other.mode, other.uid, other.gid, other.sha256)


def difference(wanted: Image, found: Image) -> str:
    """In words, how a file differs from what is expected; empty where it does not."""
    if same(wanted, found):
        return ""
    if wanted.kind != found.kind:
        return f"was {wanted.kind}, is {found.kind}"
    if wanted.link != found.link:
        return f"link led to {wanted.link}, leads to {found.link}"
    if (wanted.uid, wanted.gid) != (found.uid, found.gid):
        return f"owner was {wanted.uid}:{wanted.gid}, is {found.uid}:{found.gid}"
    if wanted.mode != found.mode:
        return f"mode was {wanted.mode:04o}, is {found.mode:04o}"
    return "content changed"


def items_of(value: Json, path: str) -> tuple[Item, ...]:
    """Items from a journal record."""
    return tuple(decode(Item, each, path) for each in _listed(value, path))


def ready_of(value: Json, path: str) -> tuple[Ready, ...]:
    """Files that were made ready, from a journal record."""
    return tuple(decode(Ready, each, path) for each in _listed(value, path))


def switched_of(value: Json, path: str) -> tuple[Switched, ...]:
    """Switched items from a journal record."""
    return tuple(decode(Switched, each, path) for each in _listed(value, path))


def _listed(value: Json, path: str) -> list[Json]:
    if not isinstance(value, list):
        raise StoreError("has a record without its list", location=Location(path), hint="restore it from a backup")
    return value
