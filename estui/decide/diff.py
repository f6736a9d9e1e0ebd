"""Plan to review: per target and file the lines that change, with reasons; secrets only as words.

`present.py` turns a review into text; the diff view of the TUI draws the same lines.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from estui.decide import fixed
from estui.decide.authorities import SERVER_SET
from estui.decide.layers import NODE_KEYSTORE, NODE_YML
from estui.decide.masking import masked_lines
from estui.decide.plan import Thing, authority_title
from estui.formats import yml
from estui.formats.beats_modules import list_name
from estui.formats.role_mapping import MARK
from estui.model.certificate import CertificateFacts
from estui.model.inventory import KeyType, StoreFormat
from estui.model.observed import ABSENT, Observed, ObservedKibana, ObservedNode
from estui.model.plan import (
    Change,
    CreateAuthority,
    FirstLogin,
    GrantLogin,
    IssueClient,
    IssueKey,
    IssueToken,
    LeafRequest,
    Manual,
    Plan,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetAccess,
    SetKeystorePassword,
    SetPasswords,
    SetSecureSetting,
    SetSetting,
    by_target,
)

CONTEXT = 3
"""Unchanged lines shown around a change."""
HEADING = "Security, written by estui"
"""Comment above the settings that a yml did not have before."""
KEY_WORDS = {
    KeyType.EC_P256: "EC P-256",
    KeyType.RSA_2048: "RSA 2048",
    KeyType.RSA_3072: "RSA 3072",
    KeyType.RSA_4096: "RSA 4096",
}


class Mark(StrEnum):
    """Kind of a line in a review."""

    SAME = " "
    ADD = "+"
    REMOVE = "-"
    FOLD = "…"
    NOTE = "#"


@dataclass(frozen=True)
class DiffLine:
    """One line of a review; `old` and `new` are line numbers from 1, None where the side has no such line."""

    mark: Mark
    text: str
    old: int | None = None
    new: int | None = None
    why: str = ""


@dataclass(frozen=True)
class FileDiff:
    """Changes of one file, or of one managed set, on one target. `same` are further targets with the same change."""

    target: str
    path: str
    lines: tuple[DiffLine, ...]
    action: str
    """`changed`, `new`, `new set`, `replaced set`, `new authority`, `after the start`."""
    note: str = ""
    """Owner and mode of what is written."""
    same: tuple[str, ...] = ()

    @property
    def added(self) -> int:
        return sum(line.mark is Mark.ADD for line in self.lines)

    @property
    def removed(self) -> int:
        return sum(line.mark is Mark.REMOVE for line in self.lines)

    @property
    def targets(self) -> tuple[str, ...]:
        return (self.target, *self.same)


@dataclass(frozen=True)
class Review:
    """Everything that a plan would do, ready to be read."""

    files: tuple[FileDiff, ...]

    @property
    def hunks(self) -> int:
        """Count of separate places that change."""
        return sum(1 for file in self.files for _ in hunk_starts(file.lines))


def hunk_starts(lines: tuple[DiffLine, ...]) -> Iterable[int]:
    """Index of the first changed line of each group of changed lines."""
    inside = False
    for number, line in enumerate(lines):
        changed = line.mark in (Mark.ADD, Mark.REMOVE)
        if changed and not inside:
            yield number
        inside = changed


def yml_edits(changes: Iterable[Change], target: str, path: str) -> list[yml.Put | yml.Drop]:
    """The edits of one yml file that a plan's changes amount to."""
    edits: list[yml.Put | yml.Drop] = []
    for change in changes:
        if isinstance(change, SetSetting) and (change.target, change.path) == (target, path):
            edits.append(yml.Put(change.key, change.value))
        elif isinstance(change, RemoveSetting) and (change.target, change.path) == (target, path):
            edits.append(yml.Drop(change.key))
    return edits


def edited_yml(content: bytes, changes: Iterable[Change], target: str, path: str) -> bytes:
    """The yml as the plan leaves it. Raises SettingsError where it cannot be edited."""
    return yml.edit(content, yml_edits(changes, target, path), path, HEADING, list_name(path))


def build_review(plan: Plan, observed: Observed, *, fold: bool = True) -> Review:
    """The review of a plan. With `fold` equal changes on several targets are shown once."""
    files: list[FileDiff] = []
    things = {thing.target: thing for thing in reversed((*observed.things, *observed.beats))}
    issuers = {each.certificate.subject: authority_title(each.name) for each in observed.authorities}
    for stage in plan.stages:
        files += _authorities(stage.changes)
        for target, mine in by_target(stage.changes).items():
            files += _target_files(plan, things.get(target), mine, target, issuers)
    return Review(tuple(_folded(files) if fold else files))


