"""A search through folders of clients for whatever still means a CA or plain HTTP: reads only, follows no link, and
ends after so many files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from estui.formats.client_references import Found, Wanted, names_in, references_in
from estui.model.observed import FileKind
from estui.model.reference import Reference, ReferenceKind, SearchResult
from estui.observe.files import read_state

MOST_FILES = 20_000
MOST_PLACES = 500
LARGEST = 2 * 1024 * 1024
"""Bytes of a file that can be a configuration, or a bundle of CAs."""
_PASSED_OVER = frozenset({".git", "node_modules", "__pycache__", "proc", "sys"})
_STORES = (".p12", ".pfx")


def search(folders: Sequence[Path], wanted: Wanted, paths: Mapping[str, str]) -> SearchResult:
    """Everything in these folders and below that means one of the CAs or addresses; `paths` are files known to hold a
    CA, with its name, as their own hosts see them. Files that are found to hold one are looked for as well.

    Never raises for a file's sake: what could not be read is listed.
    """
    looked = _Look()
    files = list(looked.files(folders))
    holding = dict(paths)
    for file in files:
        content = looked.content(file)
        for found in references_in(content, wanted):
            looked.add(file, found)
            if found[0] is ReferenceKind.CERTIFICATE:
                holding[str(file)] = found[2]
    if holding:
        for file in files:
            for found in names_in(looked.content(file), holding, str(file)):
                looked.add(file, found)
    return looked.result()


class _Look:
    """One search: what it has found so far, and how far it has come."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, int, str], Reference] = {}
        self._stores: list[str] = []
        self._unread: dict[str, None] = {}
        self._large: dict[str, None] = {}
        self._count = 0
        self._cut = False

    def files(self, folders: Sequence[Path]) -> Iterator[Path]:
        for folder in folders:
            if not folder.is_dir():
                yield from self._counted([folder])
                continue
            for home, below, names in os.walk(folder, onerror=self._not_read):
                below[:] = sorted(name for name in below if name not in _PASSED_OVER)
                yield from self._counted([Path(home) / name for name in sorted(names)])
                if self._cut:
                    return

    def _counted(self, files: Sequence[Path]) -> Iterator[Path]:
        for file in files:
            if self._count >= MOST_FILES:
                self._cut = True
                return
            if file.is_symlink():
                continue
            if file.suffix.lower() in _STORES:
                self._stores.append(str(file))
                continue
            self._count += 1
            yield file

    def _not_read(self, error: OSError) -> None:
        self._unread[str(error.filename)] = None

    def content(self, file: Path) -> bytes:
        state = read_state(file, limit=LARGEST)
        if state.kind is FileKind.FILE and not state.error:
            return state.content
        if state.error.startswith("larger than"):
            self._large[str(file)] = None
        elif state.kind is not FileKind.OTHER:
            self._unread[str(file)] = None
        return b""

    def add(self, file: Path, found: Found) -> None:
        kind, line, what = found
        if len(self._found) >= MOST_PLACES:
            self._cut = True
            return
        if not (kind is ReferenceKind.PATH and what == str(file)):
            self._found.setdefault((str(file), line, kind), Reference(kind, str(file), line, what))

    def result(self) -> SearchResult:
        places = tuple(sorted(self._found.values(), key=lambda each: (each.file, each.line)))
        return SearchResult(
            places, self._count, tuple(self._stores), tuple(self._unread), tuple(self._large), self._cut
        )
