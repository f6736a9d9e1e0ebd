"""Passwords of built-in users in a run: their values, where they are kept, and what sets and proves them.

In `secrets.json` a run keeps `RUN/new/USER` until the password counts, and `RUN/old/USER` for its undo; the plain name
of a user is what counts now. The journal announces each user before the call that sets its password, so that an undo
knows whom to set back. Who may call is `steps.py`'s matter.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from estui.act import beat_proof, beats_files, cluster, kibana_entries
from estui.act.context import Context, new_password
from estui.act.gates import Gates
from estui.act.items import BEFORE
from estui.act.journal import RUNS, Journal, stamp
from estui.act.peers import Peers, wait_until
from estui.decide.kibana import PASSWORD, SYSTEM_USER
from estui.decide.password_steps import password_change
from estui.errors import ApplyError, EstuiError, ProbeError
from estui.model.inventory import Layer
from estui.model.run import Proof, Verdict
from estui.observe import es_api
from estui.observe.http import Basic, Credentials
from estui.observe.probe import is_refused
from estui.secret import Secret

ANNOUNCED = "password"
"""Act of a journal record: the password of `user` is about to be set."""
KEYSTORE = "elasticsearch.keystore"
"""Name in `secrets.json` under which the password of the nodes' keystores is kept."""
KEYSTORE_BEFORE = "elasticsearch.keystore (before)"
SETTLE_S = 20.0
"""A right password can be refused for a second or so (real-elasticsearch.md §0.7)."""
PROBE_TIMEOUT_S = 3.0


def slot(run: str, which: str, user: str) -> str:
    """Name in `secrets.json` of what a run keeps for itself; `which` is `new` or `old`."""
    return f"{run}/{which}/{user}"


def users_only(stored: Mapping[str, Secret]) -> dict[str, Secret]:
    """What counts now, without what runs and keystores keep."""
    return {name: value for name, value in stored.items() if "/" not in name and not name.startswith(KEYSTORE)}


def keystore_passwords(stored: Mapping[str, Secret]) -> tuple[Secret, ...]:
    """Passwords that a node's keystore may have."""
    return tuple(stored[name] for name in (KEYSTORE, KEYSTORE_BEFORE) if name in stored)


def announced(journal: Journal) -> tuple[str, ...]:
    """Users whose password the run set, or may have set."""
    return tuple(dict.fromkeys(record.text("user") for record in journal.find(ANNOUNCED)))


# values


def _stored(context: Context) -> dict[str, Secret]:
    return context.workspace.secrets(context.passphrase) if context.passphrase is not None else {}


def _store(context: Context, change: Mapping[str, Secret | None], *, begin: bool = False) -> None:
    """Changes `secrets.json`; None removes a name. Without the passphrase nothing is stored, and a workspace that
    stores no passwords only begins to where that is asked for."""
    if context.passphrase is None or not (begin or context.workspace.has_secrets()):
        return
    stored = _stored(context)
    after = {name: value for name, value in {**stored, **change}.items() if value is not None}
    if after != stored:
        context.workspace.store_secrets(after, context.passphrase)


def make(context: Context) -> None:
    """The new passwords of a plan: those that were given, and the others made and stored. Before anything is written.

    ApplyError where one has to be made and there is no passphrase to store it with.
    """
    change = password_change(context.plan)
    users = change.users if change else ()
    made = [user for user in users if user not in context.given]
    if made and context.passphrase is None:
        raise ApplyError(
            f"the workspace passphrase is needed to keep the new password of {', '.join(made)}",
            hint="give --passphrase-file FILE; or --passwords-out FILE to keep it elsewhere",
        )
    stored = _stored(context)
    names = {slot(context.run, "new", user): context.typed.get(user) or new_password() for user in made}
    # what runs that ended without setting it had made is of no use to anybody, nor what kept for an undo
    # that cannot be any more
    runs = set(context.fs.names(context.workspace.path, RUNS))
    junk = [name for name in stored if "/new/" in name or ("/old/" in name and name.partition("/")[0] not in runs)]
    _store(context, {**dict.fromkeys(junk), **names}, begin=bool(made))


