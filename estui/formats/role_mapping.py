"""`role_mapping.yml`: which subjects of certificates have which roles. Source: class `DnRoleMapper`, 7.17 to 9.1.

Only files of estui's own are written, so nothing is patched by position here.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence

FILE = "role_mapping.yml"
"""The name has to end so: the node reads it as settings, by the ending."""
MARK = "estui-mapping-"
"""What the role that marks a mapping begins with."""
_MARK = re.compile(rf'"({MARK}[0-9a-f]+)"'.encode())
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


def marked(mapping: Iterable[Sequence[str]], subject: str) -> tuple[tuple[str, ...], ...]:
    """The mapping with one role more, for this subject: nobody makes it, so it gives no rights, and its name tells the
    mapping. Whoever logs in as that subject is told which mapping the node has loaded."""
    plain = tuple(tuple(each) for each in mapping)
    digest = hashlib.sha256(role_mapping_text(plain)).hexdigest()[:12]
    return (*plain, (f"{MARK}{digest}", subject))


def mark_of(content: bytes) -> str:
    """The role that marks the mapping of a file; empty where it has none."""
    found = _MARK.search(content)
    return found.group(1).decode() if found else ""
