"""A set that a running node has not loaded is published once more, under a new name.

A node that starts reads its files first and begins to watch them afterwards: a set that is switched in between is
never looked at again (real-elasticsearch.md §2). A link to another folder is a change that it sees.
"""

from __future__ import annotations

import hashlib

from estui.act.commit import commit
from estui.act.context import Context
from estui.act.fs import Owner
from estui.act.items import Image, Item, Ready
from estui.errors import ApplyError, Location
from estui.model.observed import FileKind


def republish(context: Context, target: str, set_name: str, step: str) -> str:
    """Copies the set in use into a new folder and switches the link to it; the new name.

    Journaled as a stage of its own, so that an interruption is completed or undone like any other.
    """
    place = context.plan.place(target)
    base = f"{context.plan.folder}/{set_name}"
    link = context.fs.read(place.root, f"{base}/current").link
    if not link:
        raise ApplyError("is no link to a set", location=Location(f"{place.root}/{base}/current"))
    name = _free_name(context, place.root, base)
    owner = Owner(place.uid, place.gid)
    contents = {
        file: context.fs.read(place.root, f"{base}/{link}/{file}").content
        for file in context.fs.names(place.root, f"{base}/{link}")
    }
    ready = [
        Ready(f"{base}/{name}/{file}", hashlib.sha256(content).hexdigest(), place.file_mode, place.uid, place.gid)
        for file, content in contents.items()
    ]
    stage = f"again-{set_name}-{name}"
    item = Item(target, place.root, f"{base}/current", Image(FileKind.LINK.value, link=name))
    context.journal.write(
        "prepare",
        stage=stage,
        target=target,
        root=place.root,
        folders=[f"{base}/{name}"],
        files=ready,
        items=[item],
        leaves=[],
    )
    context.fs.make_folder(place.root, f"{base}/{name}", place.folder_mode, owner)
    for file, content in contents.items():
        context.fs.create(place.root, f"{base}/{name}/{file}", content, place.file_mode, owner, f"{base}/{link}/{file}")
    context.journal.write("prepared", stage=stage, target=target)
    commit(context, stage, (target,), step)
    return name


def _free_name(context: Context, root: str, base: str) -> str:
    """The run's name with the next number: `…-2`, `…-3`."""
    taken = set(context.fs.names(root, base))
    number = 2
    while f"{context.run}-{number}" in taken:
        number += 1
    return f"{context.run}-{number}"
