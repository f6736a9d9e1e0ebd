"""Materialise: everything a plan needs is made and written beside what is there; nothing is switched yet.

After this the run can be completed or undone without the passphrase, with nothing left to compute.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import replace
from itertools import groupby
from operator import itemgetter

from cryptography import x509

from estui.act import api_keys, beats_files, client_files, client_sets, kibana_entries, passwords, tokens
from estui.act.context import Context, new_password
from estui.act.crew import for_each
from estui.act.csr import fetch_leaf
from estui.act.fixed import NewLeaf, Target, content_of, fixed_names, leaf_requests, trust_of
from estui.act.fs import Owner
from estui.act.items import KIBANA_KEYSTORE, NODE_KEYSTORE, Item, LeafRecord
from estui.act.journal import stamp
from estui.act.keys import NewKeys
from estui.act.pins import compare_pins, follow, require_pinned
from estui.act.staging import Made, NewFile, merged, set_in_use, staged_name, write_made
from estui.act.workspace import serial
from estui.decide.beats import CARRIED
from estui.decide.diff import edited_yml
from estui.errors import ApplyError, Location
from estui.formats import es_keystore, kibana_keystore, pem, pkcs12, role_mapping
from estui.model.image import Image
from estui.model.inventory import StoreFormat
from estui.model.observed import FileKind, FileState
from estui.model.plan import (
    CreateAuthority,
    FirstLogin,
    GrantLogin,
    IssueClient,
    IssueKey,
    IssueToken,
    LeafRequest,
    Place,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetAccess,
    SetKeystorePassword,
    SetSecureSetting,
    SetSetting,
    Stage,
    by_target,
)
from estui.model.version import Version
from estui.pki.authority import issue_leaf
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey
from estui.secret import Secret

_WITH_FILES = (
    SetSetting | RemoveSetting | SetSecureSetting | RemoveSecureSetting | SetKeystorePassword | PublishSet | SetAccess
)


class Preparer:
    """Makes the files of one plan, with the CA keys and passwords at hand."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.keys: dict[str, PrivateKey] = {}
        self.certificates: dict[str, x509.Certificate] = {}
        self.store_passwords: dict[tuple[str, str], Secret] = {}
        self.issued: list[tuple[x509.Certificate, LeafRequest]] = []
        """Leaves to be written into the workspace's lists, before any of them is on a target."""
        self.shared: dict[str, Secret] = {}
        self.new_keys = NewKeys(context)

    def prepare(self) -> None:
        """Everything of the plan on disk and in the journal. The nodes must be taken.

        Raises StalePlanError where a pinned file changed since it was reviewed, ApplyError, StoreError (wrong
        passphrase) or CertificateError; the journal then says what was begun, and an undo removes it.
        """
        context = self.context
        compare_pins(context)
        self._authorities()
        self._own_client()
        self._passwords()
        self.new_keys.make(context.plan)
        made = [
            self._target(replace(stage, changes=changes[target]), target)
            for stage in context.plan.stages
            for changes in (by_target(stage.changes),)
            for target in targets_of(stage)
        ]
        context.workspace.record_issued(self.issued, context.run)
        # a target can have files in several stages: those of one stage at a time, so that its own are in order
        for _, group in groupby(made, key=itemgetter(0)):
            for_each(group, self._write)
        context.journal.write("materialised")

    def _write(self, made: tuple[str, Made]) -> None:
        stage, each = made
        write_made(self.context, stage, each)
        text = f"files written beside the old ones: {len(each.files)}"
        self.context.evidence("prepare", each.place.target, text)

    def _authorities(self) -> None:
        context = self.context
        for change in context.plan.changes:
            if isinstance(change, CreateAuthority) and not context.workspace.has_authority(change.request.name):
                passphrase = self._passphrase()
                context.journal.write("create-authority", name=change.request.name)
                context.workspace.create_authority(change.request, passphrase)
                context.say(f"created {change.request.common_name}")

    def _own_client(self) -> None:
        """The certificate that estui shows to nodes. Not undone: it belongs to the workspace, as its CA does."""
        for change in self.context.plan.changes:
            if isinstance(change, IssueClient):
                new = self._issued(change.request)
                client_files.write_own(self.context.workspace, new.key, (new.leaf, *new.above))
                self.context.workspace.record_issued([(new.leaf, change.request)], self.context.run)
                self.context.say("estui has a client certificate of its own")

    def _passphrase(self) -> Secret:
        if self.context.passphrase is None:
            raise ApplyError(
                "the workspace passphrase is needed to sign certificates",
                hint="give --passphrase-file FILE, or run in a terminal",
            )
        return self.context.passphrase

    def _passwords(self) -> None:
        """Passwords of built-in users and of keystores: made and stored before anything is written to a node."""
        context = self.context
        if context.plan.goal.passwords:
            passwords.make(context)
            return
        if any(isinstance(change, SetKeystorePassword) and change.protects for change in context.plan.changes):
            passwords.keep_keystore_password(context)
        users = [user for change in context.plan.changes if isinstance(change, FirstLogin) for user in change.users]
        clients = [change.user for change in context.plan.changes if isinstance(change, GrantLogin)]
        users += dict.fromkeys(clients)
        for user in set(clients) & set(context.given):
            beats_files.require_unchanged(user, context.given[user])
        context.passwords.update({user: context.given[user] for user in users if user in context.given})
        made = [user for user in users if user not in context.given]
        if not made:
            return
        stored = context.workspace.secrets(self._passphrase())
        for user in made:
            context.passwords[user] = stored.get(user) or context.passwords.get(user) or new_password()
        for user in set(clients) - set(context.given):
            beats_files.require_unchanged(user, context.passwords[user])
        known = {user: context.passwords[user] for user in made}
        context.workspace.store_secrets({**stored, **known}, self._passphrase())

    def _target(self, stage: Stage, target: str) -> tuple[str, Made]:
        context = self.context
        place = context.plan.place(target)
        folders: dict[str, None] = {}
        files: list[NewFile] = []
        links: list[Item] = []
        leaves: list[LeafRecord] = []
        for change in stage.changes:
            if isinstance(change, PublishSet) and change.target == target and not change.fixed:
                base = f"{context.plan.folder}/{change.set_name}"
                for folder in (context.plan.folder, base, f"{base}/{context.run}"):
                    folders[folder] = None
                contents, leaf = self._set(change)
                owner = Owner(place.uid, place.gid)
                files += [
                    NewFile(f"{base}/{context.run}/{name}", content, place.file_mode, owner)
                    for name, content in contents.items()
                ]
                leaves += [leaf] if leaf else []
                after = Image(FileKind.LINK.value, link=context.run)
                links.append(Item(target, place.root, f"{base}/current", after))
        kept, more = self._fixed(stage, place)
        leaves += more
        staged = kept + self._keystores(stage, place) + self._access(stage, place) + self._ymls(stage, place)
        files += [file for file, _ in staged]
        items = (*links, *(item for _, item in staged))
        return stage.id, Made(place, tuple(folders), tuple(files), items, tuple(leaves))

    # certificate sets

    def _set(self, change: PublishSet) -> tuple[dict[str, bytes], LeafRecord | None]:
        """Files of a set by name, and the leaf among them."""
        trusted = {name: self._certificate(name) for name in change.trust}
        if change.keep_leaf:
            return self._kept_leaf(change, trusted), None
        if change.request is None:
            files = {"ca.crt": b"".join(pem.certificate_pem(each) for each in trusted.values())}
            if change.maps:
                files[role_mapping.FILE] = role_mapping.role_mapping_text(change.mapping)
            return {**files, **client_sets.kept_pair(self.context, change)}, None
        new, record = self._leaf(change.request, change)
        if change.format is StoreFormat.PKCS12:
            password = self._store_password(change.target, change.set_name)
            files = {"node.p12": pkcs12.write_keystore(change.target.lower(), new.key, new.leaf, new.above, password)}
            if trusted:
                files["ca.p12"] = pkcs12.write_truststore(list(trusted.items()), password)
            return files, record
        stem = client_sets.stem_of(change.set_name)
        files = {
            # the CA goes along, so that clients that pin its fingerprint find it in the chain
            f"{stem}.crt": b"".join(pem.certificate_pem(each) for each in (new.leaf, *new.above)),
            f"{stem}.key": pem.private_key_pem(new.key),
        }
        if trusted:
            files["ca.crt"] = b"".join(pem.certificate_pem(each) for each in trusted.values())
        return files, record

    def _kept_leaf(self, change: PublishSet, trusted: Mapping[str, x509.Certificate]) -> dict[str, bytes]:
        """Leaf and key of the set in use, byte for byte, beside the CAs that are trusted from now on."""
        root = self.context.plan.place(change.target).root
        base = f"{self.context.plan.folder}/{change.set_name}"
        link = set_in_use(self.context, root, base)
        stem = "server" if change.set_name == "server" else "node"
        stores = change.format is StoreFormat.PKCS12
        files = {}
        for name in ("node.p12",) if stores else (f"{stem}.crt", f"{stem}.key"):
            state = self.context.fs.read(root, f"{base}/{link}/{name}")
            if state.kind is not FileKind.FILE or state.error:
                raise ApplyError(
                    f"cannot be read: {state.error}" if state.error else "is missing in the set in use",
                    location=Location(f"{root}/{base}/{link}/{name}"),
                    hint="bring the set back, then plan again",
                )
            files[name] = state.content
        if trusted and stores:
            password = self._store_password(change.target, change.set_name)
            files["ca.p12"] = pkcs12.write_truststore(list(trusted.items()), password)
        elif trusted:
            files["ca.crt"] = b"".join(pem.certificate_pem(each) for each in trusted.values())
        return files

    def _leaf(self, request: LeafRequest, change: PublishSet) -> tuple[NewLeaf, LeafRecord]:
        """A leaf for a request: issued now, or the imported one that the change names."""
        new = self._imported(request, change) if change.imported else self._issued(request)
        leaf = new.leaf
        facts = certificate_facts(leaf)
        record = LeafRecord(
            request.target,
            request.set_name,
            request.authority,
            facts.serial_hex,
            facts.sha256,
            stamp(facts.not_after),
        )
        self.issued.append((leaf, request))
        return new, record

    def _issued(self, request: LeafRequest) -> NewLeaf:
        authority, key = self._certificate(request.authority), self.new_keys.take(request.key)
        leaf = issue_leaf(
            request,
            authority=authority,
            authority_key=self._authority_key(request.authority),
            key=key,
            serial=serial(),
            now=self.context.now(),
        )
        return NewLeaf(key, leaf, authority)

    def _imported(self, request: LeafRequest, change: PublishSet) -> NewLeaf:
        found = fetch_leaf(self.context.workspace, change, self._passphrase())
        return NewLeaf(found.key, found.leaf, self._certificate(request.authority), found.intermediates)

    def _certificate(self, name: str) -> x509.Certificate:
        if name not in self.certificates:
            self.certificates[name] = self.context.workspace.authority_certificate(name)
        return self.certificates[name]

    def _authority_key(self, name: str) -> PrivateKey:
        if name not in self.keys:
            self.keys[name] = self.context.workspace.authority_key(name, self._passphrase())
        return self.keys[name]

    def _store_password(self, target: str, set_name: str) -> Secret:
        """Password of a set's PKCS#12 files: a new one where the plan sets it, else the one the node knows.

        A running node opens new files with the password it read at its start (elastic-stack-security.md §6.3).
        """
        found = self.store_passwords.get((target, set_name))
        if found is None:
            found = self.store_passwords[target, set_name] = self._known_password(target, set_name) or new_password()
        return found

    def _known_password(self, target: str, set_name: str) -> Secret | None:
        context, secret = self.context, f"store:{set_name}"
        changes = context.plan.changes_of(target)
        if any(isinstance(each, SetSecureSetting) and each.secret == secret for each in changes):
            return None
        root = context.plan.place(target).root
        state = context.fs.read(root, NODE_KEYSTORE)
        name = f"xpack.security.{set_name}.ssl.keystore.secure_password"
        entries = es_keystore.read_secure_settings(
            state.content, context.keystore_password, f"{root}/{NODE_KEYSTORE}"
        ).entries
        if name not in entries:
            raise ApplyError(
                "has no password for the PKCS#12 files in use", location=Location(f"{root}/{NODE_KEYSTORE}", key=name)
            )
        return Secret(entries[name].decode())

    # files with fixed names

    def _fixed(self, stage: Stage, place: Place) -> tuple[list[tuple[NewFile, Item]], list[LeafRecord]]:
        """Certificate files that keep their names, in the order of their renames, and the leaves in them."""
        changes = [
            change
            for change in stage.changes
            if isinstance(change, PublishSet) and change.target == place.target and change.fixed
        ]
        target = Target(self.context, place)
        issued: dict[str, tuple[NewLeaf, LeafRecord]] = {}
        staged = []
        for name in fixed_names(changes, lambda path: self._found(place, path), place.root):
            requests = leaf_requests(name)
            new = next((issued[set_name] for set_name in requests if set_name in issued), None)
            for set_name, request in requests.items():
                if new is None:
                    change = next(each for each, _ in name.uses if each.set_name == set_name)
                    new = self._leaf(request, change)
                issued.setdefault(set_name, new)
            trusted = [(each, self._certificate(each)) for each in trust_of(name)]
            content = content_of(name, new[0] if new else None, trusted, target)
            staged.append(self._staged(place, name.named, name.found, name.state, content))
        return staged, [replace(record, set_name=set_name) for set_name, (_, record) in issued.items()]

    def _ymls(self, stage: Stage, place: Place) -> list[tuple[NewFile, Item]]:
        changes = stage.changes
        paths = dict.fromkeys(
            change.path
            for change in changes
            if isinstance(change, SetSetting | RemoveSetting) and change.target == place.target
        )
        staged = []
        for path in paths:
            found, state = self._found(place, path)
            after = edited_yml(state.content, changes, place.target, path)
            staged.append(self._staged(place, path, found, state, after))
        return staged

    def _access(self, stage: Stage, place: Place) -> list[tuple[NewFile, Item]]:
        """Files that get another mode or owner: the same bytes beside the old ones, so that an undo is a switch too."""
        staged = []
        for change in stage.changes:
            if isinstance(change, SetAccess) and change.target == place.target:
                found, state = self._found(place, change.path)
                access = replace(state, mode=change.mode, uid=change.uid, gid=change.gid)
                staged.append(self._staged(place, change.path, found, access, state.content))
        return staged

    def _found(self, place: Place, path: str) -> tuple[str, FileState]:
        """The file that a name of the plan means, as it was reviewed. ApplyError: it is no file."""
        found, state = follow(self.context.fs, place.root, path)
        if state.kind not in (FileKind.FILE, FileKind.ABSENT):
            raise ApplyError(
                f"cannot be read: {state.error}" if state.error else f"is a {state.kind.value}, not a file",
                location=Location(f"{place.root}/{path}"),
                hint="mend it, then plan again",
            )
        require_pinned(self.context, place.target, path, state)
        return found, state

    def _keystores(self, stage: Stage, place: Place) -> list[tuple[NewFile, Item]]:
        mine = [
            change
            for change in stage.changes
            if isinstance(change, SetSecureSetting | RemoveSecureSetting | SetKeystorePassword)
            and change.target == place.target
        ]
        staged = []
        for path in dict.fromkeys(change.path for change in mine):
            found, state = self._found(place, path)
            values = {
                change.name: self._value(change)
                for change in mine
                if change.path == path and not isinstance(change, SetKeystorePassword)
            }
            name = path.rpartition("/")[2]
            if name not in (NODE_KEYSTORE, KIBANA_KEYSTORE):
                content = beats_files.keystore_content(place, path, state, values)
                staged.append(self._staged(place, path, found, replace(state, mode=beats_files.MODE), content))
                continue
            write = {NODE_KEYSTORE: self._node_keystore, KIBANA_KEYSTORE: self._kibana_keystore}[name]
            content = write(place, path, state.content if state.exists else None, values)
            staged.append(self._staged(place, path, found, state, content))
        return staged

    def _value(self, change: SetSecureSetting | RemoveSecureSetting) -> Secret | bytes | None:
        if isinstance(change, RemoveSecureSetting):
            return None
        kind, _, name = change.secret.partition(":")
        if kind == "store":
            return self._store_password(change.target, name)
        if kind == CARRIED:
            return beats_files.carried_entry(self.context, change.target, name)
        if kind == "value" and name in self.context.values:
            return self.context.values[name]
        if kind == "shared":
            self.shared[name] = self.shared.get(name) or kibana_entries.shared(self.context, name)
            return self.shared[name]
        if kind == "token":
            return tokens.issue(self.context, self._token(name))
        if kind == "api-key":
            return api_keys.issue(self.context, self._api_key(name))
        found = passwords.value_for_kibana(self.context, name)
        if kind != "password" or found is None:
            raise ApplyError(f"no value for {change.secret}", hint="plan again")
        return found

    def _token(self, target: str) -> IssueToken:
        for change in self.context.plan.changes:
            if isinstance(change, IssueToken) and change.target == target:
                return change
        raise ApplyError(f"the plan makes no token for {target}", hint="plan again")

    def _api_key(self, target: str) -> IssueKey:
        for change in self.context.plan.changes:
            if isinstance(change, IssueKey) and change.target == target:
                return change
        raise ApplyError(f"the plan makes no API key for {target}", hint="plan again")

    def _node_keystore(
        self, place: Place, path: str, content: bytes | None, values: Mapping[str, Secret | bytes | None]
    ) -> bytes:
        context = self.context
        shown = f"{place.root}/{path}"
        password = None
        entries: dict[str, bytes] = {}
        version = Version.parse(place.version)
        number = es_keystore.format_for(version) if version else es_keystore.NEWEST_FORMAT
        if content is not None:
            opening = context.keystore_password_of(content)
            found = es_keystore.read_secure_settings(content, opening, shown)
            entries = dict(found.entries)
            password = opening if found.protected else None
            # without a known version the node's own format is the only safe one
            number = max(number, found.version) if version else found.version
        raw = {name: value.encode() if isinstance(value, Secret) else value for name, value in values.items()}
        entries = merged(entries, raw)
        for change in context.plan.changes_of(place.target):
            if isinstance(change, SetKeystorePassword):
                password = context.new_keystore_password if change.protects else None
        entries.setdefault(es_keystore.SEED, es_keystore.make_seed(secrets.choice).encode())
        return es_keystore.write_secure_settings(
            entries,
            version=number,
            password=password,
            salt=secrets.token_bytes(es_keystore.SALT_LENGTH),
            iv=secrets.token_bytes(es_keystore.IV_LENGTH),
        )

    def _kibana_keystore(
        self, place: Place, path: str, content: bytes | None, values: Mapping[str, Secret | bytes | None]
    ) -> bytes:
        found = kibana_keystore.read_kibana_keystore(content, None, f"{place.root}/{path}") if content else {}
        secret = {name: Secret(value.decode()) if isinstance(value, bytes) else value for name, value in values.items()}
        text = {name: value.reveal() if value is not None else None for name, value in secret.items()}
        entries = merged(found, text)
        return kibana_keystore.write_kibana_keystore(
            entries, password=None, salt=secrets.token_bytes(64), iv=secrets.token_bytes(12)
        )

    def _staged(self, place: Place, path: str, found: str, state: FileState, content: bytes) -> tuple[NewFile, Item]:
        """The new file beside the old one, with its owner and mode; `found` is where the name `path` leads."""
        mode = state.mode if state.exists else place.keystore_mode
        owner = Owner(state.uid, state.gid) if state.exists else Owner(place.uid, place.gid)
        staged = staged_name(found, self.context.run)
        after = Image(
            FileKind.FILE.value,
            hashlib.sha256(content).hexdigest(),
            self.context.digests.entries(path, content),
            mode,
            owner.uid,
            owner.gid,
        )
        named = path if path != found else ""
        file = NewFile(staged, content, mode, owner, found if state.exists else "")
        return file, Item(place.target, place.root, found, after, staged, named)


def targets_of(stage: Stage) -> list[str]:
    """Targets with files in this stage, in order."""
    return list(dict.fromkeys(change.target for change in stage.changes if isinstance(change, _WITH_FILES)))