def keep_keystore_password(context: Context) -> None:
    """The new password of the nodes' keystores, and the one before, for whoever goes on with the run."""
    if context.new_keystore_password is None:
        raise ApplyError("the new keystore password is not at hand", hint="give --new-password-file FILE")
    found: dict[str, Secret | None] = {KEYSTORE: context.new_keystore_password}
    if context.keystore_password:
        found[KEYSTORE_BEFORE] = context.keystore_password
    _store(context, found, begin=True)


def value_for_kibana(context: Context, user: str) -> Secret | None:
    """What goes into a Kibana's keystore: the new password where the plan sets one, else the one that counts."""
    if context.plan.goal.passwords:
        return new_value(context, user)
    return context.passwords.get(user)


def new_value(context: Context, user: str) -> Secret | None:
    """What this run sets for a user; None where that is not at hand. An undo sets what was there before."""
    undone = _undone(context)
    if undone:
        known = _stored(context).get(slot(undone, "old", user)) or _held_by_kibana(context, user, undone)
        return known or next(beats_files.held(context, user, undone), None)
    made = context.given.get(user) or _stored(context).get(slot(context.run, "new", user))
    # once it counts, it stands under the user's own name
    return made or (context.passwords.get(user) if user in announced(context.journal) else None)


def _undone(context: Context) -> str:
    begin = next(iter(context.journal.find("begin")), None)
    return begin.text("undoes") if begin else ""


def _held_by_kibana(context: Context, user: str, run: str = "") -> Secret | None:
    """What a Kibana of the plan holds for `kibana_system`: now, or before a run replaced it."""
    if user != SYSTEM_USER:
        return None
    for place in context.plan.places:
        if not place.target.startswith("kibana/"):
            continue
        for folder in (f"{context.plan.folder}/{BEFORE}/{run}/",) * bool(run) + ("",):
            found = kibana_entries.held(context, place.root, PASSWORD, folder)
            if found:
                return found
    return None


# setting


class PasswordChange:
    """The passwords of one run, set one by one on one node."""

    def __init__(self, context: Context, peers: Peers, target: str) -> None:
        self.context = context
        self.peers = peers
        self.target = target

    def gets_in(self, user: str, value: Secret, target: str = "") -> bool:
        """Whether a node lets the user in. Raises ProbeError: no answer."""
        with self.peers.client(target or self.target, Basic(user, value)) as client:
            return es_api.authenticate(client) == user

    def catch_up(self) -> None:
        """What a process before this one set counts already, whether it could say so or not."""
        for user in announced(self.context.journal):
            value = new_value(self.context, user)
            if value is not None and self.gets_in(user, value):
                self._count(user, value)

    def wanted(self) -> Iterator[tuple[str, Secret | None]]:
        """Users and their new passwords; in an undo None for one whose password before is not known, which stays.

        Raises ApplyError where a new one is not at hand.
        """
        change = password_change(self.context.plan)
        for user in change.users if change else ():
            value = new_value(self.context, user)
            if value is None and not _undone(self.context):
                hint = "give --passphrase-file FILE, or --passwords-file FILE"
                raise ApplyError(f"the new password of {user} is not at hand", hint=hint)
            yield user, value

    def note(self) -> None:
        """One line for the audit log, once all are set."""
        self.context.workspace.audit("passwords set", users=[*announced(self.context.journal)], run=self.context.run)

    def set_one(self, user: str, value: Secret, superuser: Credentials | None) -> None:
        """One password. Announced first, together with the one before, where that is known.

        Raises ApplyError: refused; ProbeError: nobody answers.
        """
        context = self.context
        with self.peers.client(self.target, superuser) as client:
            _require_allowed(client.request("GET", f"/_security/user/{user}").status, user)
            before = self._before(user)
            if before is not None:
                _store(context, {slot(context.run, "old", user): before})
            context.journal.write(ANNOUNCED, user=user)
            cluster.set_password(client, user, value)
        self._count(user, value)

    def _before(self, user: str) -> Secret | None:
        """The password that counts now, if somebody known to us holds it."""
        context = self.context
        given = context.credentials[1] if context.credentials and context.credentials[0] == user else None
        held = (_held_by_kibana(context, user), *beats_files.held(context, user))
        for candidate in (context.passwords.get(user), given, *held):
            if candidate and self.gets_in(user, candidate):
                return candidate
        return None

    def _count(self, user: str, value: Secret) -> None:
        """From here on this password is the user's."""
        context = self.context
        context.passwords[user] = value
        if context.credentials and context.credentials[0] == user:
            context.credentials = (user, value)
        kept = None if user in context.given and not _undone(context) else value
        _store(context, {user: kept, slot(context.run, "new", user): None})


