"""Plans, reviews, steps, verdicts, observed clusters and errors as lines of (kind, text): every sentence is made
once, for the command line, the screens and the golden files alike.

A line's kind tells a front end how to draw it; its text stands alone without colour.
"""

from estui.present.cluster import status_json, status_lines
from estui.present.findings import error_lines, finding_lines, findings_title, probe_lines, rule_lines, rules_lines
from estui.present.lines import ASCII, STEP_WORDS, UNICODE, Glyphs, Kind, Line, count, step_glyph
from estui.present.reviews import (
    OUTAGE,
    file_lines,
    file_title,
    outage_lines,
    plan_steps,
    plan_summary,
    review_lines,
    same_line,
)
from estui.present.runs import (
    PHASE_HINTS,
    evidence_line,
    proof_line,
    run_headline,
    run_lines,
    step_line,
    verdict_lines,
    verdict_title,
)
from estui.present.status import (
    RENEW_SOON_DAYS,
    TargetRow,
    arrived_row,
    authority_lines,
    certificate_lines,
    expected_rows,
    headline,
    kibana_row,
    leaf_text,
    next_expiry,
    node_row,
    rows,
    served_word,
)
from estui.present.views import kibana_lines, node_lines, target_lines

__all__ = [
    "ASCII",
    "OUTAGE",
    "PHASE_HINTS",
    "RENEW_SOON_DAYS",
    "STEP_WORDS",
    "UNICODE",
    "Glyphs",
    "Kind",
    "Line",
    "TargetRow",
    "arrived_row",
    "authority_lines",
    "certificate_lines",
    "count",
    "error_lines",
    "evidence_line",
    "expected_rows",
    "file_lines",
    "file_title",
    "finding_lines",
    "findings_title",
    "headline",
    "kibana_lines",
    "kibana_row",
    "leaf_text",
    "next_expiry",
    "node_lines",
    "node_row",
    "outage_lines",
    "plan_steps",
    "plan_summary",
    "probe_lines",
    "proof_line",
    "review_lines",
    "rows",
    "rule_lines",
    "rules_lines",
    "run_headline",
    "run_lines",
    "same_line",
    "served_word",
    "status_json",
    "status_lines",
    "step_glyph",
    "step_line",
    "target_lines",
    "verdict_lines",
    "verdict_title",
]
