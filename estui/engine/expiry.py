"""What ends when, on an opened workspace: looked at, and written out for monitoring.

Needs neither a CA nor a passphrase; with credentials each node's own list of certificates is asked for as well.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from estui.act.fs import Fs, Owner
from estui.decide.expiry import CRITICAL_DAYS, expiry_report
from estui.engine import Engine
from estui.engine.clients import shown
from estui.errors import ApplyError
from estui.model.expiry import ExpiryReport, ExpiryRow, ExpiryState, Holder, Looked, Sighting, Where
from estui.model.observed import Observed
from estui.observe.cluster import client_factory
from estui.observe.http import Basic
from estui.observe.node_lists import read_node_lists

REPORT_MODE = 0o644
"""Metrics are read by the collector, which runs as another user."""


def look(
    engine: Engine, *, network: bool = True, warn_days: int | None = None, critical_days: int = CRITICAL_DAYS
) -> ExpiryReport:
    """Every certificate of the cluster, as it is now. Raises what opening the inventory raises."""
    observed = engine.observe(network=network)
    return report(engine, observed, network=network, warn_days=warn_days, critical_days=critical_days)


def report(
    engine: Engine,
    observed: Observed,
    *,
    network: bool = True,
    warn_days: int | None = None,
    critical_days: int = CRITICAL_DAYS,
) -> ExpiryReport:
    """The same of a cluster that was observed already; with `network` its nodes are asked for their lists."""
    pair = engine.credentials() if network else None
    lists = {}
    if pair:
        client_for = client_factory(Basic(*pair), over_plain=engine.access.over_plain, client_certificate=shown(engine))
        lists = read_node_lists(observed.nodes, observed.authorities, client_for)
    return expiry_report(
        observed, engine.clock(), warn_days=warn_days, critical_days=critical_days, lists=lists, network=network
    )


def blind(engine: Engine, problem: str) -> ExpiryReport:
    """The report of a workspace that could not be looked at, so that it is not missing among others."""
    sighting = Sighting(engine.path, "workspace", Where.DISK)
    row = ExpiryRow(ExpiryState.UNKNOWN, Holder.WORKSPACE, seen=(sighting,), detail=problem)
    return ExpiryReport(
        "", engine.clock(), 0, 0, ExpiryState.UNKNOWN, rows=(row,), targets=(Looked(engine.path, complete=False),)
    )


def write_report(fs: Fs, path: str, text: str) -> None:
    """A file for a collector, new or replaced: whole or not at all, readable by everybody.

    Raises ApplyError.
    """
    target = Path(os.path.abspath(path))  # noqa: PTH100 - resolve() follows links
    # a name of this process's own: two watches at once must not rename one another's half-written file
    temporary = f".{target.name}.estui-{secrets.token_hex(4)}"
    folder = str(target.parent)
    try:
        fs.create(folder, temporary, text.encode(), REPORT_MODE, Owner())
        fs.rename(folder, temporary, target.name)
    except ApplyError:
        fs.remove(folder, temporary)
        raise
