"""`estui doctor`: what is wrong, or will be at the next start; folders need no workspace. Only `--fix` writes files."""

from __future__ import annotations

import argparse
import difflib
import os
from pathlib import Path

from estui import present
from estui.act.journal import utc_now
from estui.cli.commands.run import carry_out
from estui.cli.output import Exit, show, show_json
from estui.cli.session import open_session
from estui.decide.findings.registry import RULES, all_findings, stands_out
from estui.decide.fixes import command_of_rule
from estui.decide.selection import of_targets
from estui.engine import fixes, read_secret_file
from estui.engine.folders import folders_inventory, observe_folders
from estui.errors import UsageError
from estui.model.finding import Finding
from estui.model.observed import Observed
from estui.model.version import Version


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where nothing is worse than a note, 3 where something is."""
    if options.rules:
        return _list_rules(options)
    if options.explain:
        return _explain(options.explain, options)
    if options.fix:
        return _fix(options)
    if options.dry_run or options.yes:
        raise UsageError("--dry-run and --yes go with --fix", hint="estui doctor --fix RULE[@TARGET]")
    observed, findings = _look(options)
    if options.json:
        show_json({"targets": _targets(observed), "findings": findings})
    else:
        show(present.finding_lines(findings))
    return Exit.PENDING if stands_out(findings) else Exit.DONE


def _look(options: argparse.Namespace) -> tuple[Observed, tuple[Finding, ...]]:
    if options.elasticsearch and not options.folders:
        raise UsageError("--elasticsearch goes with folders", hint="a workspace states version: in estui.yaml")
    if not options.folders:
        engine = open_session(options)
        observed = engine.observe(network=not options.offline)
        return of_targets(observed, engine.findings(observed), options.only)
    # abspath rather than resolve, which would follow the links of mounts
    folders = [os.path.abspath(Path(folder).expanduser()) for folder in options.folders]  # noqa: PTH100
    named = options.keystore_password_file
    password = read_secret_file(Path(named)) if named else None
    inventory = folders_inventory(folders, _version(options.elasticsearch))
    observed = observe_folders(inventory, network=not options.offline, keystore_password=password)
    return of_targets(observed, all_findings(observed, utc_now()), options.only)


def _version(text: str | None) -> Version | None:
    version = Version.parse(text) if text else None
    if text and version is None:
        raise UsageError(f"{text!r} is no release of Elasticsearch", hint="such as 7.17, 8.19.0 or 9.1")
    return version


def _fix(options: argparse.Namespace) -> int:
    """Exit code as of every plan that is applied; with --dry-run 3 where there are changes."""
    if options.folders:
        raise UsageError(
            "a fix is a run that can be undone, so it needs a workspace",
            hint="estui init DIR..., then estui doctor --fix RULE",
        )
    rule, only = fixes.parse_fixes(options.fix)
    engine = open_session(options)
    observed = engine.observe(network=not options.offline)
    plan = fixes.plan_fix(engine, observed, rule, only)
    if not options.dry_run:
        fixes.give(engine, observed, plan)
        return carry_out(engine, options, observed, plan)
    if options.json:
        show_json(plan)
    else:
        show(present.review_lines(plan, engine.review(plan, observed)))
    return Exit.DONE if plan.is_empty else Exit.PENDING


def _targets(observed: Observed) -> list[str]:
    return [thing.target for thing in (*observed.things, *observed.beats)]


def _list_rules(options: argparse.Namespace) -> int:
    if options.json:
        show_json([_rule_object(rule) for rule in RULES])
    else:
        show(present.rules_lines(list(RULES.values())))
    return Exit.DONE


def _rule_object(name: str) -> dict[str, str]:
    rule = RULES[name]
    return {
        "rule": rule.id,
        "severity": rule.severity.value,
        "title": rule.title,
        "happens": rule.what_happens,
        "do": rule.what_to_do,
        "versions": rule.versions.text,
        "source": rule.source,
        "fix": command_of_rule(name),
    }


def _explain(name: str, options: argparse.Namespace) -> int:
    if name not in RULES:
        near = difflib.get_close_matches(name, RULES, 1)
        hint = f"did you mean {near[0]}?" if near else "estui doctor --rules lists them"
        raise UsageError(f"there is no rule {name}", hint=hint)
    if options.json:
        show_json(_rule_object(name))
    else:
        show(present.rule_lines(RULES[name], command_of_rule(name)))
    return Exit.DONE
