"""Reports of runs: put together from the journal, the plan and the audit, and written into the run's folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from estui import __version__
from estui.act.journal import RUNS, Journal, Record
from estui.act.leaves import LEAVES
from estui.act.rollback import committed
from estui.act.runbook import WALK
from estui.act.runs import REPORT, REPORT_MARKDOWN
from estui.act.workspace import AUDIT
from estui.errors import StoreError, UsageError
from estui.formats.wire import decode, dumps
from estui.model.image import Image
from estui.model.report import (
    REPORT_FORMAT,
    AuditEntry,
    FileChange,
    FileImage,
    LeafChange,
    LeafFacts,
    RunReport,
    StepReport,
)
from estui.model.run import RunState, StepKind, StepRecord
from estui.present.document import document_markdown
from estui.present.report import report_document

if TYPE_CHECKING:
    from estui.engine import Engine


def report_of(engine: Engine, run: str) -> RunReport:
    """The report of one run, as far as it is. UsageError where there is no such run, or it never began."""
    state = engine.run(run)
    plan = engine.run_plan(run)
    journal = Journal(engine.fs, engine.path, run, engine.clock)
    verified = [record.evidence for record in state.records if record.step.kind is StepKind.VERIFY]
    return RunReport(
        format=REPORT_FORMAT,
        estui=__version__,
        workspace=plan.workspace,
        cluster=plan.cluster,
        cluster_uuid=plan.cluster_uuid,
        run=run,
        kind=state.kind,
        undoes=state.undoes,
        goal=plan.goal.label,
        restart=plan.restart.value,
        phase=state.phase.value,
        detail=state.detail,
        began=state.started,
        ended=state.ended,
        people=tuple(dict.fromkeys(f"{each.text('who')} on {each.text('host')}" for each in journal.find(WALK))),
        files=tuple(_files(journal)),
        leaves=_leaves(journal),
        steps=tuple(_step(journal, record) for record in state.records),
        proofs=verified[-1] if verified else (),
        audit=tuple(_audit(engine, run)),
        journal_sha256=hashlib.sha256(engine.fs.read(engine.path, journal.path).content).hexdigest(),
    )


def last_run(engine: Engine) -> str:
    """The run in hand, else the newest. UsageError where there was none yet."""
    runs = engine.runs()
    state: RunState | None = engine.unfinished() or (runs[-1] if runs else None)
    if state is None:
        raise UsageError("there was no run yet", hint="estui apply SCENARIO begins one")
    return state.id


def write_report(engine: Engine, run: str) -> None:
    """Into the run's folder, as JSON and as Markdown; a report that is there stays as it was."""
    report = report_of(engine, run)
    for name, content in (
        (REPORT, dumps(report)),
        (REPORT_MARKDOWN, document_markdown(report_document(report)).encode()),
    ):
        path = f"{RUNS}/{run}/{name}"
        if not engine.fs.read(engine.path, path).exists:
            engine.workspace.replace(path, content)


def _files(journal: Journal) -> Iterator[FileChange]:
    for each in committed(journal):
        item = each.item
        yield FileChange(item.target, item.path, _image(each.before), _image(item.after), each.kept)


def _image(image: Image) -> FileImage:
    mode = f"{image.mode:04o}" if image.mode else ""
    return FileImage(image.kind, image.sha256, mode, image.uid, image.gid, image.link or "")


def _leaves(journal: Journal) -> tuple[LeafChange, ...]:
    """By target and context: as the first look found them, and the last one."""
    looks = journal.find(LEAVES)
    before = next((_facts(journal, record) for record in looks if record.text("when") == "before"), {})
    after = next((_facts(journal, record) for record in reversed(looks) if record.text("when") == "after"), {})
    return tuple(LeafChange(*key, before.get(key), after.get(key)) for key in dict.fromkeys([*before, *after]))


def _facts(journal: Journal, record: Record) -> dict[tuple[str, str], LeafFacts]:
    listed = record.fields.get("leaves")
    try:
        found = [decode(LeafFacts, each, journal.path) for each in (listed if isinstance(listed, list) else ())]
    except StoreError:
        return {}
    return {(each.target, each.set_name): each for each in found}


def _step(journal: Journal, record: StepRecord) -> StepReport:
    times = [each.at for each in journal.find("step") if each.text("step") == record.step.id]
    closed = record.state.value in ("done", "skipped", "failed")
    return StepReport(
        id=record.step.id,
        title=record.step.title,
        targets=record.step.targets,
        gate=record.step.gate,
        state=record.state.value,
        began=times[0] if times else "",
        ended=times[-1] if times and closed else "",
        detail=record.detail,
        evidence=record.evidence,
    )


def _audit(engine: Engine, run: str) -> Iterator[AuditEntry]:
    """Lines of the audit that name the run; one that was torn is left out."""
    for line in engine.fs.read(engine.path, AUDIT).content.decode("utf-8", "replace").splitlines():
        try:
            body = json.loads(line)
        except ValueError:
            continue
        if isinstance(body, dict) and body.get("run") == run:
            yield AuditEntry(str(body.get("at", "")), str(body.get("who", "")), str(body.get("what", "")))
