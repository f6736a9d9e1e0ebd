"""Passwords of built-in users on an opened workspace: who has one here, new ones as a reviewed plan, and their undo
where the proof fails."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from estui.act import passwords as kept
from estui.act.context import Emit, Options, Recipe, new_password
from estui.decide import passwords as rules
from estui.engine import Engine, silent
from estui.errors import ApplyError, EstuiError, Location, UsageError, VerificationError, WaitingError
from estui.formats.password_file import check_password, parse_password_file, password_file
from estui.model.observed import Observed
from estui.model.plan import FirstLogin, Plan, SetPasswords
from estui.model.run import RunState, Said
from estui.model.users import BuiltInUser
from estui.secret import Secret

BUILT_IN = rules.BUILT_IN
ELASTIC = rules.ELASTIC


def built_in_users(engine: Engine, observed: Observed) -> tuple[BuiltInUser, ...]:
    """All built-in users, in the order in which they are told."""
    sealed = engine.workspace.has_secrets()
    stored = engine.passwords() if engine.passphrase is not None else {}
    return tuple(
        BuiltInUser(
            user,
            user in stored if engine.passphrase is not None or not sealed else None,
            user in engine.access.passwords,
            rules.consumers(observed, user),
        )
        for user in BUILT_IN
    )


def look(engine: Engine) -> Observed:
    """The cluster, seen with what logs in now: passwords that were given for the change do not count yet."""
    given = engine.access
    engine.access = replace(given, passwords={}, typed={})
    try:
        return engine.observe()
    finally:
        engine.access = given


def plan_passwords(engine: Engine, observed: Observed, users: Sequence[str], *, by_file: bool = False) -> Plan:
    """The plan of new passwords. PlanError with every reason against it."""
    goal = rules.passwords_goal(observed, tuple(users), by_file=by_file)
    if engine.expect_nodes:
        goal = replace(goal, expect_nodes=engine.expect_nodes)
    return rules.passwords_plan(observed, goal, workspace=engine.workspace_id())


def users_of(plan: Plan) -> tuple[str, ...]:
    """Users that get a password by a plan, whatever its goal."""
    changes = [change for change in plan.changes if isinstance(change, FirstLogin | SetPasswords)]
    return tuple(dict.fromkeys(user for change in changes for user in change.users))


# passwords that the operator keeps


def read_passwords(path: Path) -> dict[str, Secret]:
    """A file of `user=password` lines. UsageError: others can read it, unreadable, or of another kind."""
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            content = file.read()
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise UsageError(f"{path}: {words}", hint="name a file of user=password lines") from error
    if found.st_mode & 0o077:
        raise UsageError(
            f"others can read {path} (mode {found.st_mode & 0o777:04o}), and it holds passwords",
            hint=f"chmod 600 {path}; whoever may have read it knows them",
        )
    if found.st_uid not in (0, os.getuid()):
        raise UsageError(f"{path} belongs to somebody else (uid {found.st_uid})", hint="make it your own first")
    return parse_password_file(content, str(path))


def give(engine: Engine, plan: Plan, values: Mapping[str, Secret], *, store: bool) -> None:
    """These passwords are for the plan's users; `store`: they are kept in the workspace, else nowhere here.

    UsageError: one that something on its way would change, or that Elasticsearch refuses.
    """
    users = users_of(plan)
    for user, value in values.items():
        if user in users:
            check_password(user, value)
    if store:
        engine.access = replace(engine.access, typed={**engine.access.typed, **values})
    else:
        before = _login_before(engine) if ELASTIC in values else None
        engine.access = replace(engine.access, passwords={**engine.access.passwords, **values})
        if before and not any(isinstance(change, FirstLogin) for change in plan.changes):
            engine.access = replace(engine.access, user=before[0], password=before[1])


def _login_before(engine: Engine) -> tuple[str, Secret] | None:
    """Whoever logs in until the change: a password that is given for it does not count yet."""
    given = engine.access
    engine.access = replace(given, passwords={}, typed={})
    try:
        return engine.credentials()
    finally:
        engine.access = given


SHORTEST, LONGEST = 12, 128
"""Characters of a password that estui makes: shorter ones can be guessed, and longer ones are not read by everybody."""


def recipe(*, length: int | None = None, marks: bool = False, mixed_up: bool = False) -> Recipe:
    """What made passwords are to look like. UsageError: a length that will not do."""
    if length is not None and not SHORTEST <= length <= LONGEST:
        raise UsageError(f"{length} characters will not do", hint=f"from {SHORTEST} to {LONGEST}")
    return Recipe(length or Recipe.length, marks, mixed_up)


def read_recipe(text: str) -> Recipe:
    """A recipe in words, as it is typed: `32`, `marks`, `mixed-up`, in any order; nothing means as usual. UsageError:
    another word."""
    words = text.split()
    numbers = [int(word) for word in words if word.isascii() and word.isdigit()]
    strange = [word for word in words if not word.isdigit() and word not in ("marks", "mixed-up")]
    if strange or len(numbers) > 1:
        raise UsageError("a number of characters, marks, mixed-up: nothing else", hint="such as: 32 marks")
    return recipe(length=numbers[0] if numbers else None, marks="marks" in words, mixed_up="mixed-up" in words)


def make(users: Sequence[str], like: Recipe | None = None) -> dict[str, Secret]:
    """New passwords for users, to be given."""
    return {user: new_password(like or Recipe()) for user in users}


def write_passwords(path: Path, values: Mapping[str, Secret]) -> None:
    """A new file, 0600, that only its owner can read. UsageError: it is there already, or cannot be written."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise UsageError(f"cannot be written: {words}", location=Location(str(path)), hint="name a new file") from error
    with os.fdopen(number, "wb") as file:
        os.fchmod(number, 0o600)  # whatever the umask
        file.write(password_file(values))
        file.flush()
        os.fsync(number)


