"""Steps of a run that takes a node into the cluster, and of the way back. The others appear in none of them."""

from __future__ import annotations

from estui.model.inventory import Layer
from estui.model.observed import ObservedNode, PortState
from estui.model.plan import Plan
from estui.model.run import Step, StepKind


def join_steps(plan: Plan, stage: str, nodes: tuple[str, ...], running: tuple[str, ...]) -> list[Step]:
    """From the files to the proof; a node that runs already is stopped first. `nodes` are all that verify looks at."""
    return [
        Step("prepare", StepKind.PREPARE, "make certificates and files beside the old ones", gate="all on disk"),
        *([_stop(running)] if running else []),
        *_forward(plan.goal.joins, stage, StepKind.COMMIT, plan.expect_nodes),
        _verify(nodes),
    ]


def leave_steps(plan: Plan, nodes: tuple[str, ...], stage: str) -> list[Step]:
    """The way back from a join: the node stays stopped, and the others go on without it."""
    joins = plan.goal.joins
    rest = tuple(node for node in nodes if node not in joins)
    gate = f"{len(rest)} nodes without {', '.join(joins)}, health not red"
    return [
        Step("prepare", StepKind.PREPARE, "make the old files ready", gate="all on disk"),
        _stop(joins, "it holds no last copy of a shard, and every port is refused"),
        Step("undo", StepKind.UNDO, "bring the old files back", joins, stage, "every file as before"),
        Step("cluster", StepKind.CLUSTER, "wait for the cluster", rest, gate=gate),
        _verify(rest),
    ]


def rejoin_steps(plan: Plan, nodes: tuple[str, ...], stage: str) -> list[Step]:
    """The way forward again from a way back that was not finished."""
    return [
        Step("prepare", StepKind.PREPARE, "make the files ready", gate="all on disk"),
        _stop(plan.goal.joins),
        *_forward(plan.goal.joins, stage, StepKind.UNDO, len(nodes)),
        _verify(nodes),
    ]


def _stop(targets: tuple[str, ...], gate: str = "every port is refused") -> Step:
    return Step("stop", StepKind.STOP, f"stop {', '.join(targets)}", targets, gate=gate)


def _forward(joins: tuple[str, ...], stage: str, switch: StepKind, count: int) -> list[Step]:
    names = ", ".join(joins)
    gate = f"{count} nodes with {names} among them, health not red"
    return [
        Step(switch.value, switch, "switch the files", joins, stage, "every file as planned"),
        Step("start", StepKind.START, f"start {names}", joins, gate="its transport port serves the planned leaf"),
        Step("cluster", StepKind.CLUSTER, "wait for the cluster", joins, gate=gate),
    ]


def _verify(nodes: tuple[str, ...]) -> Step:
    title = "fresh handshakes and requests for every layer"
    return Step("verify", StepKind.VERIFY, title, nodes, gate="all proofs hold")


def is_leaving(plan: Plan) -> bool:
    """Whether a plan takes its joined nodes out of the cluster again: they are stopped, and not started."""
    return bool(plan.goal.joins) and bool(plan.steps) and not any(step.kind is StepKind.START for step in plan.steps)


def leaving(plan: Plan) -> tuple[str, ...]:
    """Nodes that are no members any more once the plan is at its end."""
    return plan.goal.joins if is_leaving(plan) else ()


def is_running(node: ObservedNode) -> bool:
    """Whether anything answers at one of its ports."""
    return any(node.port(layer).state in (PortState.TLS, PortState.PLAIN, PortState.SILENT) for layer in Layer)
