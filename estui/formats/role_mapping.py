"""`role_mapping.yml`: which subjects of certificates have which roles. Source: class `DnRoleMapper`, 7.17 to 9.1.

Only files of estui's own are written, so nothing is patched by position here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

FILE = "role_mapping.yml"
"""The name has to end so: the node reads it as settings, by the ending."""
HEAD = "# Written by estui: role, and the subjects that have it (estui client list)\n"


def role_mapping_text(mapping: Iterable[Sequence[str]]) -> bytes:
    """The file for a mapping: each entry is a role, then its subjects.

    Text in double quotes of JSON is text in double quotes of YAML 1.2.
    """
    lines = [HEAD]
    for role, *subjects in mapping:
        lines.append(f"{json.dumps(role)}:\n")
        lines += [f"  - {json.dumps(subject)}\n" for subject in subjects]
    return "".join(lines).encode()
