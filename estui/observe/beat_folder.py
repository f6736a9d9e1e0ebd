"""A Beat's configuration folder: its yml, and estui's own folder in it. Its data folder is left alone."""

from __future__ import annotations

from pathlib import Path

from estui.model.inventory import BeatEntry
from estui.model.observed import FileKind, ObservedBeat
from estui.observe.certificates import beat_tls, read_context
from estui.observe.config_folder import (
    BEATS,
    MountedFolder,
    files_of_interest,
    folder_problem,
    hanging,
    own_files,
    read_settings,
    stated_name,
)
from estui.observe.files import read_state

OWN_SETS = ("elasticsearch",)


def observe_beat_folder(entry: BeatEntry, *, folder: str) -> ObservedBeat:
    """What a Beat's folder holds; its kind is stated or told by the yml that is there.

    Never raises for the folder's sake: what forbids a plan is in `problems`.
    """
    root = Path(entry.config)
    kind = entry.kind or _kind(root)
    target = f"beat/{_name(entry, '')}"
    problem = folder_problem(root, f"{kind}.yml", target)
    if problem is not None:
        return ObservedBeat(entry, _name(entry, ""), files_of_interest(root, ()), problems=(problem,))
    files = files_of_interest(root, (f"{kind}.yml", f"{kind}.keystore", *own_files(folder, OWN_SETS)))
    settings, problems = read_settings(files[f"{kind}.yml"], root / f"{kind}.yml", target)
    mounted = MountedFolder(root, (entry.on_host,) if entry.on_host else (f"/etc/{kind}",))
    contexts = beat_tls("output.elasticsearch.ssl", settings)
    return ObservedBeat(
        entry=entry,
        name=_name(entry, stated_name(settings, "name")),
        files={**files, **mounted.named_files((contexts,))},
        settings=settings,
        problems=problems,
        trust=read_context(contexts, mounted.follow, f"{folder}/{OWN_SETS[0]}/current"),
    )


def hanging_beat(entry: BeatEntry, seconds: float) -> ObservedBeat:
    """A Beat whose folder did not answer in time."""
    name = _name(entry, "")
    return ObservedBeat(entry, name, {}, problems=(hanging(entry.config, f"beat/{name}", seconds),))


def _kind(root: Path) -> str:
    """Kind of the Beat whose yml lies in the folder; the most common one where there is none, for the message."""
    return next((beat for beat in BEATS if read_state(root / f"{beat}.yml").kind is FileKind.FILE), BEATS[0])


def _name(entry: BeatEntry, stated: str) -> str:
    return entry.name or stated or Path(entry.config).name
