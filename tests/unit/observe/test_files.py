"""Names in a folder are told without being followed, and files that a yml names only from within the folder."""

from __future__ import annotations

import os
import socket
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from estui.model.observed import FileKind
from estui.observe.files import follow, inside, read_state

NOBODY = 65534


def as_nobody(check: Callable[[], bool]) -> bool:
    """What `check` says for a user without privileges, in a process of its own."""
    if os.geteuid() != 0:
        return check()
    with warnings.catch_warnings():
        # Python 3.12 warns of threads; the child calls nothing but `check`, and leaves by _exit.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os._exit(0 if check() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody can reach: pytest's own are for its user only."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def test_a_file_comes_with_content_mode_and_owner(tmp_path: Path) -> None:
    path = tmp_path / "elasticsearch.yml"
    path.write_bytes(b"a: 1\r\n")
    path.chmod(0o640)
    os.link(path, tmp_path / "second")
    state = read_state(path)
    assert (state.kind, state.content, state.mode, state.links) == (FileKind.FILE, b"a: 1\r\n", 0o640, 2)
    assert (state.uid, state.gid, state.error) == (os.geteuid(), path.stat().st_gid, "")


def test_a_link_is_told_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"secret")
    (tmp_path / "current").symlink_to("target")
    state = read_state(tmp_path / "current")
    assert (state.kind, state.link, state.content) == (FileKind.LINK, "target", b"")


def test_a_fifo_is_never_opened(tmp_path: Path) -> None:
    """Opening one waits for a writer; this test would hang."""
    os.mkfifo(tmp_path / "fifo")
    assert read_state(tmp_path / "fifo").kind is FileKind.OTHER


def test_a_fifo_that_takes_a_files_place_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    before = (tmp_path / "file").lstat()
    os.mkfifo(tmp_path / "fifo")
    monkeypatch.setattr(Path, "lstat", lambda path: before)
    assert read_state(tmp_path / "fifo").error == "was replaced while it was read"


def test_a_socket_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's name is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("s")
        assert read_state(tmp_path / "s").kind is FileKind.OTHER


def test_folders_and_absent_names_are_told(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir(mode=0o750)
    (tmp_path / "file").touch()
    folder = read_state(tmp_path / "certs")
    assert (folder.kind, folder.mode) == (FileKind.FOLDER, 0o750)
    assert read_state(tmp_path / "no").kind is FileKind.ABSENT
    assert read_state(tmp_path / "file" / "below").kind is FileKind.ABSENT


def test_a_file_above_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 11)
    state = read_state(tmp_path / "big", limit=10)
    assert (state.kind, state.content, state.error) == (FileKind.FILE, b"", "larger than 10 bytes")
    assert read_state(tmp_path / "big", limit=11).error == ""


@pytest.mark.parametrize("name", ["a\x00b", "x" * 300])
def test_a_name_that_cannot_be_a_path_is_no_crash(tmp_path: Path, name: str) -> None:
    assert read_state(tmp_path / name).error
    assert follow(tmp_path, name).problem


def test_a_file_that_may_not_be_read_says_so(open_folder: Path) -> None:
    path = open_folder / "elasticsearch.keystore"
    path.write_bytes(b"x")
    path.chmod(0o000)

    def refused() -> bool:
        state = read_state(path)
        return (state.kind, state.error, state.content) == (FileKind.FILE, "permission denied", b"")

    assert as_nobody(refused)


def test_a_name_in_a_folder_that_may_not_be_entered_says_so(open_folder: Path) -> None:
    (open_folder / "shut").mkdir(mode=0o700)
    (open_folder / "shut" / "file").write_bytes(b"x")
    if os.geteuid() != 0:
        (open_folder / "shut").chmod(0)
    try:
        assert as_nobody(lambda: read_state(open_folder / "shut" / "file").error == "permission denied")
        assert as_nobody(lambda: "permission denied" in follow(open_folder, "shut/file").problem)
    finally:
        (open_folder / "shut").chmod(0o700)


def test_our_own_link_to_the_set_in_use_is_followed(tmp_path: Path) -> None:
    home = tmp_path / "estui" / "http"
    (home / "2026-11-24T01-12-43Z-7f3a").mkdir(parents=True)
    (home / "2026-11-24T01-12-43Z-7f3a" / "node.crt").write_bytes(b"leaf")
    (home / "current").symlink_to("2026-11-24T01-12-43Z-7f3a")
    for name in ("estui/http/current/node.crt", f"{tmp_path}/estui/http/current/node.crt"):
        followed = follow(tmp_path, name)
        assert (followed.state.content, followed.relative, followed.problem) == (
            b"leaf",
            "estui/http/current/node.crt",
            "",
        )


def test_a_link_that_leads_outside_is_refused_and_its_target_named(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    (tmp_path / "outside.key").write_bytes(b"secret")
    (config / "node.key").symlink_to("../outside.key")
    (config / "certs").symlink_to("..")
    for name in ("node.key", "certs/outside.key"):
        followed = follow(config, name)
        assert followed.state.content == b""
        assert f"leads outside the configuration folder, to {tmp_path}/outside.key" in followed.problem


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "certs/../../outside", ".."])
def test_a_name_outside_is_refused_before_it_is_looked_at(tmp_path: Path, name: str) -> None:
    assert follow(tmp_path, name).problem == f"{name} lies outside the configuration folder"


def test_links_in_a_circle_are_told(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert follow(tmp_path, "a").problem == "a cannot be read: links in a circle"


def test_a_folder_that_is_reached_through_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_bytes(b"x")
    (tmp_path / "mount").symlink_to("real")
    assert follow(tmp_path / "mount", "f").state.content == b"x"


def test_what_is_named_may_be_absent_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    assert follow(tmp_path, "no.crt").problem == "no.crt does not exist"
    assert follow(tmp_path, "certs").problem == "certs is a folder, not a file"


def test_an_absolute_name_is_mapped_from_its_own_host(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    assert follow(tmp_path, "/etc/kibana/x", on_host=("/etc/kibana",)).state.content == b"x"
    assert inside(tmp_path, "/etc/kibana2/x", ("/etc/kibana",)) is None
    assert inside(tmp_path, "./certs//a.crt") == "certs/a.crt"
