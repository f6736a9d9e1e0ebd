"""A run that is cut short somewhere, what a person does then, and what must be true after that."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from estui.act.fs import Fs, RealFs
from estui.act.items import items_of, ready_of
from estui.act.journal import Journal
from estui.engine import Engine
from estui.errors import EstuiError
from estui.formats.wire import parse_plan, plan_bytes
from estui.model.inventory import Inventory
from estui.model.observed import FileKind
from estui.model.plan import Plan
from estui.model.run import RunPhase
from tests.unit.act.folders import NOW, PASSPHRASE, Cluster, Tree, make_cluster, tree


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of runs are made in it."""
    where = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    base = Path(tempfile.mkdtemp(dir=where, prefix="estui-faults-"))
    try:
        yield base
    finally:
        shutil.rmtree(base, ignore_errors=True)


def plant(root: Path, wanted: Tree) -> None:
    """Makes a folder hold exactly this."""
    if root.exists():
        shutil.rmtree(root)
    root.mkdir(mode=0o700)
    folders = []
    for relative, (kind, content, mode, uid, gid) in wanted.items():
        path = root / relative
        if kind == "link":
            path.symlink_to(str(content))
        elif kind == "folder":
            path.mkdir()
            folders.append((path, mode))
        else:
            assert isinstance(content, bytes)
            path.write_bytes(content)
            path.chmod(mode)
        if os.geteuid() == 0:
            os.chown(path, uid, gid, follow_symlinks=False)
            if kind == "file":
                path.chmod(mode)
    for path, mode in reversed(folders):
        path.chmod(mode)


class QuickEngine(Engine):
    """An engine that has read its `estui.yaml` before: reading yml takes most of the time of these runs."""

    known: Inventory | None = None

    def inventory(self) -> Inventory:
        return self.known or super().inventory()


