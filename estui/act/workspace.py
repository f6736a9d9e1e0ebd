"""Writes a workspace: inventory, certificate authorities, passwords, audit log. `observe/workspace.py` reads it."""

from __future__ import annotations

import base64
import getpass
import os
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509

from estui.act.fs import Fs, Owner, temporary_name
from estui.act.journal import Clock, stamp, utc_now
from estui.errors import ApplyError, CertificateError, Location, StoreError, UsageError
from estui.formats import pem
from estui.formats import secrets as secret_store
from estui.formats.pbes2 import IV_LENGTH, SALT_LENGTH
from estui.formats.wire import Json, as_text, dumps, loads
from estui.model.certificate import CertificateFacts
from estui.model.observed import FileKind, OnDisk
from estui.model.plan import AuthorityRequest, LeafRequest
from estui.observe.csr import REQUESTS_JSON
from estui.pki import authority as pki_authority
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey, decrypt_key, encrypt_key, generate_key, public_key_sha256
from estui.secret import Secret

INVENTORY = "estui.yaml"
WORKSPACE_JSON = "workspace.json"
SECRETS = "secrets.json"
AUDIT = "audit.jsonl"
REQUESTS = "csr"
"""Folder of the certificate requests for an external CA, one folder below it for each export."""
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
WORKSPACE_FORMAT = 1


@dataclass(frozen=True)
class Identity:
    """`workspace.json`: who this workspace is, the key of its digests, and the commands a person has confirmed."""

    id: str
    digest_key: bytes
    """Keys the digests of secure settings, so that they tell nothing about short values."""
    confirmed: tuple[str, ...] = ()


def serial() -> int:
    """A random certificate serial number (RFC 5280 §4.1.2.2)."""
    return pki_authority.new_serial(secrets.token_bytes(20))