def _authorities(changes: tuple[Change, ...]) -> list[FileDiff]:
    files = []
    for change in changes:
        if isinstance(change, CreateAuthority):
            request = change.request
            text = f"{request.common_name} · {request.days} days · {KEY_WORDS[request.key]} · key stored encrypted"
            line = DiffLine(Mark.ADD, text, why=change.why)
            files.append(FileDiff("workspace", f"ca/{request.name}", (line,), "new authority", "0600"))
        if isinstance(change, IssueClient):
            lines = tuple(leaf_lines(change.request, change.why))
            action = f"{'replaced' if change.replaces else 'new'} client certificate"
            files.append(FileDiff("workspace", f"clients/{change.request.common_name}.pem", lines, action, "0600"))
    return files


def _target_files(
    plan: Plan, thing: Thing | None, mine: Sequence[Change], target: str, issuers: Mapping[str, str]
) -> list[FileDiff]:
    place = plan.place(target)
    owner = f"{place.uid}:{place.gid}"
    files = []
    for path in dict.fromkeys(change.path for change in mine if isinstance(change, SetSetting | RemoveSetting)):
        files.append(_yml_diff(thing, mine, target, path))
    for path in dict.fromkeys(
        change.path
        for change in mine
        if isinstance(change, SetSecureSetting | RemoveSecureSetting | SetKeystorePassword)
    ):
        files.append(_secure_diff(mine, target, path, f"{place.keystore_mode:04o} {owner}"))
    files += [_fixed_diff(group, thing, issuers) for group in fixed.groups(mine)]
    for change in mine:
        match change:
            case PublishSet(fixed=()):
                files.append(
                    _set_diff(
                        change, _leaf_in_use(change, thing), issuers, f"{place.file_mode:04o} {owner}", plan.folder
                    )
                )
            case FirstLogin():
                files.append(_login_diff(change))
            case SetPasswords():
                line = DiffLine(Mark.ADD, f"passwords of {', '.join(change.users)}  (secret, changed)", why=change.why)
                files.append(FileDiff(target, "security API", (line,), "while the node runs"))
            case GrantLogin():
                files.append(_grant_diff(change))
            case IssueKey():
                files.append(_key_diff(change))
            case IssueToken():
                line = DiffLine(Mark.ADD, f"token {change.name}… of {change.account}  (secret, new)", why=change.why)
                files.append(
                    FileDiff(target, "security API", (line,), f"through {change.node}, before Kibana is stopped")
                )
            case SetAccess():
                after = f"{change.mode:04o} {change.uid}:{change.gid}"
                lines = (
                    DiffLine(Mark.REMOVE, f"mode and owner {change.before}"),
                    DiffLine(Mark.ADD, f"mode and owner {after}", why=change.why),
                )
                files.append(FileDiff(target, change.path, lines, "mode and owner, same content"))
            case Manual():
                files.append(
                    FileDiff(target, "by hand", (DiffLine(Mark.NOTE, change.text, why=change.why),), "by hand")
                )
            case _:
                pass
    return files


def _content(thing: Thing | None, path: str) -> tuple[bytes, str]:
    if thing is None:
        return b"", ""
    state = thing.files.get(path, ABSENT)
    shown = f"{state.mode:04o} {state.uid}:{state.gid}"
    return state.content, f"link to {state.link}, {shown}" if state.link else shown


def _yml_diff(thing: Thing | None, changes: Sequence[Change], target: str, path: str) -> FileDiff:
    before, note = _content(thing, path)
    after = edited_yml(before, changes, target, path)
    reasons = _reasons(after, changes, target, path)
    old, new = (masked_lines(text.decode("utf-8", "replace")) for text in (before, after))
    explained = tuple(
        replace(line, why=reasons.get(line.new, "") if line.mark is Mark.ADD and line.new else "")
        for line in line_diff(old, new)
    )
    return FileDiff(target, path, explained, "changed" if before else "new", note)


def _reasons(after: bytes, changes: Sequence[Change], target: str, path: str) -> dict[int, str]:
    """Reason of each changed line, by its number in the new text."""
    settings = yml.parse_settings(after, path, list_name(path))
    return {
        settings[change.key].line: change.why
        for change in changes
        if isinstance(change, SetSetting) and (change.target, change.path) == (target, path) and change.key in settings
    }


