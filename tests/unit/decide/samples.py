"""Observed clusters made from real folders, and a stand-in for apply that writes what a plan asks for.

Folders lie below a temporary folder; `Lab.look()` observes them without any network and adds what the API would
have told. `Lab.apply()` edits the same files with real certificates, so that the next `look()` sees them.
"""

from __future__ import annotations

import dataclasses
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from estui.decide.diff import edited_yml
from estui.decide.plan import build_plan
from estui.decide.rung import with_rungs
from estui.formats import beats_keystore, es_keystore, kibana_keystore, pem, pkcs12, role_mapping
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Address, BeatEntry, Inventory, KibanaEntry, NodeEntry, Policy, StoreFormat
from estui.model.observed import ApiFacts, AuthorityFacts, ClientFacts, FileState, Member, Observed, ObservedNode
from estui.model.plan import (
    AuthorityRequest,
    Change,
    CreateAuthority,
    IssueClient,
    LeafRequest,
    Plan,
    PublishSet,
    RemoveSecureSetting,
    RemoveSetting,
    SetSecureSetting,
    SetSetting,
)
from estui.model.version import Version
from estui.observe.cluster import observe
from estui.pki.authority import create_authority, issue_leaf
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey, generate_key
from estui.secret import Secret

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
WORKSPACE = "11111111-2222-3333-4444-555555555555"
DIGEST_KEY = b"k" * 32
FIXTURES = Path(__file__).parents[2] / "fixtures"
YMLS = FIXTURES / "yml"
STORES = FIXTURES / "stores"
V9 = Version(9, 1, 0)
V8 = Version(8, 19, 0)
V7 = Version(7, 17, 27)
SALT, IV = b"s" * 64, b"i" * 12
SEED = b"seed-of-a-node-01234"


def fixture_yml(name: str) -> str:
    """A stock-like yml of tests/fixtures/yml."""
    return (YMLS / name).read_bytes().decode()


OFF = "xpack.security.enabled: false"


def node_yml(name: str, number: int = 1, *more: str, security: str = OFF) -> str:
    """A small `elasticsearch.yml` on loopback, with ports of its own; security is off unless said otherwise."""
    lines = [
        "# cluster of the lab",
        "cluster.name: lab",
        f"node.name: {name}",
        f"http.port: {9200 + number}",
        f"transport.port: {9300 + number}",
        *([security] if security else []),
        *more,
    ]
    return "\n".join(lines) + "\n"


