"""A new workspace passphrase: every sealed file anew, with all of them under the old one or all under the new one.

The new files are written beside the old ones and opened once; then one marker file says that they count, and only
after it the names change. Cut short before the marker the old passphrase counts, after it the new one, and whoever
opens the workspace next finishes the renames, which needs no passphrase.
"""

from __future__ import annotations

import contextlib
import secrets as random

from estui.act.fs import Owner
from estui.act.journal import stamp
from estui.act.lock import workspace_lock
from estui.act.workspace import PRIVATE_FILE, SECRETS, Workspace
from estui.errors import ApplyError, EstuiError, Location, StoreError, UsageError
from estui.formats import secrets as secret_store
from estui.formats.pbes2 import IV_LENGTH, SALT_LENGTH
from estui.formats.wire import Json, dumps, loads
from estui.pki.keys import decrypt_key, encrypt_key, public_key_sha256
from estui.secret import Secret

MARKER = "passphrase.json"
"""Names the files whose new versions lie beside them; `{"format", "at", "files"}`."""
MARKER_FORMAT = 1
WHAT = "ca passphrase"


def staged_name(path: str) -> str:
    """The new version of a sealed file until the names change."""
    folder, _, name = path.rpartition("/")
    return f"{folder}/" * bool(folder) + f".{name}.estui-passphrase"


def unlock(workspace: Workspace, passphrase: Secret) -> None:
    """Raises StoreError where the passphrase does not open the workspace; finishes a change of it that was cut short.

    LockedError: somebody else is changing it just now.
    """
    changed = ""
    if workspace.fs.read(workspace.path, MARKER).exists:
        with workspace_lock(workspace.path, WHAT):
            changed = finish(workspace)
    try:
        workspace.check_passphrase(passphrase)
    except StoreError as error:
        if not changed:
            raise
        raise StoreError(
            error.summary,
            location=error.location,
            hint=f"the passphrase was changed at {changed}, which was cut short and is finished now: give the new one",
        ) from error


def change(workspace: Workspace, old: Secret, new: Secret) -> int:
    """Seals everything under the new passphrase; the count of files. The workspace's lock must be held.

    Raises StoreError: the old one is wrong, and nothing is changed; UsageError: the new one is empty, or is the old
    one; ApplyError: a file cannot be written, with what counts now.
    """
    if not new:
        raise UsageError("an empty passphrase protects nothing", hint="type one, or give --new-passphrase-file FILE")
    if new == old:
        raise UsageError("the new passphrase is the old one")
    finish(workspace)
    paths = workspace.sealed_files()
    try:
        for path in paths:
            _stage(workspace, path, old, new)
        workspace.replace(MARKER, dumps({"format": MARKER_FORMAT, "at": stamp(workspace.clock()), "files": [*paths]}))
    except EstuiError as error:
        if not workspace.fs.read(workspace.path, MARKER).exists:
            _drop(workspace, paths)
            raise
        raise _unfinished(error) from error
    try:
        finish(workspace)
    except EstuiError as error:
        raise _unfinished(error) from error
    return len(paths)


def _unfinished(error: EstuiError) -> ApplyError:
    return ApplyError(
        "the new passphrase counts, but not every file has its name yet",
        reasons=(str(error),),
        hint="mend what is listed; the next command that is given the new passphrase finishes it",
    )


def _stage(workspace: Workspace, path: str, old: Secret, new: Secret) -> None:
    """The file under the new passphrase, beside the old one, and opened once to see that it can be."""
    place = f"{workspace.path}/{path}"
    content = workspace.fs.read(workspace.path, path).content
    staged = staged_name(path)
    workspace.fs.remove(workspace.path, staged)
    sealed = _sealed_anew(content, path, place, old, new)
    workspace.fs.create(workspace.path, staged, sealed, PRIVATE_FILE, Owner())
    if _meaning(workspace.fs.read(workspace.path, staged).content, path, place, new) != _meaning(
        content, path, place, old
    ):
        raise ApplyError("was written and holds something else now", location=Location(place), hint="check the disk")


def _sealed_anew(content: bytes, path: str, place: str, old: Secret, new: Secret) -> bytes:
    if path == SECRETS:
        values = secret_store.unseal(content, old, place)
        return secret_store.seal(values, new, salt=random.token_bytes(32), nonce=random.token_bytes(12))
    salt, iv = random.token_bytes(SALT_LENGTH), random.token_bytes(IV_LENGTH)
    return encrypt_key(decrypt_key(content, old, place), new, salt=salt, iv=iv)


def _meaning(content: bytes, path: str, place: str, passphrase: Secret) -> object:
    """What a sealed file holds, to be compared."""
    if path == SECRETS:
        return secret_store.unseal(content, passphrase, place)
    return public_key_sha256(decrypt_key(content, passphrase, place))


def _drop(workspace: Workspace, paths: tuple[str, ...]) -> None:
    """New versions that do not count; what cannot be removed is written over by the next change."""
    with contextlib.suppress(EstuiError):
        for path in paths:
            workspace.fs.remove(workspace.path, staged_name(path))


def finish(workspace: Workspace) -> str:
    """Gives every new version its name, where the marker says that they count; when that was begun, else empty.

    The lock must be held. Raises ApplyError, and can be called again; StoreError: the marker is damaged.
    """
    state = workspace.fs.read(workspace.path, MARKER)
    if not state.exists:
        return ""
    at, paths = _marker(loads(state.content, f"{workspace.path}/{MARKER}"), f"{workspace.path}/{MARKER}")
    for path in paths:
        if workspace.fs.read(workspace.path, staged_name(path)).exists:
            workspace.fs.rename(workspace.path, staged_name(path), path)
    workspace.audit("passphrase changed", files=len(paths), begun=at)
    workspace.fs.remove(workspace.path, MARKER)
    return at


def _marker(body: Json, place: str) -> tuple[str, list[str]]:
    if not isinstance(body, dict) or body.get("format") != MARKER_FORMAT or not isinstance(body.get("files"), list):
        raise StoreError("is damaged, or of a newer estui", location=Location(place), hint="restore it from a backup")
    files = body["files"]
    return str(body.get("at", "")), [str(path) for path in files] if isinstance(files, list) else []
