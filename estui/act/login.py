"""The temporary superuser: two lines in one node's file realm, in memory only, and gone again before the end.

`users_roles` first, then `users`, as `elasticsearch-reset-password` does (class `BaseRunAsSuperuserCommand`);
removal the other way round. Undoing removes our lines; what else is in the files stays.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial

from estui.act.context import Context, new_password
from estui.act.fs import Owner
from estui.act.peers import Peers, wait_until
from estui.errors import ApplyError, Location, ProbeError
from estui.formats import file_realm
from estui.model.observed import FileKind
from estui.model.plan import Place
from estui.observe import es_api
from estui.observe.http import Basic

PREFIX = "estui-tmp-"
USERS, ROLES = "users", "users_roles"
SUPERUSER = "superuser"
LOGIN_POLLS = 3
"""Poll intervals within which the node must let the new user in."""
GONE_POLLS = 4
"""Poll intervals for which the removed user must be refused."""
MARGIN_S = 10.0


class TemporaryLogin:
    """One temporary superuser on one node."""

    def __init__(self, context: Context, peers: Peers, target: str) -> None:
        self.context = context
        self.peers = peers
        self.target = target
        self.credentials: Basic | None = None

    def _place(self) -> Place:
        return self.context.plan.place(self.target)

    def open(self, step: str) -> Basic:
        """Adds the user and waits until the node lets it in. Leftovers of earlier processes are removed first.

        Raises ApplyError where it does not get in within three polls.
        """
        self.remove_lines()
        name = PREFIX + "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(8))
        password = new_password()
        hashed = file_realm.pbkdf2_hash(password, secrets.token_bytes(32))
        self._rewrite(ROLES, lambda content: file_realm.with_role(content, SUPERUSER, name))
        self._rewrite(USERS, lambda content: file_realm.with_user(content, name, hashed))
        self.credentials = Basic(name, password)
        timeout = LOGIN_POLLS * self.peers.reload_interval_s(self.target) + MARGIN_S
        said = ""

        def let_in() -> bool:
            nonlocal said
            try:
                with self.peers.client(self.target, self.credentials) as client:
                    user = es_api.authenticate(client)
            except ProbeError as error:
                said = error.summary
                return False
            said = "it is refused (401)"
            return user == name

        if not wait_until(let_in, timeout):
            self.remove_lines()
            raise ApplyError(
                f"{self.target} does not let the temporary superuser in: {said}",
                hint="is the file realm switched off, or `resource.reload.enabled` false? then set it right and resume",
            )
        self.context.evidence(step, self.target, f"{name} logs in through the file realm")
        return self.credentials

    def remove_lines(self) -> bool:
        """Removes every user of ours from the node's file realm; whether there was one."""
        names = self.leftovers()
        for name in names:
            self._rewrite(USERS, partial(_without, file_realm.without_user, name))
            self._rewrite(ROLES, partial(_without, file_realm.without_user_in_roles, name))
        return bool(names)

    def leftovers(self) -> tuple[str, ...]:
        """Names of temporary users that are in the files now."""
        place = self._place()
        users = self.context.fs.read(place.root, USERS).content
        roles = self.context.fs.read(place.root, ROLES).content
        names = set(file_realm.parse_users(users))
        for members in file_realm.parse_users_roles(roles).values():
            names |= set(members)
        return tuple(sorted(name for name in names if name.startswith(PREFIX)))

    def prove_gone(self, step: str) -> None:
        """Raises ApplyError unless the removed user is refused, and stays so for four poll intervals."""
        credentials, interval = self.credentials, self.peers.reload_interval_s(self.target)
        if credentials is None:
            return
        if not wait_until(lambda: not self._gets_in(credentials), LOGIN_POLLS * interval + MARGIN_S):
            raise ApplyError(
                f"{self.target} still lets {credentials.user} in after its line was removed",
                hint=f"look at {self._place().root}/{USERS}; restart the node if it does not reload its files",
            )
        came_back = wait_until(lambda: self._gets_in(credentials), GONE_POLLS * interval)
        if came_back:
            raise ApplyError(f"{self.target} lets {credentials.user} in again", hint="restart the node")
        self.context.evidence(
            step, self.target, f"{credentials.user} is refused (401), for {GONE_POLLS * interval:.0f} s"
        )
        self.credentials = None

    def _gets_in(self, credentials: Basic) -> bool:
        try:
            with self.peers.client(self.target, credentials) as client:
                return es_api.authenticate(client) is not None
        except ProbeError:
            return True  # no answer is no proof of refusal

    def _rewrite(self, path: str, change: Callable[[bytes], bytes]) -> None:
        """One file of the realm, replaced by one rename; its owner and mode stay."""
        fs, place = self.context.fs, self._place()
        state = fs.read(place.root, path)
        if state.exists and state.kind is not FileKind.FILE:
            raise ApplyError("is not a regular file", location=Location(f"{place.root}/{path}"), hint="mend it by hand")
        content = change(state.content)
        if content == state.content and state.exists:
            return
        temporary = f".estui-{self.context.run}-{path}"
        fs.remove(place.root, temporary)
        mode = state.mode if state.exists else place.keystore_mode
        owner = Owner(state.uid, state.gid) if state.exists else Owner(place.uid, place.gid)
        fs.create(place.root, temporary, content, mode, owner)
        fs.rename(place.root, temporary, path)


def _without(remove: Callable[[bytes, str], bytes], name: str, content: bytes) -> bytes:
    return remove(content, name)