class Workspace:
    """One workspace folder and the file system through which it is written."""

    def __init__(self, path: str, fs: Fs, clock: Clock = utc_now) -> None:
        self.path = path
        self.fs = fs
        self.clock = clock

    # identity

    def create(self, inventory: bytes) -> None:
        """A new workspace with this `estui.yaml`.

        Raises UsageError where there is one already.
        """
        if self.fs.read(self.path, INVENTORY).exists:
            raise UsageError(
                "there is an inventory already",
                location=Location(f"{self.path}/{INVENTORY}"),
                hint="edit it, or choose another folder with --workspace",
            )
        self.identity()
        self._create_whole(INVENTORY, inventory)

    def identity(self) -> Identity:
        """The workspace's identity, made on first use."""
        state = self.fs.read(self.path, WORKSPACE_JSON)
        if not state.exists:
            body: dict[str, Json] = {
                "format": WORKSPACE_FORMAT,
                "id": str(uuid.uuid4()),
                "digest_key": base64.b64encode(secrets.token_bytes(32)).decode(),
                "confirmed_commands": [],
            }
            self._create_whole(WORKSPACE_JSON, dumps(body))
            state = self.fs.read(self.path, WORKSPACE_JSON)
        return parse_identity(state.content, f"{self.path}/{WORKSPACE_JSON}")

    def confirm_commands(self, digests: tuple[str, ...]) -> None:
        """Remembers that a person has seen and confirmed these commands."""
        identity = self.identity()
        body: dict[str, Json] = {
            "format": WORKSPACE_FORMAT,
            "id": identity.id,
            "digest_key": base64.b64encode(identity.digest_key).decode(),
            "confirmed_commands": [*sorted({*identity.confirmed, *digests})],
        }
        self.replace(WORKSPACE_JSON, dumps(body))

    def replace(self, path: str, content: bytes) -> None:
        """A file of the workspace, new or replaced: whole or not at all. The lock must be held."""
        self.fs.remove(self.path, temporary_name(path))
        self.fs.create(self.path, temporary_name(path), content, PRIVATE_FILE, Owner())
        self.fs.rename(self.path, temporary_name(path), path)

    def _create_whole(self, path: str, content: bytes) -> None:
        """A new file, whole or not at all; where two do so at once, the first one's stays."""
        temporary = f"{temporary_name(path)}-{secrets.token_hex(4)}"
        self.fs.create(self.path, temporary, content, PRIVATE_FILE, Owner())
        try:
            self.fs.move_new(self.path, temporary, path)
        except ApplyError:
            self.fs.remove(self.path, temporary)
            if not self.fs.read(self.path, path).exists:
                raise

    # certificate authorities

    def create_authority(self, request: AuthorityRequest, passphrase: Secret) -> x509.Certificate:
        """A new CA, its key stored encrypted.

        The key is written first: a CA without its certificate is made anew, one without its key never exists.
        """
        folder = f"ca/{request.name}"
        if self.fs.read(self.path, f"{folder}/ca.crt").exists:
            raise CertificateError(f"the workspace has a CA {request.name} already", hint="estui ca list")
        key = generate_key(request.key)
        certificate = pki_authority.create_authority(request, key=key, serial=serial(), now=self.clock())
        self.fs.make_folder(self.path, "ca", PRIVATE_FOLDER, Owner())
        self.fs.make_folder(self.path, folder, PRIVATE_FOLDER, Owner())
        self.store_key(f"{folder}/ca.key", key, passphrase)
        self.replace(f"{folder}/ca.crt", pem.certificate_pem(certificate))
        facts = certificate_facts(certificate)
        self.audit("ca created", name=request.name, sha256=facts.sha256)
        return certificate

    def import_authority(
        self,
        name: str,
        certificate: x509.Certificate,
        key: PrivateKey | None,
        passphrase: Secret | None,
        earlier: Sequence[x509.Certificate] = (),
    ) -> None:
        """A CA that was made elsewhere, under a name that is free; its key, where there is one, stored encrypted.

        `earlier` are older certificates of the same subject and key. The caller has checked that they are a CA and its
        key. Raises CertificateError: the name is taken.
        """
        if self.has_authority(name):
            raise CertificateError(f"the workspace has a CA {name} already", hint="choose another name: estui ca list")
        folder = f"ca/{name}"
        self.fs.make_folder(self.path, "ca", PRIVATE_FOLDER, Owner())
        self.fs.make_folder(self.path, folder, PRIVATE_FOLDER, Owner())
        if key is not None:
            if passphrase is None:
                raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
            self.store_key(f"{folder}/ca.key", key, passphrase)
        else:
            # what a CA that was cut short left behind is no key of this one
            self.fs.remove(self.path, f"{folder}/ca.key")
        for each in earlier:
            self.replace(f"{folder}/ca-{each.serial_number:x}.crt", pem.certificate_pem(each))
        self.replace(f"{folder}/ca.crt", pem.certificate_pem(certificate))
        self.audit("ca imported", name=name, sha256=certificate_facts(certificate).sha256, with_key=key is not None)

    def add_authority_key(self, name: str, key: PrivateKey, passphrase: Secret) -> None:
        """The key of a CA that had none here, stored encrypted. Raises CertificateError: it belongs to another one."""
        facts = certificate_facts(self.authority_certificate(name))
        if facts.key_sha256 != public_key_sha256(key):
            raise CertificateError(f"key and certificate of certificate authority {name} do not belong together")
        self.store_key(f"ca/{name}/ca.key", key, passphrase)
        self.audit("ca key imported", name=name, sha256=facts.sha256)

    def authority_certificate(self, name: str) -> x509.Certificate:
        """Certificate of a CA. StoreError where there is none."""
        path = f"ca/{name}/ca.crt"
        state = self.fs.read(self.path, path)
        if not state.exists:
            raise StoreError("is missing", location=Location(f"{self.path}/{path}"), hint="estui ca list")
        return pem.load_certificates(state.content, f"{self.path}/{path}")[0]

    def authority_key(self, name: str, passphrase: Secret) -> PrivateKey:
        """Private key of a CA. StoreError: no key, or a wrong passphrase."""
        path = f"ca/{name}/ca.key"
        state = self.fs.read(self.path, path)
        if not state.exists:
            raise StoreError("is missing", location=Location(f"{self.path}/{path}"), hint="the CA cannot sign without")
        return decrypt_key(state.content, passphrase, f"{self.path}/{path}")

    def store_key(self, path: str, key: PrivateKey, passphrase: Secret) -> None:
        """A private key, encrypted. StoreError: the passphrase is another one than that of what is there, as in a
        process that was open while it was changed."""
        self.check_passphrase(passphrase)
        salt, iv = secrets.token_bytes(SALT_LENGTH), secrets.token_bytes(IV_LENGTH)
        self.replace(path, encrypt_key(key, passphrase, salt=salt, iv=iv))

    def own_authorities(self, disk: OnDisk) -> tuple[CertificateFacts, ...]:
        """The workspace's CAs among the certificates of a set. StoreError where there is none: nothing vouches for it.

        What a node's files hold is only believed where the workspace holds it too; a CA that was renewed is the same
        one, by its name and key.
        """
        held = {(each.subject, each.key_sha256) for each in (*disk.chain, *disk.trusted)}
        names = [name for name in self.fs.names(self.path, "ca") if self.has_authority(name)]
        known = [certificate_facts(self.authority_certificate(name)) for name in names]
        found = tuple(each for each in known if (each.subject, each.key_sha256) in held)
        if not found:
            raise StoreError("the workspace holds no CA of these certificates", hint="estui ca list")
        return found

    def has_key(self, name: str) -> bool:
        return self.fs.read(self.path, f"ca/{name}/ca.key").kind is FileKind.FILE

    def has_authority(self, name: str) -> bool:
        return self.fs.read(self.path, f"ca/{name}/ca.crt").exists

    def record_issued(self, leaves: Sequence[tuple[x509.Certificate, LeafRequest]], run: str) -> None:
        """A line for each leaf in its CA's list of what it issued, and where that is installed."""
        lists: dict[str, list[bytes]] = {}
        for leaf, request in leaves:
            facts = certificate_facts(leaf)
            line: dict[str, Json] = {
                "serial": facts.serial_hex,
                "subject": facts.subject,
                "names": list(facts.names),
                "not_before": stamp(facts.not_before),
                "not_after": stamp(facts.not_after),
                "sha256": facts.sha256,
                "target": request.target,
                "set": request.set_name,
                "run": run,
            }
            lists.setdefault(request.authority, []).append(as_text(line) + b"\n")
        for authority, lines in lists.items():
            self.fs.append(self.path, f"ca/{authority}/issued.jsonl", b"".join(lines))

    # secrets

    def has_secrets(self) -> bool:
        return self.fs.read(self.path, SECRETS).exists

    def secrets(self, passphrase: Secret) -> dict[str, Secret]:
        """Stored passwords by user name; empty where none are stored. StoreError: wrong passphrase."""
        state = self.fs.read(self.path, SECRETS)
        if not state.exists:
            return {}
        return secret_store.unseal(state.content, passphrase, f"{self.path}/{SECRETS}")

    def store_secrets(self, values: Mapping[str, Secret], passphrase: Secret) -> None:
        content = secret_store.seal(values, passphrase, salt=secrets.token_bytes(32), nonce=secrets.token_bytes(12))
        self.replace(SECRETS, content)

    def sealed_files(self) -> tuple[str, ...]:
        """Every file that the workspace passphrase opens: CA keys, keys of certificate requests, `secrets.json`.

        A key without its CA was cut short before it was one, and is made anew.
        Raises StoreError: one that cannot be looked at, since a list without it would be wrong.
        """
        keys = [f"ca/{name}/ca.key" for name in self.fs.names(self.path, "ca") if self.has_authority(name)]
        keys += [f"{REQUESTS}/{folder}/{name}" for folder in self.request_folders() for name in self._keys_in(folder)]
        return tuple(path for path in (*keys, SECRETS) if self._kind(path) is FileKind.FILE)

    def _kind(self, path: str) -> FileKind:
        state = self.fs.read(self.path, path)
        if state.error:
            raise StoreError(f"cannot be read: {state.error}", location=Location(f"{self.path}/{path}"))
        return state.kind

    def request_folders(self) -> tuple[str, ...]:
        """Ids of the sets of certificate requests, oldest first; one without its record was cut short, and is none."""
        names = self.fs.names(self.path, REQUESTS)
        return tuple(name for name in names if self._kind(f"{REQUESTS}/{name}/{REQUESTS_JSON}") is FileKind.FILE)

    def _keys_in(self, folder: str) -> list[str]:
        names = self.fs.names(self.path, f"{REQUESTS}/{folder}")
        return [name for name in names if name.endswith(".key") and not name.startswith(".")]

    def check_passphrase(self, passphrase: Secret) -> None:
        """Raises StoreError where the passphrase does not open what the workspace holds already."""
        if self.has_secrets():
            self.secrets(passphrase)
        keys = [path for path in self.sealed_files() if path.endswith(".key")]
        requests = [path for path in keys if path.startswith(f"{REQUESTS}/")]
        # one stands for all of them: they may be hundreds, and opening an RSA key takes a while
        for path in [*(each for each in keys if each not in requests), *requests[:1]]:
            decrypt_key(self.fs.read(self.path, path).content, passphrase, f"{self.path}/{path}")

    @property
    def needs_new_passphrase(self) -> bool:
        """Whether nothing is encrypted yet, so that a passphrase given now is a new one."""
        return not self.sealed_files()

    # audit

    def audit(self, what: str, **fields: Json) -> None:
        """One line: who, when, what. Never a secret."""
        line: dict[str, Json] = {"at": stamp(self.clock()), "who": login_name(), "what": what, **fields}
        self.fs.append(self.path, AUDIT, as_text(line) + b"\n")


