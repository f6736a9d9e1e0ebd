"""The seam: exclusive, exact modes, links unfollowed, nothing left by what failed."""

from __future__ import annotations

import errno
import os
import stat
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from estui.act.fs import Owner, RealFs, temporary_name
from estui.act.system import SystemCalls
from estui.errors import ApplyError, EstuiError
from estui.model.observed import ABSENT, FileKind

OTHER_GROUP = 977
is_root = os.geteuid() == 0
needs_root = pytest.mark.skipif(not is_root, reason="gives files to another owner, which only root may")


class Refusing(SystemCalls):
    """System calls of which one answers with an error."""

    def __init__(self, name: str, number: int) -> None:
        def refuse(*_: Any, **__: Any) -> Any:
            raise OSError(number, os.strerror(number))

        setattr(self, name, refuse)


@pytest.fixture(params=[0o022, 0o077, 0o000], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("wanted", [0o640, 0o660, 0o600, 0o644])
def test_a_new_file_has_the_promised_mode_whatever_the_umask(tmp_path: Path, wanted: int) -> None:
    RealFs().create(str(tmp_path), "node.key", b"key", wanted, Owner())
    assert (mode(tmp_path / "node.key"), (tmp_path / "node.key").read_bytes()) == (wanted, b"key")


@pytest.mark.usefixtures("umask")
@pytest.mark.parametrize("wanted", [0o750, 0o2750, 0o700])
def test_a_new_folder_has_the_promised_mode_whatever_the_umask(tmp_path: Path, wanted: int) -> None:
    RealFs().make_folder(str(tmp_path), "estui", wanted, Owner())
    assert mode(tmp_path / "estui") == wanted


@needs_root
def test_owner_and_setgid_are_given_together(tmp_path: Path) -> None:
    RealFs().make_folder(str(tmp_path), "estui", 0o2750, Owner(0, OTHER_GROUP))
    RealFs().create(str(tmp_path), "estui/f", b"", 0o640, Owner(0, OTHER_GROUP))
    assert (mode(tmp_path / "estui"), (tmp_path / "estui").stat().st_gid) == (0o2750, OTHER_GROUP)
    assert (tmp_path / "estui/f").stat().st_gid == OTHER_GROUP


def test_a_taken_name_is_never_written_over(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"old")
    with pytest.raises(ApplyError, match="File exists"):
        RealFs().create(str(tmp_path), "f", b"new", 0o600, Owner())
    assert (tmp_path / "f").read_bytes() == b"old"


def test_a_file_whose_content_cannot_be_written_leaves_no_name(tmp_path: Path) -> None:
    with pytest.raises(ApplyError, match="No space") as caught:
        RealFs(Refusing("write", errno.ENOSPC)).create(str(tmp_path), "f", b"new", 0o600, Owner())
    assert caught.value.hint.startswith("make room")
    assert list(tmp_path.iterdir()) == []


def test_a_short_write_is_continued(tmp_path: Path) -> None:
    class Short(SystemCalls):
        @staticmethod
        def write(number: int, data: Any) -> int:
            return os.write(number, data[:3])

    RealFs(Short()).create(str(tmp_path), "f", b"0123456789", 0o600, Owner())
    assert (tmp_path / "f").read_bytes() == b"0123456789"


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../b", "", "a//b", "."])
def test_a_path_that_could_leave_the_folder_is_refused(tmp_path: Path, path: str) -> None:
    with pytest.raises(EstuiError, match="not a path below"):
        RealFs().create(str(tmp_path), path, b"", 0o600, Owner())


def test_a_folder_on_the_way_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/estui").symlink_to("../outside")
    with pytest.raises(ApplyError):
        RealFs().create(str(tmp_path / "root"), "estui/f", b"", 0o600, Owner())
    assert list((tmp_path / "outside").iterdir()) == []


def test_the_root_itself_may_be_reached_through_links(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    (tmp_path / "link").symlink_to("mount")
    RealFs().create(str(tmp_path / "link"), "f", b"x", 0o600, Owner())
    assert (tmp_path / "mount/f").read_bytes() == b"x"


def test_every_kind_of_name_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    read = RealFs().read
    kinds = {name: read(str(tmp_path), name).kind for name in ("file", "link", "folder", "fifo", "none")}
    assert kinds == {
        "file": FileKind.FILE,
        "link": FileKind.LINK,
        "folder": FileKind.FOLDER,
        "fifo": FileKind.OTHER,
        "none": FileKind.ABSENT,
    }
    assert read(str(tmp_path), "none/below") == ABSENT


def test_an_unreadable_file_is_no_absent_one(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    state = RealFs(Refusing("read", errno.EIO)).read(str(tmp_path), "f")
    assert state.exists
    assert state.error == os.strerror(errno.EIO)


def test_a_link_is_switched_in_one_step_and_leaves_no_other_name(tmp_path: Path) -> None:
    fs = RealFs()
    (tmp_path / temporary_name("current")).symlink_to("left by a crash")
    fs.switch_link(str(tmp_path), "current", "one")
    fs.switch_link(str(tmp_path), "current", "two")
    assert [(path.name, str(path.readlink())) for path in tmp_path.iterdir()] == [("current", "two")]


def test_keeping_twice_keeps_the_first(tmp_path: Path) -> None:
    fs = RealFs()
    (tmp_path / "yml").write_bytes(b"first")
    fs.keep(str(tmp_path), "yml", "kept")
    (tmp_path / "new").write_bytes(b"second")
    fs.rename(str(tmp_path), "new", "yml")
    fs.keep(str(tmp_path), "yml", "kept")
    assert (tmp_path / "kept").read_bytes() == b"first"
    assert (tmp_path / "yml").read_bytes() == b"second"


@pytest.mark.parametrize("number", [errno.EPERM, errno.EXDEV, errno.EMLINK, errno.EOPNOTSUPP])
def test_where_there_are_no_hard_links_a_whole_copy_is_kept(tmp_path: Path, number: int) -> None:
    (tmp_path / "yml").write_bytes(b"first")
    (tmp_path / "yml").chmod(0o604)
    (tmp_path / temporary_name("kept")).write_bytes(b"half of a cop")
    RealFs(Refusing("link", number)).keep(str(tmp_path), "yml", "kept")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "yml"]
    assert ((tmp_path / "kept").read_bytes(), mode(tmp_path / "kept")) == (b"first", 0o604)
    assert (tmp_path / "kept").stat().st_nlink == 1


@pytest.mark.parametrize("number", [0, errno.EPERM])
def test_a_new_name_goes_to_the_first_who_takes_it(tmp_path: Path, number: int) -> None:
    fs = RealFs(Refusing("link", number)) if number else RealFs()
    for name in ("one", "two"):
        fs.create(str(tmp_path), name, name.encode(), 0o600, Owner())
    fs.move_new(str(tmp_path), "one", "mark")
    with pytest.raises(ApplyError, match="File exists"):
        fs.move_new(str(tmp_path), "two", "mark")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mark", "two"]
    assert (tmp_path / "mark").read_bytes() == b"one"


def test_removing_is_repeatable(tmp_path: Path) -> None:
    fs = RealFs()
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_bytes(b"")
    for path in ("d/f", "d/f", "d", "d", "d/f"):
        fs.remove(str(tmp_path), path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_its_maker_never_finished_is_finished(tmp_path: Path) -> None:
    (tmp_path / "estui").mkdir(mode=0o700)
    RealFs().make_folder(str(tmp_path), "estui", 0o750, Owner())
    assert mode(tmp_path / "estui") == 0o750


def test_a_folder_with_a_mode_of_its_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "estui").mkdir()
    (tmp_path / "estui").chmod(0o755)
    RealFs().make_folder(str(tmp_path), "estui", 0o750, Owner())
    assert mode(tmp_path / "estui") == 0o755


def test_a_mode_that_the_file_system_drops_without_a_word_is_an_error(tmp_path: Path) -> None:
    class Deaf(SystemCalls):
        @staticmethod
        def fchmod(number: int, mode: int) -> None:
            pass

    with pytest.raises(ApplyError, match="not permitted"):
        RealFs(Deaf()).create(str(tmp_path), "f", b"", 0o640, Owner())
    assert list(tmp_path.iterdir()) == []


def access_list(uid: int) -> bytes:
    """`user::rw-,user:UID:r--,group::r--,mask::rw-,other::---` as the kernel keeps it (linux/posix_acl_xattr.h)."""
    none = 0xFFFFFFFF
    rows = [(0x01, 6, none), (0x02, 4, uid), (0x04, 4, none), (0x10, 6, none), (0x20, 0, none)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


def set_attribute(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"this file system takes no {name}: {error.strerror}")


@pytest.mark.parametrize(
    ("name", "value"), [("system.posix_acl_access", access_list(1234)), ("user.note", b"kept by hand")]
)
def test_a_replacement_carries_access_list_and_labels(tmp_path: Path, name: str, value: bytes) -> None:
    (tmp_path / "yml").write_bytes(b"old")
    (tmp_path / "yml").chmod(0o660)
    set_attribute(tmp_path / "yml", name, value)
    wanted = mode(tmp_path / "yml")
    RealFs().create(str(tmp_path), "new", b"new", wanted, Owner(), like="yml")
    assert os.getxattr(tmp_path / "new", name) == value
    assert mode(tmp_path / "new") == wanted


def test_a_label_that_cannot_be_carried_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "yml").write_bytes(b"old")
    set_attribute(tmp_path / "yml", "system.posix_acl_access", access_list(1234))
    with pytest.raises(ApplyError, match="access control list cannot be carried over"):
        RealFs(Refusing("setxattr", errno.EPERM)).create(str(tmp_path), "new", b"", 0o660, Owner(), like="yml")
    assert [path.name for path in tmp_path.iterdir()] == ["yml"]


def test_a_replacement_does_not_gain_an_access_list_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "yml").write_bytes(b"old")
    (tmp_path / "yml").chmod(0o640)
    set_attribute(tmp_path, "system.posix_acl_default", access_list(1234))
    RealFs().create(str(tmp_path), "new", b"new", 0o640, Owner(), like="yml")
    assert "system.posix_acl_access" not in os.listxattr(tmp_path / "new")
    assert mode(tmp_path / "new") == 0o640


def test_labels_that_no_file_system_has_are_none(tmp_path: Path) -> None:
    (tmp_path / "yml").write_bytes(b"old")
    fs = RealFs(Refusing("listxattr", errno.EOPNOTSUPP))
    fs.create(str(tmp_path), "new", b"new", 0o640, Owner(), like="yml")
    assert (tmp_path / "new").read_bytes() == b"new"
