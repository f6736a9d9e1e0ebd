"""The report of a run, for whoever files it: text and Markdown from `model/report.py`."""

from __future__ import annotations

from estui.model.report import FileChange, FileImage, LeafChange, LeafFacts, RunReport, StepReport
from estui.model.run import Evidence, RunPhase
from estui.present.document import Block, Facts, Heading, Listing, Paragraph, Table
from estui.present.lines import Kind


def report_document(report: RunReport) -> list[Block]:
    """The whole report."""
    undone = f" (undoes {report.undoes})" if report.undoes else ""
    blocks: list[Block] = [
        Heading(f"Report of run {report.run}", 1),
        Facts(
            (
                ("cluster", report.cluster),
                ("cluster UUID", report.cluster_uuid),
                ("workspace", report.workspace),
                ("what", f"{report.kind}{undone}: {report.goal}"),
                ("restart", report.restart),
                ("state", report.phase),
                ("why", report.detail),
                ("began", report.began),
                ("ended", report.ended),
                ("by", "; ".join(report.people)),
                ("made with", f"estui {report.estui}"),
                ("SHA-256 of the journal", report.journal_sha256),
            )
        ),
    ]
    if report.phase not in (RunPhase.DONE.value, RunPhase.ROLLED_BACK.value):
        blocks.append(Paragraph("This run has not ended: what follows is how far it is.", Kind.WARN))
    blocks += [Heading("Files"), *_files(report.files)]
    blocks += [Heading("Certificates"), *_leaves(report.leaves)]
    blocks += [Heading("Proofs"), *_proofs(report.proofs)]
    blocks += [Heading("Steps"), _steps(report.steps)]
    blocks += [Heading("What each step saw"), *_evidence(report)]
    if report.audit:
        rows = tuple((each.at, each.who, each.what) for each in report.audit)
        blocks += [Heading("Audit"), Table(("at", "who", "what"), rows)]
    return blocks


def _files(files: tuple[FileChange, ...]) -> list[Block]:
    if not files:
        return [Paragraph("No file was switched.")]
    rows = tuple((each.target, each.path, _image(each.before), _image(each.after), each.kept) for each in files)
    return [Table(("where", "file", "before", "after", "kept as"), rows)]


def _image(image: FileImage) -> str:
    if image.kind == "absent":
        return "absent"
    what = f"link to {image.link}" if image.link else f"SHA-256 {image.sha256}"
    return f"{what}, {image.mode} {image.uid}:{image.gid}" if image.mode else what


def _leaves(leaves: tuple[LeafChange, ...]) -> list[Block]:
    changed = [each for each in leaves if each.is_changed]
    rest = len(leaves) - len(changed)
    blocks: list[Block] = []
    if changed:
        rows = tuple((each.target, each.set_name, _leaf(each.before), _leaf(each.after)) for each in changed)
        blocks.append(Table(("where", "for", "before", "after"), rows))
    if rest or not changed:
        blocks.append(Paragraph(f"{rest} unchanged." if rest else "None was there, and none is.", Kind.NOTE))
    return blocks


def _leaf(leaf: LeafFacts | None) -> str:
    if leaf is None:
        return "none"
    trusted = f"trusts {', '.join(leaf.trusted)}" if leaf.trusted else ""
    if not leaf.sha256:
        return trusted
    parts = (f"{leaf.subject} by {leaf.issuer}", f"serial {leaf.serial}", f"SHA-256 {leaf.sha256}")
    return "; ".join(each for each in (*parts, f"ends {leaf.not_after[:10]}", trusted) if each)


def _proofs(proofs: tuple[Evidence, ...]) -> list[Block]:
    if not proofs:
        return [Paragraph("Nothing was verified.", Kind.WARN)]
    failed = sum(not each.ok for each in proofs)
    words = f"{failed} of {len(proofs)} proofs failed" if failed else f"all {len(proofs)} proofs hold"
    rows = tuple(("ok" if each.ok else "FAILED", each.target, each.text) for each in proofs)
    return [Paragraph(words, Kind.BAD if failed else Kind.GOOD), Table(("", "where", "what was seen"), rows)]


def _steps(steps: tuple[StepReport, ...]) -> Table:
    rows = tuple(
        (
            str(number),
            step.title + (f": {step.detail}" if step.detail else ""),
            ", ".join(step.targets),
            step.gate,
            step.state,
            step.began,
            step.ended,
        )
        for number, step in enumerate(steps, start=1)
    )
    return Table(("", "step", "where", "goes on when", "state", "began", "ended"), rows)


def _evidence(report: RunReport) -> list[Block]:
    """Step by step; what the proofs are has been said."""
    blocks: list[Block] = []
    for number, step in enumerate(report.steps, start=1):
        if step.evidence and step.evidence != report.proofs:
            seen = tuple(f"{each.at} {'' if each.ok else 'NOT: '}{each.target}: {each.text}" for each in step.evidence)
            blocks += [Heading(f"{number}. {step.title}", 3), Listing(seen)]
    return blocks or [Paragraph("Nothing yet.", Kind.NOTE)]
