"""Writes the client certificates of a workspace; `observe/client_files.py` reads them and has the names of the files.

Keys of others are handed out once, into new files that only their owner can read, and kept nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cryptography import x509

from estui.act.fs import Owner
from estui.act.workspace import PRIVATE_FOLDER, Workspace
from estui.formats import pem
from estui.formats.wire import Json, dumps, to_json
from estui.model.rollover import Client
from estui.observe.client_files import CONNECTED_FILE, FOLDER, OWN_FILE, ROLES_FILE
from estui.pki.keys import PrivateKey

FORMAT = 1


def write_own(workspace: Workspace, key: PrivateKey, chain: Sequence[x509.Certificate]) -> None:
    """estui's own certificate and key, replacing those before at once. The key lies there in clear, 0600: it lets a
    request through to the login, and gives no rights by itself."""
    _folder(workspace)
    content = b"".join(pem.certificate_pem(each) for each in chain) + pem.private_key_pem(key)
    workspace.replace(OWN_FILE, content)


def write_client(workspace: Workspace, name: str, chain: Sequence[x509.Certificate]) -> None:
    """Somebody's certificate, without the key."""
    _folder(workspace)
    workspace.replace(f"{FOLDER}/{name}.crt", b"".join(pem.certificate_pem(each) for each in chain))


def remove_client(workspace: Workspace, name: str) -> None:
    workspace.fs.remove(workspace.path, f"{FOLDER}/{name}.crt")


def write_roles(workspace: Workspace, roles: Mapping[str, Sequence[str]]) -> None:
    _folder(workspace)
    listed: dict[str, Json] = {name: [*given] for name, given in sorted(roles.items()) if given}
    workspace.replace(ROLES_FILE, dumps({"format": FORMAT, "roles": listed}))


def write_connected(workspace: Workspace, clients: Iterable[Client]) -> None:
    """The whole checklist, replacing what was there. The workspace's lock must be held."""
    _folder(workspace)
    workspace.replace(CONNECTED_FILE, dumps({"format": FORMAT, "clients": [to_json(client) for client in clients]}))


def _folder(workspace: Workspace) -> None:
    workspace.fs.make_folder(workspace.path, FOLDER, PRIVATE_FOLDER, Owner())
