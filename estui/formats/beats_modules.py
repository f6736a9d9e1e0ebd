"""The `modules.d` of a Beat: each file is a list of modules, not a map of settings as every other yml of the stack."""

from __future__ import annotations

MODULES_FOLDER = "modules.d"
LIST_NAME = "modules"
"""Name below which the settings of such a file stand: `modules.0.hosts`."""


def list_name(path: str) -> str:
    """Name for the list at the top of a yml of a configuration folder; empty where a map has to be."""
    return LIST_NAME if path.startswith(f"{MODULES_FOLDER}/") else ""
