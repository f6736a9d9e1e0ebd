"""A plan: data that can be shown, saved, reviewed and applied. No secret, serial, date or key is in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

from estui.model.goal import Goal
from estui.model.inventory import KeyType, StoreFormat
from estui.model.run import Step
from estui.model.setting import SettingValue

PLAN_FORMAT = 1
"""Number that `plan.json` carries; a reader refuses a larger one."""


class Restart(StrEnum):
    """What has to be restarted for a stage to take effect (elastic-stack-security.md §6.4)."""

    NONE = "none"
    ROLLING = "rolling"
    FULL = "full"
    KIBANA = "kibana"
    BEAT = "beat"
    JOIN = "join"
    """A node that is no member yet is started with its new files; nobody else is restarted."""


@dataclass(frozen=True)
class LeafRequest:
    """A leaf to be issued when the plan is materialised."""

    target: str
    set_name: str
    """`transport`, `http`, `server` or `client`: the managed set it goes into."""
    authority: str
    common_name: str
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    usages: tuple[str, ...]
    """`serverAuth`, `clientAuth`."""
    key: KeyType
    days: int


@dataclass(frozen=True)
class AuthorityRequest:
    """A certificate authority to be created in the workspace."""

    name: str
    common_name: str
    key: KeyType
    days: int


@dataclass(frozen=True)
class SetSetting:
    """One setting of a yml file gets a value; `before` is None where it was not set."""

    target: str
    path: str
    key: str
    value: SettingValue
    before: SettingValue
    why: str


@dataclass(frozen=True)
class RemoveSetting:
    """One setting of a yml file goes away."""

    target: str
    path: str
    key: str
    before: SettingValue
    why: str


@dataclass(frozen=True)
class SetSecureSetting:
    """One entry of a keystore file gets a value that is named, never shown.

    `secret` is a placeholder: `password:USER` for a built-in user, `store:SET` for the random password of
    the PKCS#12 files of that set on this target, `value:NAME` for what the operator gave for an entry, `token:TARGET`
    for a service account token, `shared:NAME` for what all Kibana instances have in common.
    """

    target: str
    path: str
    name: str
    secret: str
    replaces: bool
    why: str


@dataclass(frozen=True)
class RemoveSecureSetting:
    """One entry of a keystore file goes away."""

    target: str
    path: str
    name: str
    why: str


@dataclass(frozen=True)
class FixedFile:
    """A certificate file that keeps its name: by which setting a yml names it, and what it holds."""

    role: str
    """Last part of the setting: `certificate`, `key`, `certificate_authorities`, `keystore.path`, `truststore.path`."""
    path: str
    """Relative to the configuration folder."""


@dataclass(frozen=True)
class PublishSet:
    """A new versioned set of certificate files, switched in by its `current` link.

    With `fixed` the files keep the names given there (link-less file systems, taken-over set-ups).
    """

    target: str
    set_name: str
    request: LeafRequest | None
    """None for a set that holds trusted CAs only."""
    trust: tuple[str, ...]
    """Names of workspace CAs whose certificates the set's CA file holds."""
    format: StoreFormat
    replaces: bool
    why: str
    keep_leaf: bool = False
    """The leaf and key in use stay as they are, and only what is trusted changes; there is no request then."""
    fixed: tuple[FixedFile, ...] = ()
    imported: str = ""
    """Set of certificate requests whose answer is the leaf: nothing is issued then."""
    leaf_sha256: str = ""
    """Of the imported leaf that was reviewed."""
    mapping: tuple[tuple[str, ...], ...] = ()
    """Role mapping of the PKI realm in the set: a role, then the subjects that have it."""
    maps: bool = False
    """Whether the set holds a role mapping file, which may be empty."""


@dataclass(frozen=True)
class CreateAuthority:
    """A CA that does not exist yet."""

    request: AuthorityRequest
    why: str


@dataclass(frozen=True)
class IssueClient:
    """A client certificate that the workspace keeps for estui's own requests, with its key."""

    request: LeafRequest
    replaces: bool
    why: str


@dataclass(frozen=True)
class FirstLogin:
    """After the start, on one node: a temporary file-realm superuser, removed again before the end."""

    target: str
    users: tuple[str, ...]
    """Built-in users whose passwords are set through it."""
    why: str


@dataclass(frozen=True)
class SetPasswords:
    """Through the API of one node, by whoever may log in already: built-in users get new passwords."""

    target: str
    users: tuple[str, ...]
    why: str


@dataclass(frozen=True)
class SetKeystorePassword:
    """`elasticsearch.keystore` gets a password of its own, another one, or none; its entries stay."""

    target: str
    path: str
    protects: bool
    """False where the password is taken off."""
    replaces: bool
    """Whether there was one before."""
    why: str


@dataclass(frozen=True)
class SetAccess:
    """A file gets another mode, or another owner; its content stays."""

    target: str
    path: str
    mode: int
    uid: int
    gid: int
    before: str
    """Mode and owner as they were, such as `0644 0:0`."""
    why: str