def line_diff(old: Sequence[str], new: Sequence[str], context: int = CONTEXT) -> list[DiffLine]:
    """Unified diff of two lists of lines with their numbers; runs of unchanged lines become one fold line with their
    count."""
    lines: list[DiffLine] = []
    position = 0
    for group in difflib.SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(context):
        skipped = group[0][1] - position
        if skipped:
            lines.append(_fold(skipped))
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                lines += [
                    DiffLine(Mark.SAME, old[i], i + 1, j + 1) for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
                ]
                continue
            lines += [DiffLine(Mark.REMOVE, old[i], i + 1) for i in range(i1, i2)]
            lines += [DiffLine(Mark.ADD, new[j], None, j + 1) for j in range(j1, j2)]
        position = group[-1][2]
    if lines and position < len(old):
        lines.append(_fold(len(old) - position))
    return lines


def _fold(count: int) -> DiffLine:
    return DiffLine(Mark.FOLD, f"{count} unchanged line{'s' if count > 1 else ''}")


def _secure_diff(changes: Sequence[Change], target: str, path: str, note: str) -> FileDiff:
    lines = []
    for change in changes:
        if isinstance(change, SetSecureSetting) and change.path == path:
            word = "changed" if change.replaces else "new"
            lines.append(DiffLine(Mark.ADD, f"{change.name}  (secret, {word})", why=change.why))
        elif isinstance(change, RemoveSecureSetting) and change.path == path:
            lines.append(DiffLine(Mark.REMOVE, f"{change.name}  (secret, removed)", why=change.why))
        elif isinstance(change, SetKeystorePassword) and change.path == path:
            word = "changed" if change.replaces else "new"
            mark = Mark.ADD if change.protects else Mark.REMOVE
            lines.append(
                DiffLine(
                    mark, f"password of the file  (secret, {word if change.protects else 'removed'})", why=change.why
                )
            )
    return FileDiff(target, path, tuple(lines), "changed", note)


def leaf_lines(request: LeafRequest, why: str) -> list[DiffLine]:
    """A leaf as meaning: names, issuer, life and key."""
    names = ", ".join((*request.dns_names, *request.addresses))
    usage = " and ".join({"serverAuth": "server", "clientAuth": "client"}[usage] for usage in request.usages)
    return [
        DiffLine(Mark.ADD, f"CN={request.common_name}  SAN {names}", why=why),
        DiffLine(
            Mark.ADD,
            f"signed by {authority_title(request.authority)} · {request.days} days · {KEY_WORDS[request.key]}"
            f" · {usage}",
        ),
    ]


def _content_lines(change: PublishSet, old: CertificateFacts | None, issuers: Mapping[str, str]) -> list[DiffLine]:
    """What a set holds, as meaning; `old` is the leaf in use."""
    lines = _leaf_change(change.request, change.why, old, issuers) if change.request else []
    if change.keep_leaf:
        lines.append(DiffLine(Mark.NOTE, "leaf and key stay as they are"))
    if change.trust:
        trusted = ", ".join(authority_title(name) for name in change.trust)
        lines.append(DiffLine(Mark.ADD, f"trusts {trusted}", why="" if change.request else change.why))
    mapped = [each for each in change.mapping if not each[0].startswith(MARK)]
    lines += [DiffLine(Mark.ADD, f"role {role}: {'; '.join(subjects)}") for role, *subjects in mapped]
    if change.maps:
        text = "estui's own certificate has a role without rights, whose name tells which mapping a node has loaded"
        lines.append(DiffLine(Mark.NOTE, text))
    if change.maps and not mapped:
        lines.append(DiffLine(Mark.NOTE, "role mapping: nobody has a role yet (estui client new NAME --role ROLE)"))
    return lines


def _leaf_in_use(change: PublishSet, thing: Thing | None) -> CertificateFacts | None:
    """The leaf that a new one takes the place of."""
    if not change.replaces:
        return None
    if isinstance(thing, ObservedNode):
        layer = next((each for each in thing.disk if each.value == change.set_name), None)
        return thing.disk[layer].leaf if layer else None
    return thing.disk.leaf if isinstance(thing, ObservedKibana) and change.set_name == SERVER_SET else None


