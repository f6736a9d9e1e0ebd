"""`estui plan`: the review of a scenario, and a file for `estui apply`."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from estui import present
from estui.cli.output import Exit, say, show, show_json
from estui.cli.session import open_session
from estui.engine import clients
from estui.errors import Location, UsageError
from estui.formats.wire import plan_bytes
from estui.model.goal import Demand, Goal, KibanaWish, MutualTls, Scenario
from estui.model.inventory import StoreFormat
from estui.model.plan import Plan


def goal_of(options: argparse.Namespace, scenario: str) -> Goal:
    """The goal that a command's options name."""
    return Goal(
        Scenario(scenario),
        StoreFormat(options.format) if options.format else None,
        tuple(options.only),
        options.expect_nodes,
        mutual=_mutual(options, scenario),
        kibana=_kibana(options, scenario),
    )


def _kibana(options: argparse.Namespace, scenario: str) -> KibanaWish | None:
    wish = KibanaWish(options.kibana_token, options.kibana_keys, tuple(dict.fromkeys(options.kibana_hosts)))
    if wish == KibanaWish():
        return None
    if scenario != Scenario.HTTPS:
        raise UsageError(f"--kibana-token and the like go with https, not with {scenario}", hint="estui plan https")
    return wish


def _mutual(options: argparse.Namespace, scenario: str) -> MutualTls | None:
    demand, realm = getattr(options, "demand", None), getattr(options, "realm", None)
    if demand is None and realm is None:
        return None
    if scenario != Scenario.MUTUAL:
        raise UsageError(f"{scenario} knows no client certificates", hint="--optional and the like go with mutual")
    return MutualTls(Demand({"off": "none"}.get(demand, demand)) if demand else None, realm)


def run(options: argparse.Namespace) -> int:
    """Exit code 3 where there are changes, 0 where there are none."""
    engine = open_session(options)
    observed = engine.observe()
    goal = goal_of(options, options.scenario)
    plan = engine.plan(clients.with_connected(engine, observed, goal), goal)
    if options.runbook:
        from estui.cli.commands.filing import print_runbook

        return print_runbook(engine, plan, observed, options)
    if options.json:
        show_json(plan)
    else:
        show(present.review_lines(plan, engine.review(plan, observed, fold=not options.all)))
    if options.output and not plan.is_empty:
        save_plan(plan, options.output)
    return Exit.DONE if plan.is_empty else Exit.PENDING


def save_plan(plan: Plan, path: str) -> None:
    """A plan in a new file. UsageError where that is there already or cannot be written."""
    save(Path(path), plan_bytes(plan))
    say(f"saved: {path}; apply it with: estui apply {path}")


def save(path: Path, content: bytes) -> None:
    """A new file that only its owner can read. UsageError where it is there already or cannot be written."""
    try:
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise UsageError(
            f"cannot be written: {os.strerror(error.errno or 0)}", location=Location(str(path)), hint="name a new file"
        ) from error
    with os.fdopen(number, "wb") as file:
        file.write(content)
