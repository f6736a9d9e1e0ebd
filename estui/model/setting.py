"""One setting of a yml file, in flat dotted form."""

from __future__ import annotations

from dataclasses import dataclass

Scalar = str | int | float | bool | None
SettingValue = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True)
class Setting:
    """An effective setting: flat dotted key, value, and where it stands (line from 1)."""

    key: str
    value: SettingValue
    line: int
    source: str = ""
    """Where it is stated, for one that comes from outside the yml and wins over it; empty where the yml has it."""

    @property
    def text(self) -> str:
        """The value as Elasticsearch sees it: every value is text, `true` and `"true"` are the same."""
        return value_text(self.value)

    @property
    def items(self) -> tuple[str, ...]:
        """The value as a list; Elasticsearch and Kibana take one text, or for ES a comma-separated text, as a list."""
        if isinstance(self.value, tuple):
            return tuple(value_text(item) for item in self.value)
        return tuple(part.strip() for part in self.text.split(",") if part.strip())

    @property
    def is_true(self) -> bool:
        return self.text == "true"


def value_text(value: SettingValue) -> str:
    """A value as text: booleans in lower case, lists joined by `, `."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    if isinstance(value, tuple):
        return ", ".join(value_text(item) for item in value)
    return str(value)
