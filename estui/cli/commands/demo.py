"""`estui demo`: a sandbox cluster and the TUI on it; without a terminal the whole tour by itself."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

from estui import present
from estui.cli.commands.sandbox import make_workspace
from estui.cli.main import open_tui
from estui.cli.output import Exit, glyphs, has_terminal, say, show, show_json
from estui.cli.session import PASSPHRASE_VARIABLE, narrate
from estui.engine import Access, Engine, Options, read_secret_file
from estui.errors import EstuiError, ProbeError, VerificationError
from estui.model.goal import Goal, Scenario
from estui.model.inventory import Layer
from estui.model.observed import PortState, Rung
from estui.model.run import Proof, Verdict
from estui.observe.http import Basic, Client, Credentials, Tls
from estui.sandbox.cluster import DOCUMENTS, INDEX, Sandbox


def run(options: argparse.Namespace) -> int:
    """Everything is gone when this returns, unless `--folder` named a place to keep it."""
    folder = Path(options.folder) if options.folder else Path(tempfile.mkdtemp(prefix="estui-demo-"))
    say(f"starting a sandbox cluster in {folder}")
    sandbox: Sandbox | None = None
    try:
        sandbox = Sandbox.create(folder, beat=options.beat, owner=os.getpid())
        engine = _engine(sandbox)
        if has_terminal() and sys.stdout.isatty() and not options.tour and not options.json:
            return open_tui(engine, options, sandbox=True)
        return tour(engine, options)
    finally:
        if sandbox is not None:
            sandbox.down()
        if not options.folder:
            shutil.rmtree(folder, ignore_errors=True)


def _engine(sandbox: Sandbox) -> Engine:
    workspace = make_workspace(sandbox)
    named = str(workspace / "passphrase")
    os.environ[PASSPHRASE_VARIABLE] = named
    say("in another terminal, while it runs:")
    say(f"    {PASSPHRASE_VARIABLE}={shlex.quote(named)} estui --workspace {shlex.quote(str(workspace))} verify")
    return Engine(str(workspace), access=Access(over_plain=True), passphrase=read_secret_file(Path(named)))


def tour(engine: Engine, options: argparse.Namespace) -> int:
    """Unsecured, plan, apply, restart, passwords, verify. Exit code 0 only if every proof holds.

    The first proof is that the cluster really was open, the last that the documents are still there.
    """
    before = _open_before(engine)
    observed = engine.observe()
    plan = engine.plan(observed, Goal(Scenario.HTTPS))
    if not options.json:
        show(present.review_lines(plan, engine.review(plan, observed)))
    try:
        state = engine.apply(plan, narrate, Options(run_commands=True))
    except VerificationError:
        state = engine.runs()[-1]
    verdict = engine.verify()
    verdict = Verdict((*before, *verdict.proofs, *_after(engine)), verdict.at)
    if options.json:
        show_json({"run": state, "ok": verdict.ok, "proofs": verdict.proofs})
    else:
        show(present.verdict_lines(verdict, glyphs(sys.stdout)))
    if not verdict.ok:
        return Exit.UNVERIFIED
    return Exit.PENDING if state.unfinished else Exit.DONE


def _open_before(engine: Engine) -> tuple[Proof, ...]:
    observed = engine.observe()
    proofs = []
    for node in observed.nodes:
        open_to_all = node.api.secured is False and node.port(Layer.HTTP).state is PortState.PLAIN
        evidence = "anonymous requests are answered over plain HTTP" if open_to_all else node.api.detail
        proofs.append(Proof(node.target, "was unsecured before", open_to_all and node.rung is Rung.UNSECURED, evidence))
    return tuple(proofs)


def _after(engine: Engine) -> tuple[Proof, ...]:
    """What only the demo can prove, because it knows what was in the cluster."""
    node = engine.observe().nodes[0]
    proofs = []
    if node.http_address is None:
        return (Proof(node.target, "answers", False, "no address"),)
    try:
        with Client(node.http_address, None, None) as client:
            plain = f"HTTP {client.request('GET', '/').status}"
        proofs.append(Proof(node.target, "refuses plain HTTP", False, plain))
    except ProbeError as error:
        proofs.append(Proof(node.target, "refuses plain HTTP", True, error.summary))
    try:
        trusted = tuple(each.certificate for each in engine.authorities() if each.name == Layer.HTTP.value)
        credentials: Credentials = Basic("elastic", engine.passwords()["elastic"])
        with Client(node.http_address, Tls(trusted), credentials) as client:
            count = json.loads(client.request("GET", f"/{INDEX}/_count").body)["count"]
        proofs.append(Proof("cluster", "the data is still there", count == DOCUMENTS, f"{count} documents in {INDEX}"))
    except (EstuiError, KeyError, ValueError) as error:
        proofs.append(Proof("cluster", "the data is still there", False, str(error)))
    return tuple(proofs)
