"""A set that is written for the CAs in it alone keeps the certificate that a client shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from estui.act.client_sets import kept_pair, stem_of
from estui.act.context import Context
from estui.act.fs import RealFs
from estui.model.inventory import StoreFormat
from estui.model.plan import PublishSet


@pytest.fixture
def context(tmp_path: Path) -> Context:
    place = SimpleNamespace(root=str(tmp_path))
    plan = SimpleNamespace(folder="estui", place=lambda _: place)
    return cast(Context, SimpleNamespace(fs=RealFs(), plan=plan))


def published(root: Path, files: dict[str, bytes]) -> None:
    home = root / "estui" / "elasticsearch"
    (home / "one").mkdir(parents=True)
    for name, content in files.items():
        (home / "one" / name).write_bytes(content)
    (home / "current").symlink_to("one")


def change(set_name: str = "elasticsearch") -> PublishSet:
    return PublishSet("kibana/kb", set_name, None, ("http",), StoreFormat.PEM, True, "why")


PAIR = {"client.crt": b"certificate", "client.key": b"key"}


def test_both_files_come_along_byte_for_byte(context: Context, tmp_path: Path) -> None:
    published(tmp_path, {**PAIR, "ca.crt": b"old"})
    assert kept_pair(context, change()) == PAIR


def test_nothing_comes_along_where_there_is_nothing(context: Context, tmp_path: Path) -> None:
    assert kept_pair(context, change()) == {}
    published(tmp_path, {"ca.crt": b"old", "client.crt": b"without its key"})
    assert kept_pair(context, change()) == {}
    assert kept_pair(context, change("client")) == {}


def test_files_are_called_by_what_they_are_for() -> None:
    assert [stem_of(name) for name in ("http", "server", "elasticsearch")] == ["node", "server", "client"]
