"""Real configuration folders with a workspace beside them, and hand-made plans for them. No network."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from estui.act.context import Context, Options
from estui.act.fs import Fs, RealFs
from estui.act.items import Digests
from estui.act.journal import Journal
from estui.act.pins import follow
from estui.act.workspace import Workspace, new_run_id
from estui.engine import Engine, silent
from estui.formats import es_keystore
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Inventory, KeyType, NodeEntry, StoreFormat
from estui.model.observed import FileKind
from estui.model.plan import (
    AuthorityRequest,
    Change,
    CreateAuthority,
    LeafRequest,
    Pin,
    Place,
    Plan,
    PublishSet,
    Restart,
    SetSecureSetting,
    SetSetting,
    Stage,
)
from estui.model.run import Step, StepKind
from estui.secret import Secret

PASSPHRASE = Secret("correct horse battery staple")
OLD_VALUE = "an-old-secret-of-the-operator"
YML = "# ours, do not touch\ncluster.name: logs\nnode.name: {name}\r\n\nnetwork.host: 127.0.0.1 # keep\n"
VERSION = "7.17.0"
"""Of the nodes: its keystores open in a few milliseconds."""
NOW = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)
STAGE = "nodes"
SETS = ("transport", "http")


def keystore(entries: dict[str, bytes] | None = None) -> bytes:
    """An `elasticsearch.keystore` with a seed and an operator's own entry."""
    content = {es_keystore.SEED: b"seedseedseedseedseed", "s3.client.default.secret_key": OLD_VALUE.encode()}
    if entries is not None:
        content = {es_keystore.SEED: b"seedseedseedseedseed", **entries}
    return es_keystore.write_secure_settings(content, version=4, password=None, salt=os.urandom(64), iv=os.urandom(12))


Entry = tuple[str, bytes | str, int, int, int]
Tree = dict[str, Entry]


def tree(root: Path, *, without: Sequence[str] = ()) -> Tree:
    """Everything below a folder: kind, content or link, mode, owner. `without` are top folders to leave out."""
    found: Tree = {}
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if relative.parts[0] in without:
            continue
        seen = path.lstat()
        mode, owner = stat.S_IMODE(seen.st_mode), (seen.st_uid, seen.st_gid)
        if path.is_symlink():
            found[str(relative)] = ("link", str(path.readlink()), 0, *owner)
        elif path.is_dir():
            found[str(relative)] = ("folder", "", mode, *owner)
        elif stat.S_ISREG(seen.st_mode):
            found[str(relative)] = ("file", path.read_bytes(), mode, *owner)
        else:
            found[str(relative)] = ("other", "", mode, *owner)
    return found


