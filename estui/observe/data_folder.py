"""A node's data folder, as far as it can be seen from here: whether a node was started on it, and for which cluster.

A path of the yml is one of the node's own host. It is believed only where it lies beside the configuration folder,
or where that is the one of a package on this host.
"""

from __future__ import annotations

from pathlib import Path

from estui.formats.cluster_state import state_cluster_uuid
from estui.model.observed import DataFolder, ObservedNode
from estui.observe.files import read_state
from estui.observe.folder import PACKAGE_FOLDERS

DEFAULT = "data"
"""`path.data` without a setting: below the home of the node, beside its configuration folder."""
_STATE_FOLDERS = ("_state", "nodes/0/_state")
"""Since 8.0, and before; the first start of 8.0 and later moves the one to the other. Source: Elasticsearch class
`NodeEnvironment`, `upgradeLegacyNodeFolders`."""


def look_at_data(node: ObservedNode) -> DataFolder:
    """What the first data path of a node holds. Never raises: what cannot be seen is told as not seen."""
    setting = node.settings.get("path.data")
    named = setting.items[0] if setting and setting.items else DEFAULT
    config = Path(node.entry.config)
    path = Path(named) if named.startswith("/") else config.parent / named
    beside = config.parent in path.parents and config.parent != Path(config.anchor)
    if "$" in named or not (beside or node.entry.config in PACKAGE_FOLDERS) or not _is_folder(path.parent):
        return DataFolder(named)
    states = [path / name for name in _STATE_FOLDERS if _is_folder(path / name)]
    before_8 = states == [path / _STATE_FOLDERS[-1]]
    uuids = [state_cluster_uuid(read_state(file).content) for state in states for file in _commits(state)]
    return DataFolder(named, True, bool(states), next(filter(None, uuids), ""), before_8)


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _commits(state: Path) -> list[Path]:
    """Commit files of the state, the newest first: their numbers are in base 36."""
    try:
        found = [path for path in state.iterdir() if path.name.startswith("segments_")]
    except OSError:
        return []
    return sorted(found, key=lambda path: (len(path.name), path.name), reverse=True)
