"""The steps of new passwords for built-in users, and of their way back.

A password counts from the moment it is set, also for those who still hold the old one: so the user's own login is
proven first, then each Kibana and Beat that logs in with it gets it and is started again.
"""

from __future__ import annotations

from collections.abc import Sequence

from estui.decide.beats_steps import is_beat, undo_steps
from estui.model.plan import FirstLogin, Plan, SetPasswords
from estui.model.run import Step, StepKind

Change = FirstLogin | SetPasswords
LOGIN_KINDS = (StepKind.FIRST_LOGIN, StepKind.PASSWORDS, StepKind.REMOVE_LOGIN)
"""Steps that an undo leaves out where no password was set."""


def password_change(plan: Plan) -> Change | None:
    """The change that sets passwords; None where the plan has none."""
    return next((change for change in plan.changes if isinstance(change, FirstLogin | SetPasswords)), None)


def password_steps(
    change: Change, kibana: tuple[str, ...], stage: str, nodes: tuple[str, ...], beats: Sequence[Step] = ()
) -> tuple[Step, ...]:
    """Steps of new passwords; `kibana` are the instances that `stage` gives one to, `beats` the steps of Beats that get
    one."""
    steps = [Step("prepare", StepKind.PREPARE, "make passwords and files beside the old ones", gate="all on disk")]
    steps += _set_steps(change, f"set the passwords of {', '.join(change.users)}")
    if kibana:
        steps += [
            _stop(kibana),
            Step("commit kibana", StepKind.COMMIT, "switch Kibana's files", kibana, stage, "every file as planned"),
            _start(kibana),
        ]
    return (*steps, *beats, _verify(nodes, kibana))


def password_steps_back(
    plan: Plan, committed: tuple[str, ...], users: tuple[str, ...], nodes: tuple[str, ...], undo: str
) -> tuple[Step, ...]:
    """Steps that bring the old passwords of `users` back, and the old keystore of each Kibana in `committed`."""
    change = password_change(plan)
    beats = tuple(filter(is_beat, committed))
    kibana = tuple(target for target in committed if target not in nodes and not is_beat(target))
    all_kibana = tuple(place.target for place in plan.places if place.target not in nodes and not is_beat(place.target))
    steps = [Step("prepare", StepKind.PREPARE, "make the old files ready", gate="all on disk")]
    if change is not None and users:
        steps += _set_steps(change, f"set the passwords of {', '.join(users)} back")
    if kibana:
        steps += [
            _stop(kibana),
            Step("undo kibana", StepKind.UNDO, "bring Kibana's old files back", kibana, undo, "every file as before"),
        ]
    if all_kibana:  # also one that was stopped and never got its files
        steps.append(_start(all_kibana))
    steps += undo_steps(beats, undo)
    return (*steps, _verify(nodes, all_kibana))


def _set_steps(change: Change, title: str) -> list[Step]:
    node = (change.target,)
    passwords = Step("passwords", StepKind.PASSWORDS, title, node, gate="each user gets in")
    if isinstance(change, SetPasswords):
        return [passwords]
    return [
        Step(
            "first-login",
            StepKind.FIRST_LOGIN,
            f"temporary superuser on {change.target}",
            node,
            gate="the node lets it in",
        ),
        passwords,
        Step(
            "remove-login",
            StepKind.REMOVE_LOGIN,
            "remove the temporary superuser",
            node,
            gate="it is refused for four poll intervals",
        ),
    ]


def _stop(kibana: tuple[str, ...]) -> Step:
    return Step("stop kibana", StepKind.STOP, "stop Kibana", kibana, gate="its port is refused")


def _start(kibana: tuple[str, ...]) -> Step:
    return Step("start kibana", StepKind.START, "start Kibana", kibana, gate="its status is available")


def _verify(nodes: tuple[str, ...], kibana: tuple[str, ...]) -> Step:
    title = "every user logs in on every node" + (", and Kibana is available" if kibana else "")
    return Step("verify", StepKind.VERIFY, title, nodes + kibana, gate="all proofs hold")
