"""What a person chose for all workspaces: the colours, and keys of their own. A file in the user's config folder.

A file that cannot be read or written is never in the way: estui says so and goes on with what it has by itself.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from estui.errors import Location, SettingsError
from estui.tui.keymap import problems

FILE = "tui.json"


@dataclass(frozen=True)
class Preferences:
    """Nothing chosen, to begin with."""

    theme: str = ""
    """Name of a theme; empty where the terminal decides."""
    keys: dict[str, str] = field(default_factory=dict)
    """Own keys by action id, comma-separated."""


def default_path() -> Path:
    """`tui.json` in the user's config folder, which follows XDG_CONFIG_HOME."""
    import platformdirs  # not needed where a path is given

    return Path(platformdirs.user_config_dir("estui")) / FILE


def read_preferences(path: Path) -> Preferences:
    """What the file says; nothing where there is none. Raises SettingsError: damaged, or keys that clash."""
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError) as error:
        words = os.strerror(error.errno or 0) if isinstance(error, OSError) else "is not JSON"
        raise SettingsError(f"own colours and keys are not used: {words}", location=Location(str(path))) from error
    theme, keys = (body.get("theme", ""), body.get("keys", {})) if isinstance(body, dict) else (None, None)
    if not isinstance(theme, str) or not isinstance(keys, dict) or not all(map(_is_text, keys.values())):
        hint = 'it holds {"theme": "NAME", "keys": {}}'
        raise SettingsError("own colours and keys are not used", location=Location(str(path)), hint=hint)
    wrong = problems(keys)
    if wrong:
        raise SettingsError(f"own colours and keys are not used: {wrong[0]}", location=Location(str(path)))
    return Preferences(theme, dict(keys))


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def remember_theme(path: Path, theme: str) -> None:
    """Writes the choice beside what the file says already. Raises SettingsError: it cannot be read or written."""
    kept = replace(read_preferences(path), theme=theme)
    staged = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.write_text(json.dumps({"theme": kept.theme, "keys": kept.keys}, indent=2) + "\n", encoding="utf-8")
        staged.replace(path)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise SettingsError(f"the colours are not remembered: {words}", location=Location(str(path))) from error
