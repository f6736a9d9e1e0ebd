"""All rules by their names, and what they find in one observation."""

from __future__ import annotations

from datetime import datetime

from estui.decide.findings import (
    accounts,
    beats,
    beats_keystore,
    certificates,
    clients,
    cluster,
    contexts,
    discovery,
    disks,
    folders,
    kibana,
    kibana_tls,
    realms,
    secure_settings,
    security,
    served,
    settings,
    tls_files,
    tls_settings,
    trust,
    users,
)
from estui.decide.findings.rule import Facts, Rule
from estui.decide.fixes import with_fixes
from estui.model.finding import Finding, Severity
from estui.model.observed import Observed

MODULES = (
    folders,
    settings,
    security,
    realms,
    discovery,
    cluster,
    disks,
    tls_settings,
    tls_files,
    contexts,
    trust,
    certificates,
    served,
    secure_settings,
    users,
    accounts,
    kibana,
    kibana_tls,
    clients,
    beats,
    beats_keystore,
)
RULES: dict[str, Rule] = {rule.id: rule for module in MODULES for rule in module.RULES}
"""By name, in the order in which they are listed."""
_ORDER = list(Severity)


def all_findings(observed: Observed, now: datetime) -> tuple[Finding, ...]:
    """What every rule finds, the worst first, with the command that puts it right. `now` is aware and in UTC."""
    facts = Facts(observed, now)
    found = [finding for rule in RULES.values() for finding in rule.findings(facts)]
    found.sort(key=lambda finding: (_ORDER.index(finding.severity), finding.target, finding.rule))
    return with_fixes(found, observed)


def stands_out(findings: tuple[Finding, ...]) -> bool:
    """Whether anything is worse than a note."""
    return any(finding.severity is not Severity.NOTE for finding in findings)