def _leaf_change(
    request: LeafRequest, why: str, old: CertificateFacts | None, issuers: Mapping[str, str]
) -> list[DiffLine]:
    """A leaf as meaning, and where it differs from the one in use that one first."""
    new = leaf_lines(request, why)
    if old is None:
        return new
    issuer = issuers.get(old.issuer) or old.issuer.partition(",")[0]
    before = (
        f"{old.subject.partition(',')[0]}  SAN {', '.join(old.names) or 'none'}",
        f"signed by {issuer} · ends {old.not_after:%Y-%m-%d} · {_key_words(old.key_type)}",
    )
    named, signed = new
    if before[0] == named.text:
        return [replace(named, mark=Mark.SAME), DiffLine(Mark.REMOVE, before[1]), signed]
    return [DiffLine(Mark.REMOVE, before[0]), named, DiffLine(Mark.REMOVE, before[1]), signed]


def _key_words(key_type: str) -> str:
    """`EC P-256` for what a certificate calls `ec-p256`; another kind as it is called there."""
    return next((words for key, words in KEY_WORDS.items() if key.value == key_type), key_type)


def _fixed_diff(group: Sequence[PublishSet], thing: Thing | None, issuers: Mapping[str, str]) -> FileDiff:
    """Files with names of their own, once for all layers that use them."""
    first = group[0]
    paths = dict.fromkeys(path for change in group for path in fixed.written_paths(change))
    trust = tuple(dict.fromkeys(name for change in group for name in change.trust))
    lines = _content_lines(replace(first, trust=trust), _leaf_in_use(first, thing), issuers)
    if len(group) > 1:
        lines.append(
            DiffLine(Mark.NOTE, f"one leaf for {' and '.join(change.set_name for change in group)}, as before")
        )
    store = "PKCS#12" if first.format is StoreFormat.PKCS12 else "PEM"
    note = "by renames one after the other, owner and mode as they are"
    return FileDiff(first.target, ", ".join(paths), tuple(lines), f"replaced under their own names, {store}", note)


def _set_diff(
    change: PublishSet, old: CertificateFacts | None, issuers: Mapping[str, str], note: str, folder: str
) -> FileDiff:
    lines = _content_lines(change, old, issuers)
    store = "PKCS#12" if change.format is StoreFormat.PKCS12 else "PEM"
    action = f"{'replaced' if change.replaces else 'new'} set, {store}"
    return FileDiff(change.target, f"{folder}/{change.set_name}/current", tuple(lines), action, note)


def _login_diff(change: FirstLogin) -> FileDiff:
    lines = (
        DiffLine(Mark.ADD, "temporary superuser, removed before the end  (secret, new)", why=change.why),
        *(
            [DiffLine(Mark.NOTE, f"then through the API: passwords of {', '.join(change.users)}  (secret, new)")]
            if change.users
            else []
        ),
    )
    return FileDiff(change.target, "users, users_roles", lines, "after the start, on this node only")


def _rights(change: GrantLogin | IssueKey) -> list[str]:
    rights = [f"cluster: {', '.join(change.cluster)}"]
    return rights + [f"{', '.join(each.names)}: {', '.join(each.privileges)}" for each in change.indices]


def _key_diff(change: IssueKey) -> FileDiff:
    """An API key and its rights, as the API gets them."""
    head = DiffLine(Mark.ADD, f"API key {change.name}…  (secret, new)", why=change.why)
    lines = (head, *(DiffLine(Mark.ADD, f"  {each}") for each in _rights(change)))
    return FileDiff(change.target, "security API", lines, f"through {change.node}, before anything is switched")


def _grant_diff(change: GrantLogin) -> FileDiff:
    """A user and its role, as the API gets them."""
    beside = f", {', '.join(change.roles)}" if change.roles else ""
    lines = (
        DiffLine(Mark.ADD, f"role {change.role}", why=change.why),
        *(DiffLine(Mark.ADD, f"  {each}") for each in _rights(change)),
        DiffLine(Mark.ADD, f"user {change.user} with {change.role}{beside}  (secret, new)"),
    )
    return FileDiff(change.target, "security API", lines, "through the API, once the cluster is up")


def _signature(file: FileDiff) -> tuple[object, ...]:
    """What makes two changes the same: path and changed lines, not the lines around them."""
    changed = tuple((line.mark, line.text) for line in file.lines if line.mark in (Mark.ADD, Mark.REMOVE))
    return file.path, file.action, file.note, changed


def _folded(files: list[FileDiff]) -> list[FileDiff]:
    """Equal changes on several targets as one, at the place of the first."""
    first: dict[tuple[object, ...], int] = {}
    folded: list[FileDiff] = []
    for file in files:
        key = _signature(file)
        if file.path not in (NODE_YML, NODE_KEYSTORE) or key not in first:
            first.setdefault(key, len(folded))
            folded.append(file)
        else:
            at = first[key]
            folded[at] = replace(folded[at], same=(*folded[at].same, file.target))
    return folded