@dataclass(frozen=True)
class IndexRights:
    """What a role may do with some indices."""

    names: tuple[str, ...]
    privileges: tuple[str, ...]


@dataclass(frozen=True)
class GrantLogin:
    """Through the API, once the cluster is up: a user of a client's own, with one role that may just what it needs."""

    target: str
    """Whose login it is, such as `beat/metricbeat`."""
    user: str
    """Its password is the secret `password:USER`."""
    role: str
    """Made by estui."""
    roles: tuple[str, ...]
    """Built-in ones beside it."""
    cluster: tuple[str, ...]
    indices: tuple[IndexRights, ...]
    why: str


@dataclass(frozen=True)
class IssueToken:
    """Through the API, before anything is switched: a service account gets a token for one client's keystore, where
    its value is the secret `token:TARGET`."""

    target: str
    """Whose it is, such as `kibana/NAME`."""
    node: str
    """The node that is asked."""
    account: str
    """Namespace and service, such as `elastic/kibana`."""
    name: str
    """The run's id is put behind it, since a name is given once only."""
    why: str


@dataclass(frozen=True)
class IssueKey:
    """Through the API, before anything is switched: an API key for one client's keystore, with the rights that it needs
    and no more; its value `ID:KEY` is the secret `api-key:TARGET`."""

    target: str
    """Whose it is, such as `beat/metricbeat`."""
    node: str
    """The node that is asked."""
    name: str
    """The run's id is put behind it."""
    cluster: tuple[str, ...]
    indices: tuple[IndexRights, ...]
    why: str


@dataclass(frozen=True)
class Manual:
    """Something estui cannot do itself; the text is what a person has to do."""

    target: str
    text: str
    why: str


Change = (
    SetSetting
    | RemoveSetting
    | SetSecureSetting
    | RemoveSecureSetting
    | PublishSet
    | CreateAuthority
    | FirstLogin
    | Manual
    | SetPasswords
    | SetKeystorePassword
    | GrantLogin
    | SetAccess
    | IssueClient
    | IssueToken
    | IssueKey
)


WorkspaceChange = CreateAuthority | IssueClient
"""What is made in the workspace only: no target has files of it, and an undo leaves it."""


def by_target(changes: Iterable[Change]) -> dict[str, tuple[Change, ...]]:
    """Changes of each target, in order; those of the workspace belong to none."""
    found: dict[str, list[Change]] = {}
    for change in changes:
        if not isinstance(change, WorkspaceChange):
            found.setdefault(change.target, []).append(change)
    return {target: tuple(mine) for target, mine in found.items()}


@dataclass(frozen=True)
class Stage:
    """Changes that take effect together, and the restart that they need."""

    id: str
    restart: Restart
    changes: tuple[Change, ...]
    why: str


@dataclass(frozen=True)
class Place:
    """Where and how estui writes for one target."""

    target: str
    root: str
    """Configuration folder as this host sees it."""
    uid: int
    gid: int
    folder_mode: int
    file_mode: int
    """Of certificates and keys."""
    keystore_mode: int
    version: str = ""


@dataclass(frozen=True)
class Pin:
    """What a file looked like when the plan was made. `entries` replaces `sha256` for secure settings."""

    target: str
    path: str
    kind: str
    sha256: str = ""
    entries: str = ""
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str | None = None


@dataclass(frozen=True)
class Plan:
    """What would be done, in order. An empty plan has no stages."""

    workspace: str
    cluster: str
    cluster_uuid: str
    goal: Goal
    stages: tuple[Stage, ...] = ()
    steps: tuple[Step, ...] = ()
    pins: tuple[Pin, ...] = ()
    places: tuple[Place, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences for the top of the review: what stays unproven, what the operator should know."""
    expect_nodes: int = 0
    folder: str = "estui"
    format: int = PLAN_FORMAT

    @property
    def is_empty(self) -> bool:
        return not self.stages

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for stage in self.stages for change in stage.changes)

    @property
    def restart(self) -> Restart:
        """The heaviest restart of its stages."""
        order = (Restart.FULL, Restart.ROLLING, Restart.JOIN, Restart.KIBANA, Restart.BEAT)
        return next((kind for kind in order if any(stage.restart is kind for stage in self.stages)), Restart.NONE)

    def place(self, target: str) -> Place:
        """Place of a target; KeyError where the plan does not touch it."""
        return self._places[target]

    @cached_property
    def _places(self) -> dict[str, Place]:
        return {place.target: place for place in reversed(self.places)}

    def pin(self, target: str, path: str) -> Pin | None:
        """Pin of a file; None where the plan does not replace it."""
        return self._pins.get((target, path))

    @cached_property
    def _pins(self) -> dict[tuple[str, str], Pin]:
        return {(pin.target, pin.path): pin for pin in reversed(self.pins)}

    def changes_of(self, target: str) -> tuple[Change, ...]:
        """Changes of one target, in order; none of the workspace's own."""
        return self._by_target.get(target, ())

    @cached_property
    def _by_target(self) -> dict[str, tuple[Change, ...]]:
        return by_target(self.changes)