@dataclass
class Cluster:
    """Folders of nodes `n1`, `n2`, … and a workspace, all below one folder."""

    base: Path
    names: tuple[str, ...]
    fs: Fs = field(default_factory=RealFs)
    now: datetime = NOW
    owners: tuple[int, int] = (-1, -1)

    def root(self, name: str) -> Path:
        return self.base / name

    @property
    def workspace_path(self) -> Path:
        return self.base / "workspace"

    @property
    def inventory(self) -> Inventory:
        return Inventory("logs", tuple(NodeEntry(str(self.root(name)), name=name) for name in self.names))

    @property
    def workspace(self) -> Workspace:
        return Workspace(str(self.workspace_path), self.fs, lambda: self.now)

    @property
    def digests(self) -> Digests:
        return Digests(self.workspace.identity().digest_key)

    def engine(self, fs: Fs | None = None) -> Engine:
        engine = Engine(str(self.workspace_path), fs or self.fs, lambda: self.now)
        engine.passphrase = PASSPHRASE
        return engine

    def trees(self, *, without: Sequence[str] = ()) -> dict[str, Tree]:
        return {name: tree(self.root(name), without=without) for name in self.names}

    def context(self, plan: Plan, run: str = "", options: Options | None = None, fs: Fs | None = None) -> Context:
        fs = fs or self.fs
        workspace = Workspace(str(self.workspace_path), fs, lambda: self.now)
        journal = Journal(fs, str(self.workspace_path), run or new_run_id(self.now), lambda: self.now)
        return Context(
            fs, workspace, self.inventory, plan, journal, self.digests, silent, options or Options(), PASSPHRASE
        )

    def place(self, name: str) -> Place:
        seen = (self.root(name) / "elasticsearch.yml").lstat()
        setgid = stat.S_IMODE(self.root(name).stat().st_mode) & 0o2000
        return Place(name, str(self.root(name)), seen.st_uid, seen.st_gid, 0o750 | setgid, 0o640, 0o660, VERSION)

    def pin(self, name: str, path: str) -> Pin:
        root, digests = str(self.root(name)), self.digests
        state = self.fs.read(root, path)
        image = digests.image(path, state)
        if state.kind is not FileKind.LINK or path.endswith("/current"):
            sha256 = "" if path.endswith(".keystore") else image.sha256
            return Pin(name, path, image.kind, sha256, image.entries, image.mode, image.uid, image.gid, image.link)
        behind = digests.image(path, follow(self.fs, root, path)[1])
        return Pin(
            name, path, image.kind, behind.sha256, behind.entries, behind.mode, behind.uid, behind.gid, image.link
        )

    def plan(
        self,
        *,
        sets: Sequence[str] = SETS,
        pkcs12: Sequence[str] = ("http",),
        settings: bool = True,
        restart: Restart = Restart.ROLLING,
        targets: Sequence[str] = (),
    ) -> Plan:
        """Everything an apply can do to a node: new sets in both formats, a yml, a keystore."""
        names = tuple(targets) or self.names
        changes: list[Change] = [
            CreateAuthority(AuthorityRequest(each, f"{each} CA", KeyType.EC_P256, 3650), "signs")
            for each in sets
            if not self.workspace.has_authority(each)
        ]
        for name in names:
            changes += node_changes(name, sets, pkcs12, settings)
        paths = [*(f"estui/{each}/current" for each in sets)]
        paths += ["elasticsearch.yml"] * settings + ["elasticsearch.keystore"] * bool(set(sets) & set(pkcs12))
        return Plan(
            workspace=self.workspace.identity().id,
            cluster="logs",
            cluster_uuid="",
            goal=Goal(Scenario.HTTPS),
            stages=(Stage(STAGE, restart, tuple(changes), "tested"),),
            steps=(
                Step("prepare", StepKind.PREPARE, "make files"),
                Step("commit", StepKind.COMMIT, "switch", names, STAGE),
            ),
            pins=tuple(self.pin(name, path) for name in names for path in paths),
            places=tuple(self.place(name) for name in names),
        )


def node_changes(name: str, sets: Sequence[str], pkcs12: Sequence[str], settings: bool) -> list[Change]:
    changes: list[Change] = []
    if settings:
        for key, value in (("xpack.security.enabled", True), ("xpack.security.transport.ssl.enabled", True)):
            changes.append(SetSetting(name, "elasticsearch.yml", key, value, None, "tested"))
    for each in sets:
        request = LeafRequest(name, each, each, name, (name,), ("127.0.0.1",), ("serverAuth",), KeyType.EC_P256, 90)
        store = StoreFormat.PKCS12 if each in pkcs12 else StoreFormat.PEM
        changes.append(PublishSet(name, each, request, (each,), store, False, "tested"))
        if store is StoreFormat.PKCS12:
            key = f"xpack.security.{each}.ssl.keystore.secure_password"
            changes.append(SetSecureSetting(name, "elasticsearch.keystore", key, f"store:{each}", False, "tested"))
    return changes


def make_folder(root: Path, name: str) -> None:
    """One node's configuration folder, as a package leaves it."""
    root.mkdir(parents=True)
    root.chmod(0o2750)
    contents: dict[str, tuple[bytes, int]] = {
        "elasticsearch.yml": (YML.format(name=name).encode(), 0o660),
        "elasticsearch.keystore": (keystore(), 0o660),
        "jvm.options": (b"-Xms1g\n", 0o644),
        "users": (b"", 0o640),
    }
    for path, (content, mode) in contents.items():
        (root / path).write_bytes(content)
        (root / path).chmod(mode)
    if os.geteuid() == 0:
        for each in (root, *root.iterdir()):
            os.chown(each, 0, 977)  # root:elasticsearch, as packages have it
        root.chmod(0o2750)


def make_cluster(base: Path, nodes: int = 3, fs: Fs | None = None) -> Cluster:
    """Folders and workspace with an inventory, in a folder of their own."""
    cluster = Cluster(base, tuple(f"n{number}" for number in range(1, nodes + 1)), fs or RealFs())
    for name in cluster.names:
        make_folder(cluster.root(name), name)
    cluster.workspace_path.mkdir(mode=0o700)
    lines = ["cluster: logs", "nodes:"]
    for name in cluster.names:
        lines += [f"  - config: {cluster.root(name)}", f"    name: {name}"]
    cluster.workspace.create(("\n".join(lines) + "\n").encode())
    return cluster
