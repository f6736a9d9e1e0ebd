"""Why a running node does not serve the files that were switched under it, told from what can be seen.

The evidence is gathered by `act/loading.py`. Sources: real-elasticsearch.md §7 (what `GET /_ssl/certificates` says of
files that the node cannot use), elastic-stack-security.md §6.3 and §6.9 (what is read at the start only).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from estui.decide.findings.view import read_like_yml
from estui.decide.layers import NODE_YML
from estui.decide.switching import RELOAD, reloads
from estui.model.inventory import Layer
from estui.model.observed import ABSENT, NamedFile, ObservedNode, OnDisk, SeenFile

RESTART = "restart the node, then: estui runbook resume"


@dataclass(frozen=True)
class NodeView:
    """What `GET /_ssl/certificates` of one node told: it reads the files anew for every answer."""

    files: tuple[SeenFile, ...] = ()
    error: str = ""
    """Why the node could not list them, in its own words."""
    asked: bool = True
    """False where nobody could ask, with the reason in `error`."""


@dataclass(frozen=True)
class Reason:
    """Why a layer was not loaded, and what to do."""

    text: str
    hint: str


def why_not_loaded(node: ObservedNode, layer: Layer, view: NodeView) -> Reason:
    """The first explanation that the evidence bears out, the certain ones first."""
    disk = node.disk.get(layer, OnDisk())
    found = next(_by_files(node, disk), None)
    if found is None and view.asked:
        found = next(_by_node(node, disk, view), None)
    if found is None:
        found = next(_unreadable(node, disk), None)
    if found is not None:
        return found
    if not view.asked:
        return Reason(
            f"why cannot be told, since the node could not be asked ({view.error or 'no login'})",
            "is the mount stale, or was another setting changed since the node started? with --user estui asks the "
            "node itself; a restart loads the files",
        )
    return Reason(
        "the node sees the new file but has not loaded it",
        f"its log may say why (SSLConfigurationReloader, FileWatcher); {RESTART}",
    )


def _by_files(node: ObservedNode, disk: OnDisk) -> Iterator[Reason]:
    """What settings and files say by themselves."""
    if not reloads(node):
        yield Reason(f"{RELOAD} is false, so it reads files at its start only", RESTART)
    if disk.leaf and disk.key_sha256 and disk.leaf.key_sha256 != disk.key_sha256:
        yield Reason(
            "certificate and key on disk do not belong together: every new connection fails",
            "estui rollback brings the pair of before back",
        )


def _by_node(node: ObservedNode, disk: OnDisk, view: NodeView) -> Iterator[Reason]:
    """What the node itself says of the files that it was started with."""
    if view.error:
        yield _refused(view.error, disk)
        return
    names = {each.name for each in disk.named if each.setting in ("certificate", "keystore.path")}
    seen = [each for each in view.files if each.path in names]
    if names and not seen:
        others = ", ".join(sorted({each.path for each in view.files if each.has_key})) or "other files"
        yield Reason(
            f"its yml names {', '.join(sorted(names))}, and the node was started with {others}: settings are read at "
            "the start only",
            RESTART,
        )
    elif seen and disk.leaf and disk.leaf.serial not in {each.serial for each in seen}:
        yield Reason(
            f"the node does not see the new file: it reads serial {_old_serial(seen)} from {seen[0].path}",
            f"is {node.entry.config} the folder that the node has (a stale mount, a file mounted by itself into a "
            "container)? mount the folder anew there, or restart the node",
        )


def _old_serial(seen: list[SeenFile]) -> str:
    first = next((each for each in seen if each.has_key), seen[0])
    return f"{first.serial:x}"[:8] + "…"


def _refused(error: str, disk: OnDisk) -> Reason:
    """The node's own complaint about a file, in our words."""
    if "incorrect password" in error:
        if any(each.fault is not None for each in disk.named):
            return Reason(f"the password of a store is wrong: {error}", "estui doctor names the store")
        return Reason(
            "the node opens its store with another password than the secure settings have now: they changed after its "
            f"start, and a reload does not read them ({error})",
            RESTART,
        )
    if "does not exist" in error:
        return Reason(
            f"the node does not find a file that is there: {error}",
            "is it the node's own folder, mounted anew? else restart the node",
        )
    if "not permitted" in error or "denied" in error:
        return Reason(
            f"the user of Elasticsearch may not read a file: {error}",
            "give it owner and mode of the files beside it (chown, chmod); the next poll loads it",
        )
    return Reason(f"the node cannot use its files: {error}", "mend the file; the next poll loads it")


def _unreadable(node: ObservedNode, disk: OnDisk) -> Iterator[Reason]:
    """Files whose owner and mode keep out whoever reads the yml."""
    yml = node.files.get(NODE_YML, ABSENT)
    hidden = [each for each in disk.named if _is_hidden(each) and not read_like_yml(yml, each.mode, each.uid, each.gid)]
    if yml.exists and hidden:
        first = hidden[0]
        yield Reason(
            f"whoever reads {NODE_YML} ({yml.mode:04o} {yml.uid}:{yml.gid}) may not read {first.name} "
            f"({first.mode:04o} {first.uid}:{first.gid})",
            "give it owner and mode of the files beside it (chown, chmod); the next poll loads it",
        )


def _is_hidden(file: NamedFile) -> bool:
    return file.fault is None and bool(file.relative)
