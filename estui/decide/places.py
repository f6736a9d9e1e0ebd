"""What a plan pins of the files that it will replace, and how it writes for each target."""

from __future__ import annotations

from estui.decide import fixed, kibana
from estui.decide.layers import NODE_YML
from estui.model.observed import ABSENT, FileState, Observed, ObservedBeat, ObservedKibana, ObservedNode
from estui.model.plan import (
    Pin,
    Place,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetAccess,
    SetKeystorePassword,
    SetSecureSetting,
    SetSetting,
    Stage,
    WorkspaceChange,
)

SETGID = 0o2000
Thing = ObservedNode | ObservedKibana | ObservedBeat


def _state(thing: Thing, path: str) -> FileState:
    return thing.files.get(path, ABSENT)


def _things(observed: Observed) -> dict[str, Thing]:
    return {thing.target: thing for thing in (*observed.things, *observed.beats)}


def _changed_targets(stages: tuple[Stage, ...]) -> list[str]:
    targets = [change.target for stage in stages for change in stage.changes if not isinstance(change, WorkspaceChange)]
    return list(dict.fromkeys(targets))


def pins_of(observed: Observed, stages: tuple[Stage, ...]) -> tuple[Pin, ...]:
    """Everything that will be replaced, as it looks now."""
    things = _things(observed)
    paths: dict[tuple[str, str], None] = {}
    for stage in stages:
        for change in stage.changes:
            match change:
                case (
                    SetSetting()
                    | RemoveSetting()
                    | SetSecureSetting()
                    | RemoveSecureSetting()
                    | SetKeystorePassword()
                    | SetAccess()
                ):
                    paths[change.target, change.path] = None
                case PublishSet(fixed=()):
                    paths[change.target, f"{observed.inventory.folder}/{change.set_name}/current"] = None
                case PublishSet():
                    paths |= {(change.target, path): None for path in fixed.written_paths(change)}
                case _:
                    pass
    return tuple(_pin(things[target], path) for target, path in paths)


def _pin(thing: Thing, path: str) -> Pin:
    state = _state(thing, path)
    is_keystore = path.endswith(".keystore")
    if isinstance(thing, ObservedBeat) and thing.keystore_in_data:
        is_keystore = False  # what is known of the entries is that of the file in the data folder
    return Pin(
        target=thing.target,
        path=path,
        kind=state.kind.value,
        sha256=state.sha256 if state.exists and not is_keystore and (state.link is None or state.content) else "",
        entries=thing.keystore.entries_digest if is_keystore and state.exists else "",
        mode=state.mode,
        uid=state.uid,
        gid=state.gid,
        link=state.link,
    )


def _yml_of(thing: Thing) -> str:
    if isinstance(thing, ObservedBeat):
        return thing.yml
    return NODE_YML if isinstance(thing, ObservedNode) else kibana.KIBANA_YML


def places_of(observed: Observed, stages: tuple[Stage, ...]) -> tuple[Place, ...]:
    """Owner and modes of what is written for each target (design: as the yml beside it)."""
    things = _things(observed)
    places = []
    for target in _changed_targets(stages):
        thing = things[target]
        yml = _state(thing, _yml_of(thing))
        private = isinstance(thing, ObservedBeat)
        root = thing.files.get(".", ABSENT)
        places.append(
            Place(
                target=target,
                root=thing.entry.config,
                uid=yml.uid,
                gid=yml.gid,
                folder_mode=0o750 | (root.mode & SETGID),
                file_mode=0o600 if private else 0o640,
                keystore_mode=0o600 if private else 0o660,
                version=str(thing.version) if thing.version else "",
            )
        )
    return tuple(places)
