"""What the configuration folders of all products have in common: own files, mounts, a yml, what forbids a plan.

Each product's files and settings are the matter of `folder`, `kibana_folder` and `beat_folder`.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from estui.errors import SettingsError
from estui.formats.yml import parse_settings
from estui.model.finding import Finding, Severity
from estui.model.observed import ABSENT, FileKind, FileState
from estui.model.setting import Setting
from estui.observe.certificates import TlsFiles
from estui.observe.files import Followed, follow, inside, read_state, words
from estui.observe.mounts import mount_points

BEATS = ("metricbeat", "filebeat", "heartbeat", "auditbeat", "packetbeat", "winlogbeat", "journalbeat", "functionbeat")
PRODUCTS = {
    "elasticsearch.yml": "Elasticsearch",
    "kibana.yml": "Kibana",
    "logstash.yml": "Logstash",
    "fleet.yml": "Elastic Agent",
    "elastic-agent.yml": "Elastic Agent",
    "apm-server.yml": "APM Server",
    **{f"{beat}.yml": beat.capitalize() for beat in BEATS},
}
"""File by which a product's configuration folder is known."""


@dataclass(frozen=True)
class MountedFolder:
    """A configuration folder and the paths under which its owner knows it."""

    root: Path
    on_host: tuple[str, ...] = ()
    _followed: dict[str, Followed] = field(default_factory=dict, compare=False, repr=False)
    """By name: several settings name one file, and each look at a slow mount costs."""

    def follow(self, name: str) -> Followed:
        """The file that the yml calls `name`, as it was at the first look; see `files.follow`."""
        if name not in self._followed:
            self._followed[name] = follow(self.root, name, on_host=self._homes(name))
        return self._followed[name]

    def _homes(self, name: str) -> tuple[str, ...]:
        """Known paths of the folder, and as a last resort the one that makes an absolute name meet a file here."""
        if not name.startswith("/") or inside(self.root, name, self.on_host) is not None:
            return self.on_host
        home = home_on_host(self.root, name)
        return (*self.on_host, home) if home else self.on_host

    def named_files(self, contexts: Iterable[TlsFiles]) -> dict[str, FileState]:
        """States of the files that TLS contexts name, where they lie in the folder."""
        found: dict[str, FileState] = {}
        names = [name for context in contexts for name in context.names]
        # what a name with config/ in front of it may have meant
        names += [_without_config(name) for name in names if _without_config(name) != name]
        for name in dict.fromkeys(names):
            followed = self.follow(name)
            if not followed.problem:
                state = followed.state if followed.direct else read_state(self.root / followed.relative)
                linked = state.kind is FileKind.LINK
                found[followed.relative] = _with_target(state, self.root, followed.relative) if linked else state
        return found


def _without_config(name: str) -> str:
    return name.removeprefix("./").removeprefix("config/")


def home_on_host(root: Path, name: str) -> str | None:
    """The path that the folder must have on its own host if the absolute `name` means a file in it, or None.

    `/opt/es/config/certs/http.p12` means `certs/http.p12` where that exists; the longest such end counts.
    """
    parts = os.path.normpath(name).strip("/").split("/")
    for start in range(len(parts)):
        if os.path.lexists(root.joinpath(*parts[start:])):
            return "/" + "/".join(parts[:start])
    return None


def own_files(folder: str, sets: Iterable[str]) -> tuple[str, ...]:
    """Names of estui's own folder, its sets and their links."""
    return (folder, *(path for name in sets for path in (f"{folder}/{name}", f"{folder}/{name}/current")))


def files_of_interest(root: Path, names: Iterable[str]) -> dict[str, FileState]:
    """States of the folder itself (`.`) and of names in it. Nothing behind a link in the middle of a path counts:
    estui makes none, and it could lead anywhere."""
    home = read_state(root)
    if home.kind is FileKind.LINK:
        home = read_state(Path(os.path.realpath(root)))
    found = {".": home}
    points, real = mount_points(), os.path.realpath(root)
    for name in names:
        above = os.path.dirname(name)  # noqa: PTH120 - the empty text where there is nothing above
        if above in found and not found[above].exists:
            found[name] = ABSENT  # each look at a slow mount costs
            continue
        linked = _lies_behind_link(root, above, found)
        state = FileState(FileKind.OTHER, error="lies behind a link") if linked else read_state(root / name)
        is_link = state.kind is FileKind.LINK
        found[name] = _with_target(state, root, name) if is_link and not above else state
        stands = os.path.realpath(root / name) if is_link else f"{real.rstrip('/')}/{name}"
        if state.exists and not linked and stands in points:
            found[name] = replace(found[name], mounted=True)
    return found


