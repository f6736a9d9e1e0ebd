"""`estui doctor`: what is wrong, or will be at the next start. Reads only; folders need no workspace."""

from __future__ import annotations

import argparse
import difflib
import os
from pathlib import Path

from estui import present
from estui.act.journal import utc_now
from estui.cli.output import Exit, show, show_json
from estui.cli.session import open_session
from estui.decide.findings.registry import RULES, all_findings, stands_out
from estui.engine import read_secret_file
from estui.engine.folders import folders_inventory, observe_folders
from estui.errors import UsageError
from estui.model.finding import Finding
from estui.model.observed import Observed


def run(options: argparse.Namespace) -> int:
    """Exit code 0 where nothing is worse than a note, 3 where something is."""
    if options.rules:
        return _list_rules(options)
    if options.explain:
        return _explain(options.explain, options)
    observed, findings = _look(options)
    if options.json:
        show_json({"targets": _targets(observed), "findings": findings})
    else:
        show(present.finding_lines(findings))
    return Exit.PENDING if stands_out(findings) else Exit.DONE


def _look(options: argparse.Namespace) -> tuple[Observed, tuple[Finding, ...]]:
    if not options.folders:
        engine = open_session(options)
        observed = engine.observe(network=not options.offline)
        return observed, engine.findings(observed)
    # abspath rather than resolve, which would follow the links of mounts
    folders = [os.path.abspath(Path(folder).expanduser()) for folder in options.folders]  # noqa: PTH100
    named = options.keystore_password_file
    password = read_secret_file(Path(named)) if named else None
    observed = observe_folders(folders_inventory(folders), network=not options.offline, keystore_password=password)
    return observed, all_findings(observed, utc_now())


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
    }


def _explain(name: str, options: argparse.Namespace) -> int:
    if name not in RULES:
        near = difflib.get_close_matches(name, RULES, 1)
        hint = f"did you mean {near[0]}?" if near else "estui doctor --rules lists them"
        raise UsageError(f"there is no rule {name}", hint=hint)
    if options.json:
        show_json(_rule_object(name))
    else:
        show(present.rule_lines(RULES[name]))
    return Exit.DONE