@contextlib.contextmanager
def kept_in_file(engine: Engine, path: Path | None, values: Mapping[str, Secret]) -> Iterator[None]:
    """Writes passwords into the operator's new file before anything else happens; takes it away again where what
    follows fails before one of them was set."""
    if path is None or not values:
        yield
        return
    before = {run.id for run in engine.runs()}
    write_passwords(path, values)
    try:
        yield
    except BaseException:
        # also for Ctrl-C: a file of passwords that count nowhere would only mislead
        new = [run for run in engine.runs() if run.id not in before]
        if not any(run.unfinished or _has_set(engine, run) for run in new):
            path.unlink(missing_ok=True)
        raise


def _has_set(engine: Engine, run: RunState) -> bool:
    return bool(kept.announced(engine.open_run(run.id, silent, Options()).journal))


# the undo where the proof fails


def proven(
    engine: Engine, walk: Callable[[], RunState], emit: Emit = silent, options: Options | None = None
) -> RunState:
    """Walks a run; where it is one of new passwords and fails after the first was set, everything is set back.

    Raises VerificationError: it failed, and is undone. WaitingError: a person has to act first, for the run or for its
    undo. ApplyError: it failed, and so did the undo.
    """
    try:
        return walk()
    except WaitingError:
        raise
    except EstuiError as error:
        run = _to_set_back(engine)
        if run is None:
            raise
        engine.workspace.audit("passwords set back", run=run, because=error.summary)
        emit(Said(f"failed, so the passwords before are set again: {error.summary}"))
        try:
            state = engine.rollback(run, emit, options)
        except WaitingError as waiting:
            raise WaitingError(
                f"{error.summary}; the undo {waiting.summary}", reasons=waiting.reasons, hint=waiting.hint
            ) from error
        except EstuiError as second:
            raise ApplyError(
                "the new passwords failed, and could not be taken back",
                reasons=(str(error), str(second)),
                hint="mend what is listed, then: estui rollback",
            ) from error
        raise VerificationError(
            f"the new passwords did not stand their proof, and the ones before count again (run {state.id})",
            reasons=(error.summary, *error.reasons),
            hint="mend what is listed, then try again",
        ) from error


def _to_set_back(engine: Engine) -> str | None:
    """The unfinished run, where it is one of new passwords that has set one."""
    run = engine.unfinished()
    if run is None or run.kind != "apply" or engine.run_plan(run.id).goal.passwords is None:
        return None
    return run.id if _has_set(engine, run) else None
