"""Healthy folders, as the packages and archives of each release leave them: nothing above a note."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from estui.decide.findings.registry import all_findings
from estui.formats.es_keystore import write_secure_settings
from estui.model.finding import Severity
from estui.model.inventory import Inventory, NodeEntry
from estui.model.version import Version
from estui.observe.cluster import observe
from tests.unit.decide.findings.builders import NOW
from tests.unit.decide.samples import IV, SALT, STORES, YMLS


@dataclass(frozen=True)
class Release:
    """What a release writes by itself."""

    version: Version
    yml: str
    keystore: int
    """Format of its `elasticsearch.keystore`."""


RELEASES = (
    Release(Version(7, 17, 27), "elasticsearch-7.17.yml", 4),
    Release(Version(8, 0, 1), "elasticsearch-8.yml", 5),
    Release(Version(8, 19, 0), "elasticsearch-8.yml", 7),
    Release(Version(9, 1, 0), "elasticsearch-9.yml", 7),
)


@dataclass(frozen=True)
class Layout:
    """Owner and modes: the deb and rpm packages, and the archive that its user unpacked."""

    name: str
    uid: int
    gid: int
    folder: int
    file: int


DEB = Layout("deb", 0, 1000, 0o2750, 0o660)
TAR = Layout("tar", 1000, 1000, 0o755, 0o644)
OTHERS = ("jvm.options", "log4j2.properties", "role_mapping.yml", "roles.yml", "users", "users_roles")


def write(folder: Path, layout: Layout, files: dict[str, bytes]) -> None:
    """A folder of this layout; owners only where this process may give files away."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        # secrets and certificates are made by tools, which close them whatever the layout is
        path.chmod(0o660 if name.endswith((".keystore", ".p12", ".crt")) else layout.file)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            path.chmod(layout.folder if path == folder else 0o750)
        if os.geteuid() == 0:
            os.chown(path, layout.uid, layout.gid)


def keystore(version: int, **entries: bytes) -> bytes:
    named = {name.replace("__", "."): value for name, value in entries.items()}
    return write_secure_settings(
        {"keystore.seed": b"s" * 20, **named}, version=version, password=None, salt=SALT, iv=IV
    )


def loud(folder: Path, version: Version | None) -> list[str]:
    observed = observe(Inventory("", (NodeEntry(str(folder), version=version),)), digest_key=b"k", network=False)
    found = all_findings(observed, NOW)
    return [f"{each.rule}: {each.summary}" for each in found if each.severity is not Severity.NOTE]


@pytest.mark.parametrize("layout", [DEB, TAR], ids=lambda layout: layout.name)
@pytest.mark.parametrize("release", RELEASES, ids=lambda release: str(release.version))
def test_a_fresh_installation_gives_nothing_above_a_note(release: Release, layout: Layout, tmp_path: Path) -> None:
    files = dict.fromkeys(OTHERS, b"") | {"elasticsearch.yml": (YMLS / release.yml).read_bytes()}
    write(tmp_path, layout, files)
    assert loud(tmp_path, release.version) == []
    write(tmp_path, layout, {"elasticsearch.keystore": keystore(release.keystore)})  # as after its first start
    assert loud(tmp_path, release.version) == []
    assert loud(tmp_path, None) == []


@pytest.mark.parametrize("layout", [DEB, TAR], ids=lambda layout: layout.name)
@pytest.mark.parametrize("release", RELEASES[1:], ids=lambda release: str(release.version))
def test_a_node_that_set_itself_up_gives_nothing_above_a_note(release: Release, layout: Layout, tmp_path: Path) -> None:
    secret = b"auto-pass"
    entries = {
        "xpack__security__transport__ssl__keystore__secure_password": secret,
        "xpack__security__transport__ssl__truststore__secure_password": secret,
        "xpack__security__http__ssl__keystore__secure_password": secret,
        "autoconfiguration__password_hash": b"x",
    }
    files = dict.fromkeys(OTHERS, b"")
    files |= {f"certs/{store.name}": store.read_bytes() for store in (STORES / "auto-configured").iterdir()}
    files["elasticsearch.yml"] = (YMLS / "elasticsearch-8-auto-configured.yml").read_bytes()
    files["elasticsearch.keystore"] = keystore(release.keystore, **entries)
    write(tmp_path, layout, files)
    assert loud(tmp_path, release.version) == []
    assert loud(tmp_path, None) == []
