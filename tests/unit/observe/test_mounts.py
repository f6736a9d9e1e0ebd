"""Files that are mounts by themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.observe import mounts
from estui.observe.config_folder import files_of_interest

ROW = "36 35 98:0 /x {point} rw,noatime shared:1 - ext3 /dev/root rw\n"


def test_points_are_read_with_their_blanks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(ROW.format(point="/") + ROW.format(point="/mnt/a\\040b") + "torn row\n")
    monkeypatch.setattr(mounts, "MOUNT_TABLE", str(table))
    assert mounts.mount_points() == {"/", "/mnt/a b"}


def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(
        "22 1 0:20 / / rw,relatime - ext4 /dev/vda rw\n"
        "36 22 0:30 / /mnt/es\\0401 rw,noatime master:1 - cifs //host/share rw\n"
    )
    monkeypatch.setattr(mounts, "MOUNT_TABLE", str(table))
    assert mounts.file_system("/mnt/es 1/config") == "cifs"
    assert mounts.file_system("/mnt/es 10") == "ext4"


def test_without_a_table_nothing_is_a_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "MOUNT_TABLE", str(tmp_path / "absent"))
    assert mounts.mount_points() == frozenset()


def test_a_mounted_file_of_a_folder_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("users", "users_roles"):
        (tmp_path / name).write_text("")
    (tmp_path / "mountinfo").write_text(ROW.format(point=tmp_path.resolve() / "users"))
    monkeypatch.setattr(mounts, "MOUNT_TABLE", str(tmp_path / "mountinfo"))
    found = files_of_interest(tmp_path, ("users", "users_roles", "absent"))
    assert [found[name].mounted for name in ("users", "users_roles", "absent")] == [True, False, False]