@dataclass
class Lab:
    """Folders of one cluster, its workspace's CAs, and the version its nodes run."""

    root: Path
    version: Version | None = V9
    policy: Policy = field(default_factory=Policy)
    nodes: list[NodeEntry] = field(default_factory=list)
    kibana: list[KibanaEntry] = field(default_factory=list)
    beats: list[BeatEntry] = field(default_factory=list)
    authorities: dict[str, tuple[PrivateKey, x509.Certificate]] = field(default_factory=dict)
    passwords: dict[tuple[str, str], Secret] = field(default_factory=dict)
    now: datetime = NOW
    runs: int = 0
    expect_nodes: int | None = None
    clients: list[ClientFacts] = field(default_factory=list)
    aliases: dict[str, str] = field(default_factory=dict)
    """Folder of a node whose name makes a bad folder name."""

    # folders

    def folder(self, name: str) -> Path:
        return self.root / self.aliases.get(name, name) / "config"

    def node(
        self,
        name: str,
        yml: str | None = None,
        /,
        *,
        secure: Mapping[str, bytes] | None = None,
        keystore_password: str | None = None,
        **entry: object,
    ) -> Lab:
        """A node's folder; `secure` are entries of its keystore beside the seed, None for no keystore at all."""
        folder = self.folder(name)
        folder.mkdir(parents=True)
        folder.chmod(0o750)
        self.put(name, "elasticsearch.yml", (node_yml(name, len(self.nodes) + 1) if yml is None else yml).encode())
        if secure is not None:
            entries = {es_keystore.SEED: SEED, **secure}
            password = Secret(keystore_password) if keystore_password else None
            content = es_keystore.write_secure_settings(entries, version=7, password=password, salt=SALT, iv=IV)
            self.put(name, "elasticsearch.keystore", content)
        entry.setdefault("version", self.version)
        self.nodes.append(NodeEntry(str(folder), **entry))  # type: ignore[arg-type]
        return self

    def three(self, *more: str) -> Lab:
        """es-1, es-2 and es-3; `more` are further lines of each yml."""
        for number in (1, 2, 3):
            self.node(f"es-{number}", node_yml(f"es-{number}", number, *more))
        return self

    def with_kibana(
        self, yml: str, name: str = "kibana-1", /, *, secure: Mapping[str, str] | None = None, **entry: object
    ) -> Lab:
        """A Kibana folder."""
        folder = self.folder(name)
        folder.mkdir(parents=True)
        folder.chmod(0o750)
        self.put(name, "kibana.yml", yml.encode())
        if secure is not None:
            content = kibana_keystore.write_kibana_keystore(dict(secure), password=None, salt=SALT, iv=IV)
            self.put(name, "kibana.keystore", content)
        entry.setdefault("name", name)
        self.kibana.append(KibanaEntry(str(folder), **entry))  # type: ignore[arg-type]
        return self

    def with_beat(
        self,
        yml: str,
        name: str = "metricbeat",
        /,
        *,
        modules: Mapping[str, str] | None = None,
        secure: Mapping[str, str] | None = None,
        **entry: object,
    ) -> Lab:
        """A Beat's folder; `modules` are files of its `modules.d`, `secure` is a keystore in its data folder."""
        folder = self.folder(name)
        folder.mkdir(parents=True)
        self.put(name, f"{name}.yml", yml.encode()).chmod(0o600)
        for file, content in (modules or {}).items():
            self.put(name, f"modules.d/{file}", content.encode()).chmod(0o600)
        if secure is not None:
            data = folder.parent / "data"
            data.mkdir()
            values = {key: Secret(value) for key, value in secure.items()}
            (data / f"{name}.keystore").write_bytes(beats_keystore.write_beats_keystore(values, salt=SALT, iv=IV))
            entry.setdefault("data", str(data))
        self.beats.append(BeatEntry(str(folder), kind=name, **entry))  # type: ignore[arg-type]
        return self

    def put(self, name: str, path: str, content: bytes) -> Path:
        """A file in a folder of the lab, mode 0660."""
        target = self.folder(name) / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
        target.chmod(0o660)
        return target

    def yml(self, name: str) -> str:
        file = "kibana.yml" if (self.folder(name) / "kibana.yml").exists() else "elasticsearch.yml"
        return (self.folder(name) / file).read_text()

    # looking

    @property
    def inventory(self) -> Inventory:
        return Inventory(
            "lab",
            tuple(self.nodes),
            tuple(self.kibana),
            tuple(self.beats),
            policy=self.policy,
            expect_nodes=self.expect_nodes,
        )

    def facts(self) -> tuple[AuthorityFacts, ...]:
        return tuple(
            AuthorityFacts(name, certificate_facts(certificate), True)
            for name, (_, certificate) in self.authorities.items()
        )

    def look(self, *, up: bool = True, keystore_password: str | None = None) -> Observed:
        """What observing the folders finds; with `up` also what a running cluster would have told."""
        observed = observe(
            self.inventory,
            self.facts(),
            digest_key=DIGEST_KEY,
            keystore_password=Secret(keystore_password) if keystore_password else None,
            network=False,
        )
        observed = dataclasses.replace(observed, clients=tuple(self.clients))
        return with_rungs(answering(observed) if up else observed)

    def plan(self, scenario: Scenario | Goal, *, up: bool = True, observed: Observed | None = None) -> Plan:
        goal = scenario if isinstance(scenario, Goal) else Goal(scenario)
        return build_plan(observed or self.look(up=up), goal, workspace=WORKSPACE, now=self.now)

    # applying

    def apply(self, plan: Plan) -> None:
        """Everything the plan asks for, done to the folders at once."""
        self.runs += 1
        for change in plan.changes:
            if isinstance(change, CreateAuthority):
                self.authorities[change.request.name] = make_authority(change.request, self.now)
            if isinstance(change, IssueClient):
                facts = certificate_facts(self.issue(change.request)[1])
                self.clients.append(ClientFacts(change.request.common_name, facts, has_key=True))
        for stage in plan.stages:
            for target in dict.fromkeys(getattr(change, "target", "") for change in stage.changes):
                self._apply_target(stage.changes, target)

    def _apply_target(self, changes: Iterable[Change], target: str) -> None:
        if not target:
            return
        name = target.removeprefix("kibana/").removeprefix("beat/")
        mine = [change for change in changes if getattr(change, "target", "") == target]
        secure: dict[str, dict[str, str | None]] = {}
        for change in mine:
            if isinstance(change, SetSecureSetting | RemoveSecureSetting):
                value = self._secret(change).reveal() if isinstance(change, SetSecureSetting) else None
                secure.setdefault(change.path, {})[change.name] = value
        for change in mine:
            if isinstance(change, PublishSet):
                self._publish(name, change)
        for path, values in secure.items():
            self._edit_keystore(name, path, values)
        edited = (change.path for change in mine if isinstance(change, SetSetting | RemoveSetting))
        for path in dict.fromkeys(("elasticsearch.yml", "kibana.yml", *edited)):
            file = self.folder(name) / path
            if file.exists():
                file.write_bytes(edited_yml(file.read_bytes(), mine, target, path))

    def _secret(self, change: SetSecureSetting) -> Secret:
        if change.secret.startswith("store:"):
            key = (change.target, change.secret.removeprefix("store:"))
            return self.passwords.setdefault(key, Secret(f"store-password-{self.runs}"))
        return Secret(f"secret-of-{change.secret}")

    def _publish(self, name: str, change: PublishSet) -> None:
        base = f"estui/{change.set_name}"
        run = f"run-{self.runs}"
        for file, content in self._set(change).items():
            self.put(name, f"{base}/{run}/{file}", content)
        link = self.folder(name) / base / "current"
        link.unlink(missing_ok=True)
        link.symlink_to(run)

    def _set(self, change: PublishSet) -> dict[str, bytes]:
        trusted = [(each, self.authorities[each][1]) for each in change.trust]
        bundle = b"".join(pem.certificate_pem(certificate) for _, certificate in trusted)
        if change.request is None:
            mapping = {role_mapping.FILE: role_mapping.role_mapping_text(change.mapping)} if change.maps else {}
            return {"ca.crt": bundle, **mapping}
        key, leaf, issuer = self.issue(change.request)
        if change.format is StoreFormat.PKCS12:
            password = self.passwords[change.target, change.set_name]
            return {
                "node.p12": pkcs12.write_keystore(change.target, key, leaf, [issuer], password),
                "ca.p12": pkcs12.write_truststore(trusted, password),
            }
        stem = {"server": "server", "elasticsearch": "client"}.get(change.set_name, "node")
        files = {
            f"{stem}.crt": pem.certificate_pem(leaf) + pem.certificate_pem(issuer),
            f"{stem}.key": pem.private_key_pem(key),
        }
        return {**files, "ca.crt": bundle} if bundle else files

    def issue(self, request: LeafRequest) -> tuple[PrivateKey, x509.Certificate, x509.Certificate]:
        """Key, leaf and its CA for a request."""
        authority_key, authority = self.authorities[request.authority]
        key = generate_key(request.key)
        leaf = issue_leaf(
            request,
            authority=authority,
            authority_key=authority_key,
            key=key,
            serial=random.getrandbits(100) + 1,
            now=self.now,
        )
        return key, leaf, authority

    def _edit_keystore(self, name: str, path: str, values: Mapping[str, str | None]) -> None:
        file = self.folder(name) / path
        if path == "kibana.keystore":
            found = kibana_keystore.read_kibana_keystore(file.read_bytes(), None, path) if file.exists() else {}
            kept = {key: value for key, value in {**found, **values}.items() if value is not None}
            content = kibana_keystore.write_kibana_keystore(kept, password=None, salt=SALT, iv=IV)
        elif path != "elasticsearch.keystore":
            secrets = {key: Secret(value) for key, value in values.items() if value is not None}
            content = beats_keystore.write_beats_keystore(secrets, salt=SALT, iv=IV)
        else:
            raw: dict[str, bytes] = {es_keystore.SEED: SEED}
            if file.exists():
                raw = dict(es_keystore.read_secure_settings(file.read_bytes(), None, path).entries)
            for key, value in values.items():
                raw.pop(key, None)
                if value is not None:
                    raw[key] = value.encode()
            content = es_keystore.write_secure_settings(raw, version=7, password=None, salt=SALT, iv=IV)
        self.put(name, path, content)

    def later(self, **delta: int) -> Lab:
        """The same lab after some time, such as `days=380`."""
        self.now += timedelta(**delta)
        return self