def _require_allowed(status: int, user: str) -> None:
    """Raises ApplyError where whoever asks may not look at users, and so not set their passwords either."""
    if status in (401, 403):
        raise ApplyError(
            f"the password of {user} was not set: the login at hand may not manage users (HTTP {status})",
            hint="give that of a superuser: --user NAME --password-file FILE",
        )


# proof


def prove(context: Context, peers: Peers, gates: Gates) -> Verdict:
    """Every user of the plan logs in on every node that runs, the password before does not, and each Kibana of the
    plan is available. Never raises for a target's sake."""
    change = password_change(context.plan)
    known = {user: value for user in (change.users if change else ()) if (value := new_value(context, user))}
    left = [user for user in (change.users if change else ()) if user not in known]
    why = "the one before is not known, or there was none"
    proofs = [Proof("cluster", f"the password of {user} stays", True, why) for user in left]
    for target in peers.nodes:
        proofs += _node_proofs(context, peers, target, known)
    for place in context.plan.places:
        if place.target in peers.kibana:
            proofs.append(_kibana_proof(gates, place.target))
        if place.target in peers.beats:
            proofs += _beat_proofs(context, peers, place.target)
    for proof in proofs:
        context.evidence("verify", proof.target, f"{proof.claim}: {proof.evidence}", ok=proof.ok)
    return Verdict(tuple(proofs), stamp(context.now()))


def _node_proofs(context: Context, peers: Peers, target: str, known: Mapping[str, Secret]) -> Iterator[Proof]:
    address = peers.addresses(target).get(Layer.HTTP.value)
    if address is None or is_refused(address, PROBE_TIMEOUT_S):
        yield Proof(target, "runs", True, "it is down, and learns the passwords from the others when it starts")
        return
    task = PasswordChange(context, peers, target)
    stored = _stored(context)
    for user, value in known.items():
        yield _login_proof(task, user, value)
        before = stored.get(slot(context.run, "old", user))
        if before and before != value:
            yield _refusal_proof(task, user, before)


def _login_proof(task: PasswordChange, user: str, value: Secret) -> Proof:
    claim, said = f"{user} logs in", ""

    def closes() -> bool:
        nonlocal said
        try:
            let_in = task.gets_in(user, value)
        except ProbeError as error:
            said = error.summary
            return False
        said = "with its password" if let_in else "it is refused (401)"
        return let_in

    return Proof(task.target, claim, wait_until(closes, SETTLE_S), said)


def _refusal_proof(task: PasswordChange, user: str, before: Secret) -> Proof:
    claim = f"the password of {user} before is refused"
    try:
        refused = not task.gets_in(user, before)
    except ProbeError as error:
        return Proof(task.target, claim, False, error.summary)
    return Proof(task.target, claim, refused, "401" if refused else "it still gets in")


def _beat_proofs(context: Context, peers: Peers, target: str) -> Iterator[Proof]:
    for claim, check in beat_proof.proofs(context, peers, target):
        try:
            yield Proof(target, claim, True, check())
        except EstuiError as error:
            yield Proof(target, claim, False, error.summary)


def _kibana_proof(gates: Gates, target: str) -> Proof:
    claim = "is available with the password in its keystore"
    try:
        return Proof(target, claim, True, gates.kibana(target))
    except EstuiError as error:
        return Proof(target, claim, False, error.summary)