def _lies_behind_link(root: Path, folder: str, seen: Mapping[str, FileState]) -> bool:
    """Whether a folder, or one above it, is a link; what was seen already is not looked at again."""
    if not folder:
        return False
    is_link = seen[folder].kind is FileKind.LINK if folder in seen else (root / folder).is_symlink()
    return is_link or _lies_behind_link(root, os.path.dirname(folder), seen)  # noqa: PTH120


def _with_target(link: FileState, root: Path, name: str) -> FileState:
    """A link of the product's own (as Kubernetes mounts files) with content, owner and mode of the file in the folder
    that it leads to: that is what is read, edited and pinned."""
    followed = follow(root, name)
    if followed.problem:
        return link
    target = followed.state
    return replace(link, content=target.content, mode=target.mode, uid=target.uid, gid=target.gid)


def folder_problem(root: Path, yml: str, target: str) -> Finding | None:
    """What keeps `root` from being a readable configuration folder with that yml, or None."""
    try:
        kind = root.stat().st_mode
        names = {each.name for each in root.iterdir()} if stat.S_ISDIR(kind) else set()
    except FileNotFoundError:
        hint = "mount it, or correct the path in estui.yaml"
        return fatal("folder-missing", target, "the configuration folder does not exist", hint, str(root))
    except OSError as exc:
        hint = f"let uid {os.geteuid()} read it, or look at its mount"
        return fatal(
            "folder-unreadable", target, f"the configuration folder cannot be read: {words(exc)}", hint, str(root)
        )
    if not stat.S_ISDIR(kind):
        hint = f"name the folder that holds {yml}"
        return fatal("folder-not-a-folder", target, "is not a folder", hint, str(root))
    if yml not in names:
        return fatal("yml-missing", target, f"there is no {yml} in the folder", _other_product(root, names), str(root))
    return None


def _other_product(root: Path, names: set[str]) -> str:
    """What to do about a folder without the expected yml: it may be another product's, or one level too high."""
    other = next((product for file, product in PRODUCTS.items() if file in names), None)
    if other:
        return f"this is the configuration folder of {other}"
    if "config" in names:
        return f"its configuration folder may be {root / 'config'}"
    return "name the folder that holds it" if names else "the folder is empty: is it mounted?"


def product_of(root: Path) -> str:
    """The product whose configuration folder it is, by the yml in it; empty where that cannot be told."""
    return next((product for file, product in PRODUCTS.items() if read_state(root / file).exists), "")


def resolved(state: FileState, path: Path) -> FileState:
    """The file behind a name of the folder, as its product would read it: a link is followed as long as it stays in
    the folder. With `error` in words where there is no file to read."""
    if state.kind is FileKind.LINK:
        followed = follow(path.parent, path.name)
        if followed.problem:
            return replace(state, error=followed.problem)
        state = followed.state
    if state.kind in (FileKind.FILE, FileKind.ABSENT) or state.error:
        return state
    return replace(state, error=f"is a {state.kind.value}, not a file")


def read_settings(
    state: FileState, path: Path, target: str, list_as: str = ""
) -> tuple[Mapping[str, Setting], tuple[Finding, ...]]:
    """Settings of a yml, or none and the finding that says why. `list_as`: see `parse_settings`."""
    state = resolved(state, path)
    if state.error:
        hint = f"let uid {os.geteuid()} read it"
        return {}, (fatal("yml-broken", target, f"{path.name} cannot be read: {state.error}", hint, str(path)),)
    try:
        return parse_settings(state.content, str(path), list_as), ()
    except SettingsError as exc:
        return {}, (fatal("yml-broken", target, exc.summary, exc.hint, str(exc.location or path)),)


def stated_name(settings: Mapping[str, Setting], key: str) -> str:
    """A name that a yml spells out; empty where it is left to a default or to the environment (`${HOSTNAME}`)."""
    text = settings[key].text if key in settings else ""
    return "" if "$" in text else text


def hanging(config: str, target: str, seconds: float) -> Finding:
    """The finding for a folder that did not answer in time."""
    return fatal(
        "folder-unreadable",
        target,
        f"the configuration folder does not answer within {seconds:g} s",
        "look whether its mount hangs",
        config,
    )


def fatal(rule: str, target: str, summary: str, hint: str, where: str) -> Finding:
    """A finding that forbids a plan for its target."""
    return Finding(rule, Severity.FATAL, target, summary, hint, where)