def make_authority(request: AuthorityRequest, now: datetime = NOW) -> tuple[PrivateKey, x509.Certificate]:
    key = generate_key(request.key)
    return key, create_authority(request, key=key, serial=random.getrandbits(100) + 1, now=now)


def answering(observed: Observed, **facts: object) -> Observed:
    """The same cluster with every node up, and every node known to every other."""
    members = tuple(member(node) for node in observed.nodes if node.name)
    nodes = tuple(
        dataclasses.replace(
            node,
            api=ApiFacts(
                reachable=True,
                status=200,
                name=node.name,
                cluster_name="lab",
                cluster_uuid="u-1",
                version=node.version,
                members=members,
                **facts,  # type: ignore[arg-type]
            ),
        )
        for node in observed.nodes
    )
    return dataclasses.replace(observed, nodes=nodes)


def member(node: ObservedNode) -> Member:
    """A node as the cluster lists it."""
    return Member(
        node.name,
        str(node.version or ""),
        ("master", "data"),
        http=_published(node.http_address),
        transport=_published(node.transport_address),
    )


def _published(address: Address | None) -> str:
    if address is None:
        return ""
    host = {"localhost": "localhost/127.0.0.1"}.get(address.host, address.host)
    return f"{host}:{address.port}"


def changed_node(observed: Observed, name: str, change: Callable[[ObservedNode], ObservedNode]) -> Observed:
    """The cluster with one node changed."""
    return dataclasses.replace(
        observed, nodes=tuple(change(node) if node.name == name else node for node in observed.nodes)
    )


