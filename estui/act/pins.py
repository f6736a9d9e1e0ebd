"""What a plan pinned, compared with what is there; and the file that a name of the review means."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from functools import partial

from estui.act.context import Context
from estui.act.crew import gather
from estui.act.fs import Fs
from estui.act.items import difference, same
from estui.errors import ApplyError, Location, StalePlanError
from estui.model.image import GONE, Image
from estui.model.observed import FileKind, FileState
from estui.model.plan import Pin


def image_of(context: Context, root: str, path: str) -> Image:
    """How a name looks now.

    Raises ApplyError where that cannot be told: an unreadable file must not pass for another kind of file.
    """
    state = context.fs.read(root, path)
    if state.error:
        raise ApplyError(
            f"cannot be read: {state.error}",
            location=Location(f"{root}/{path}"),
            hint="run estui as a user who may read it",
        )
    return context.digests.image(path, state)


def in_real_folder(root: str, path: str) -> str:
    """The same name in the folder that links on the way lead to, as long as that lies in `root`; the last part is not
    followed."""
    home, (folder, _, name) = os.path.realpath(root), path.rpartition("/")
    real = os.path.realpath(f"{home}/{folder}")
    return os.path.relpath(f"{real}/{name}", home) if real.startswith(f"{home.rstrip('/')}/") else path


def follow(fs: Fs, root: str, path: str) -> tuple[str, FileState]:
    """Path and state of the file that a name means, through links that stay inside the folder.

    Raises ApplyError where a link leads out of it, as Elasticsearch itself would ("access to read the file is
    blocked"), or in a circle.
    """
    home, target = os.path.realpath(root), os.path.realpath(f"{root}/{path}")
    if not target.startswith(home.rstrip("/") + "/"):
        raise ApplyError(
            f"is a link that leads out of the configuration folder, to {target}",
            location=Location(f"{root}/{path}"),
            hint="put the file itself there, or a link that stays in the folder",
        )
    found = os.path.relpath(target, home)
    state = fs.read(root, found)
    if state.kind is FileKind.LINK:
        raise ApplyError("is a link in a circle", location=Location(f"{root}/{path}"), hint="put the file itself there")
    return found, state


def pin_image(pin: Pin) -> Image:
    """A pin as the image that it expects."""
    if pin.kind == FileKind.ABSENT.value:
        return GONE
    if pin.link is not None:
        return Image(pin.kind, link=pin.link)
    return Image(pin.kind, pin.sha256, pin.entries, pin.mode, pin.uid, pin.gid)


def pin_problem(context: Context, pin: Pin) -> str:
    """In words, how a pinned file differs from what was reviewed; empty where it does not.

    A keystore that a node made for itself at its first start is no difference: it holds nothing but its seed.
    """
    root = context.plan.place(pin.target).root
    found = image_of(context, root, in_real_folder(root, pin.path))
    expected = pin_image(pin)
    if pin.path.endswith(".keystore") and expected.absent and found.entries == context.digests.no_entries:
        return ""
    problem = difference(expected, found)
    if problem or pin.link is None or not (pin.sha256 or pin.entries):
        return problem
    # a link that is followed: what it leads to is pinned as well
    path, state = follow(context.fs, root, pin.path)
    behind = Image(FileKind.FILE.value, pin.sha256, pin.entries, pin.mode, pin.uid, pin.gid)
    return difference(behind, context.digests.image(pin.path, state)) and f"{path} behind the link changed"


def compare_pins(
    context: Context, targets: Iterable[str] | None = None, switched: Collection[tuple[str, str]] = ()
) -> None:
    """Raises StalePlanError naming every pinned file that is no longer as it was reviewed.

    `switched` are targets and paths that this run changed itself.
    """
    wanted = None if targets is None else set(targets)
    pins = [
        pin
        for pin in context.plan.pins
        if (wanted is None or pin.target in wanted) and (pin.target, pin.path) not in switched
    ]
    problems = gather(pins, partial(pin_problem, context))
    moved = [
        f"{context.plan.place(pin.target).root}/{pin.path}: {problem}"
        for pin, problem in zip(pins, problems, strict=True)
        if problem
    ]
    if moved:
        raise StalePlanError(
            "files changed since the plan was made; nothing was written",
            reasons=tuple(moved),
            hint="plan again and review the new plan",
        )


def require_pinned(context: Context, target: str, path: str, state: FileState) -> None:
    """Raises StalePlanError where a file that is about to be edited is not the one that was reviewed."""
    pin = context.plan.pin(target, path)
    if pin is None or pin.link is not None or pin.kind == FileKind.ABSENT.value:
        return
    if not same(pin_image(pin), context.digests.image(path, state)):
        root = context.plan.place(target).root
        raise StalePlanError(
            "files changed since the plan was made; nothing was switched",
            reasons=(f"{root}/{path}: {difference(pin_image(pin), context.digests.image(path, state))}",),
            hint="plan again and review the new plan",
        )