def login_name() -> str:
    """Who is at the keyboard: the login name, also under sudo."""
    sudo = os.environ.get("SUDO_USER")
    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = f"uid {os.getuid()}"
    return f"{sudo} as {name}" if sudo else name


def parse_identity(content: bytes, path: str) -> Identity:
    """Identity from `workspace.json`. StoreError: damaged, or of a newer estui."""
    body = loads(content, path)
    if not isinstance(body, dict) or not isinstance(body.get("id"), str):
        raise StoreError("is no workspace.json", location=Location(path), hint="restore it from a backup")
    number = body.get("format")
    if not isinstance(number, int) or number > WORKSPACE_FORMAT:
        raise StoreError("was written by a newer estui", location=Location(path), hint="use the newer estui")
    confirmed = body.get("confirmed_commands")
    try:
        key = base64.b64decode(str(body.get("digest_key", "")), validate=True)
    except ValueError as error:
        raise StoreError("is damaged", location=Location(path, key="digest_key"), hint="restore it") from error
    listed = tuple(item for item in confirmed if isinstance(item, str)) if isinstance(confirmed, list) else ()
    return Identity(str(body["id"]), key, listed)


def new_run_id(now: datetime) -> str:
    """UTC time plus four hex digits: sorts by time, and two runs of one second differ."""
    return now.strftime("%Y-%m-%dT%H-%M-%SZ") + "-" + secrets.token_hex(2)
