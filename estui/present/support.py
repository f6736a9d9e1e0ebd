"""The support bundle for whoever reads it before it is written: a document, from `model/support.py`."""

from __future__ import annotations

from collections.abc import Iterator

from estui.model.support import SupportBundle, SupportTarget
from estui.present.document import Block, Facts, Heading, Listing, Paragraph, Quoted, Table
from estui.present.lines import Kind, Line


def support_document(bundle: SupportBundle) -> list[Block]:
    """The whole bundle."""
    blocks: list[Block] = [
        Heading("Support bundle of estui", 1),
        Paragraph(
            f"Made {bundle.at}. No password, key or passphrase is in it, and no document of the cluster. Names, "
            "addresses and folders are: read it before you hand it on.",
            Kind.NOTE,
        ),
        Heading("Versions"),
        Facts(bundle.versions),
        Heading("Workspace"),
        Facts(bundle.workspace),
    ]
    if bundle.unread:
        blocks += [Heading("Could not be read"), Listing(bundle.unread)]
    for target in bundle.targets:
        blocks += _target(target)
    if bundle.findings:
        rows = tuple(
            (each.severity.value, each.rule, each.target, each.summary, each.where) for each in bundle.findings
        )
        blocks += [Heading("Findings"), Table(("", "rule", "target", "what", "where"), rows)]
    if bundle.runs:
        runs = tuple((each.id, each.kind, each.phase, each.step or each.detail) for each in bundle.runs)
        blocks += [Heading("Runs"), Table(("run", "kind", "phase", "where it is"), runs)]
    for defect in bundle.defects:
        blocks += [Heading("Defect"), Quoted(tuple(Line(Kind.TEXT, line) for line in defect.splitlines()))]
    return blocks


def _target(target: SupportTarget) -> Iterator[Block]:
    yield Heading(target.target)
    yield Facts((("folder", target.folder), ("version", target.version), ("state", target.state)))
    if target.ports:
        rows = tuple((each.layer, each.address, each.answer, each.certificate, each.on_disk) for each in target.ports)
        yield Table(("layer", "address", "answer", "serves", "on disk"), rows)
    if target.settings:
        yield Table(("setting", "value"), target.settings)
    if target.files:
        files = tuple((each.path, each.kind, each.mode, each.owner, str(each.size)) for each in target.files)
        yield Table(("file", "kind", "mode", "owner", "bytes"), files)