class Stage:
    """One cluster in one folder, put back to its beginning as often as needed, and the plan that is applied to it."""

    def __init__(self, base: Path, nodes: int, **plan: object) -> None:
        self.cluster: Cluster = make_cluster(base / "cluster", nodes)
        self.base = self.cluster.base
        self.plan: Plan = self.cluster.plan(**plan)  # type: ignore[arg-type]
        self.plan = parse_plan(plan_bytes(self.plan), "plan.json")
        self.start: Tree = tree(self.base)
        self.original = self.cluster.trees()
        self.inventory = self.engine().inventory()

    def reset(self) -> None:
        plant(self.base, self.start)

    def engine(self, fs: Fs | None = None, *, passphrase: bool = False) -> Engine:
        engine = QuickEngine(str(self.cluster.workspace_path), fs or RealFs(), lambda: NOW)
        engine.known = getattr(self, "inventory", None)
        engine.passphrase = PASSPHRASE if passphrase else None
        return engine

    def apply(self, fs: Fs) -> None:
        self.engine(fs, passphrase=True).apply(self.plan)

    def recover(self, *, complete: bool, fs: Fs | None = None) -> None:
        """What a person does after a crash, by `estui recover`, then `runbook resume`; without the passphrase."""
        for _ in range(4):
            engine = self.engine(fs)
            run = engine.unfinished()
            if run is None:
                return
            if run.phase is RunPhase.PREPARING or not complete:
                engine.recover(complete=False)
                continue
            if run.phase is RunPhase.INTERRUPTED:
                engine.recover(complete=True)
            engine.resume()
        raise AssertionError("recovery does not come to an end")

    # what must be true

    def check(self) -> str:
        """Fails unless every file is exactly as before or exactly as materialised, and estui knows which."""
        engine = self.engine()
        assert engine.unfinished() is None, "a run is still unfinished"
        done = [run for run in engine.runs() if run.kind == "apply" and run.phase is RunPhase.DONE]
        effective = engine.last_done()
        if effective is not None:
            assert done, "undone and in effect"
            self.check_planned(effective.id)
            return "planned"
        self.check_original()
        return "original"

    def check_original(self) -> None:
        for name, before in self.original.items():
            now = tree(self.cluster.root(name))
            ours = {path: entry for path, entry in now.items() if path.split("/")[0] == "estui"}
            rest = {path: entry for path, entry in now.items() if path.split("/")[0] != "estui"}
            assert rest == before, f"{name}: {difference(before, rest)}"
            self.check_residue(name, ours)

    def check_residue(self, name: str, ours: Tree) -> None:
        """In the managed folder only sets that no link leads to, and kept files, may be left after an undo."""
        switched = self.switched()
        if not switched:
            assert ours == {}, f"{name}: left over {sorted(ours)}"
        for path, (kind, *_) in ours.items():
            parts = path.split("/")
            assert not parts[-1].startswith("."), f"{name}: {path} is left over"
            assert parts[-1] not in ("current", "run.json"), f"{name}: {path} is left over"
            assert kind in ("folder", "file")

    def switched(self) -> bool:
        return any(
            Journal(RealFs(), str(self.cluster.workspace_path), run.id).has("committing")
            for run in self.engine().runs()
        )

    def check_planned(self, run: str) -> None:
        journal = Journal(RealFs(), str(self.cluster.workspace_path), run)
        records = journal.find("prepare")
        assert {record.text("target") for record in records} == {place.target for place in self.plan.places}
        for record in records:
            name = record.text("target")
            now = tree(self.cluster.root(name))
            expected: Tree = dict(self.original[name])
            for item in items_of(record.fields.get("items"), "journal"):
                found = now.pop(item.path)
                expected.pop(item.path, None)
                image = self.cluster.digests.image(item.path, RealFs().read(item.root, item.path))
                if item.after.kind == FileKind.LINK.value:
                    assert found[:2] == ("link", item.after.link)
                else:
                    assert image == item.after, f"{name}/{item.path} is not as materialised"
            staged = {item.staged for item in items_of(record.fields.get("items"), "journal")}
            for each in ready_of(record.fields.get("files"), "journal"):
                if each.path not in staged:
                    _, _, mode, uid, gid = now.pop(each.path)
                    state = RealFs().read(str(self.cluster.root(name)), each.path)
                    assert (state.sha256, mode, uid, gid) == (each.sha256, each.mode, each.uid, each.gid)
            self.check_managed(name, now, expected)

    def check_managed(self, name: str, now: Tree, expected: Tree) -> None:
        place = self.plan.place(name)
        for path, entry in now.items():
            parts = path.split("/")
            if parts[0] != "estui":
                assert entry == expected.pop(path), f"{name}/{path} was touched"
                continue
            assert not parts[-1].startswith("."), f"{name}/{path} is left over"
            assert parts[-1] != "run.json"
            if entry[0] == "folder":
                assert entry[2:] == (place.folder_mode, place.uid, place.gid), f"{name}/{path} {entry}"
            else:
                assert parts[1] == "before", f"{name}/{path} is left over"
        assert expected == {}, f"{name}: gone: {sorted(expected)}"


def difference(before: Tree, now: Tree) -> str:
    gone, new = sorted(set(before) - set(now)), sorted(set(now) - set(before))
    changed = sorted(path for path in set(before) & set(now) if before[path] != now[path])
    return f"gone {gone}, new {new}, changed {changed}"


def killed_in_child(act: Callable[[], None]) -> bool:
    """Runs `act` in a forked child; True where it was killed, False where it came to its end.

    Fails where the child fails in another way: an error of estui is such a failure too.
    """
    child = os.fork()
    if child == 0:
        code = 3
        try:
            act()
            code = 0
        except EstuiError as error:
            os.write(2, ("\n".join(error.lines()) + "\n").encode())
        except BaseException as error:  # noqa: BLE001 - the child must not live on as a second test run
            os.write(2, f"{type(error).__name__}: {error}\n".encode())
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the run failed by itself"
    return False