def at_mount(observed: Observed, root: Path, *, uid: int = 0, gid: int = 1000) -> Observed:
    """The same cluster as if its folders were mounted below /mnt and owned alike everywhere: for golden files."""

    def moved(config: str) -> str:
        return config.replace(str(root), "/mnt")

    def owned(files: Mapping[str, FileState]) -> dict[str, FileState]:
        return {name: dataclasses.replace(state, uid=uid, gid=gid) for name, state in files.items()}

    nodes = tuple(
        dataclasses.replace(
            node,
            entry=dataclasses.replace(node.entry, config=moved(node.entry.config)),
            files=owned(node.files),
            problems=tuple(
                dataclasses.replace(finding, where=moved(finding.where), hint=moved(finding.hint))
                for finding in node.problems
            ),
        )
        for node in observed.nodes
    )
    kibana = tuple(
        dataclasses.replace(
            each, entry=dataclasses.replace(each.entry, config=moved(each.entry.config)), files=owned(each.files)
        )
        for each in observed.kibana
    )
    beats = tuple(
        dataclasses.replace(
            each, entry=dataclasses.replace(each.entry, config=moved(each.entry.config)), files=owned(each.files)
        )
        for each in observed.beats
    )
    inventory = dataclasses.replace(
        observed.inventory,
        nodes=tuple(node.entry for node in nodes),
        kibana=tuple(each.entry for each in kibana),
        beats=tuple(each.entry for each in beats),
    )
    return dataclasses.replace(observed, inventory=inventory, nodes=nodes, kibana=kibana, beats=beats)
