"""Only what was written since the mark is read, whatever a rotation does to the files."""

from __future__ import annotations

import os
from pathlib import Path

from estui.observe import node_log
from estui.observe.node_log import folder_problem, mark_log, read_since

NAME = "logs.log"


def _add(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


def _folder(tmp_path: Path) -> tuple[Path, str]:
    _add(tmp_path / NAME, "[1] old")
    return tmp_path / NAME, str(tmp_path)


def test_only_what_was_appended_is_read(tmp_path: Path) -> None:
    path, folder = _folder(tmp_path)
    marks = mark_log(folder)
    assert read_since(folder, marks) == ()
    _add(path, "[2] new")
    assert read_since(folder, marks) == ("[2] new",)


def test_a_rotation_loses_nothing(tmp_path: Path) -> None:
    path, folder = _folder(tmp_path)
    marks = mark_log(folder)
    _add(path, "[2] before the rotation")
    path.rename(tmp_path / "logs-2026-11-25-1.log")
    _add(path, "[3] after it")
    os.utime(tmp_path / "logs-2026-11-25-1.log", (1, 1))
    assert read_since(folder, marks) == ("[2] before the rotation", "[3] after it")


def test_a_file_that_was_cut_short_is_read_from_its_start(tmp_path: Path) -> None:
    path, folder = _folder(tmp_path)
    _add(path, "[1] much more of it")
    marks = mark_log(folder)
    path.write_text("[2] new\n")
    assert read_since(folder, marks) == ("[2] new",)
    path.write_text("[2] new and longer than everything that was there before\n")
    assert read_since(folder, marks) == ("[2] new and longer than everything that was there before",)


def test_a_log_that_was_empty_or_not_there_is_new(tmp_path: Path) -> None:
    (tmp_path / NAME).touch()
    marks = mark_log(str(tmp_path))
    _add(tmp_path / NAME, "[1] first")
    _add(tmp_path / "logs_server.json", "{}")
    assert sorted(read_since(str(tmp_path), marks)) == ["[1] first", "{}"]


def test_much_is_read_from_its_end_and_long_lines_are_cut(tmp_path: Path) -> None:
    path, folder = _folder(tmp_path)
    marks = mark_log(folder)
    _add(path, *(f"[{number}] " + "x" * 1000 for number in range(3000)), "y" * 100_000)
    lines = read_since(folder, marks)
    assert sum(map(len, lines)) <= node_log.MOST
    assert len(lines[-1]) == node_log.LINE
    assert all(line.startswith("[") for line in lines[:-1])


def test_other_logs_links_and_pipes_are_left_alone(tmp_path: Path) -> None:
    _, folder = _folder(tmp_path)
    secret = tmp_path.parent / "secret"
    secret.write_text("[9] not of this folder\n")
    (tmp_path / "link.log").symlink_to(secret)
    os.mkfifo(tmp_path / "pipe.log")
    for name in ("logs_audit.json", "gc.log", "logs_deprecation.log", "logs_index_search_slowlog.log", "old.log.gz"):
        _add(tmp_path / name, "[9] other")
    assert read_since(folder, ()) == ("[1] old",)


def test_a_folder_that_cannot_be_read_is_nothing(tmp_path: Path) -> None:
    assert mark_log(str(tmp_path / "none")) == ()
    assert read_since(str(tmp_path / "none"), ()) == ()
    assert folder_problem(str(tmp_path / "none")) == "No such file or directory"
    assert folder_problem(str(tmp_path)) == "holds no log"
