"""A set that a running node has not loaded is published once more, under a new name.

A node that starts reads its files first and begins to watch them afterwards: a set that is switched in between is
never looked at again (real-elasticsearch.md §2). A link to another folder is a change that it sees.
"""

from __future__ import annotations

from estui.act.commit import commit
from estui.act.context import Context
from estui.act.fs import Owner
from estui.act.items import Item
from estui.act.staging import Made, NewFile, set_in_use, write_made
from estui.model.image import Image
from estui.model.observed import FileKind


def republish(context: Context, target: str, set_name: str, step: str) -> str:
    """Copies the set in use into a new folder and switches the link to it; the new name.

    Journaled as a stage of its own, so that an interruption is completed or undone like any other.
    """
    place, fs = context.plan.place(target), context.fs
    base = f"{context.plan.folder}/{set_name}"
    old = f"{base}/{set_in_use(context, place.root, base)}"
    name = _free_name(context, place.root, base)
    owner = Owner(place.uid, place.gid)
    files = tuple(
        NewFile(
            f"{base}/{name}/{file}",
            fs.read(place.root, f"{old}/{file}").content,
            place.file_mode,
            owner,
            like=f"{old}/{file}",
        )
        for file in fs.names(place.root, old)
    )
    item = Item(target, place.root, f"{base}/current", Image(FileKind.LINK.value, link=name))
    stage = f"again-{set_name}-{name}"
    write_made(context, stage, Made(place, (f"{base}/{name}",), files, (item,)))
    commit(context, stage, (target,), step)
    return name


def _free_name(context: Context, root: str, base: str) -> str:
    """The run's name with the next number: `…-2`, `…-3`."""
    taken = set(context.fs.names(root, base))
    number = 2
    while f"{context.run}-{number}" in taken:
        number += 1
    return f"{context.run}-{number}"
