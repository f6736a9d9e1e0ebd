"""Client leaves in the sets of Kibana and Beats: what their files are called, and that they outlive a set of CAs."""

from __future__ import annotations

from estui.act.context import Context
from estui.act.staging import set_in_use
from estui.decide.beats_https import TRUST_SET
from estui.decide.clients import CERTIFICATE, KEY
from estui.errors import ApplyError, Location
from estui.model.observed import FileKind
from estui.model.plan import PublishSet


def stem_of(set_name: str) -> str:
    """What the certificate and key of a set are called: `node`, Kibana's `server`, or `client`."""
    return {"server": "server", TRUST_SET: "client"}.get(set_name, "node")


def kept_pair(context: Context, change: PublishSet) -> dict[str, bytes]:
    """Certificate and key that a client shows, byte for byte, where the set in use has them: one that is written for
    its CAs alone must not lose them. Raises ApplyError."""
    if change.set_name != TRUST_SET:
        return {}
    root, base = context.plan.place(change.target).root, f"{context.plan.folder}/{TRUST_SET}"
    if context.fs.read(root, f"{base}/current").kind is not FileKind.LINK:
        return {}
    link, files = set_in_use(context, root, base), {}
    for name in (CERTIFICATE, KEY):
        state = context.fs.read(root, f"{base}/{link}/{name}")
        if state.error:
            raise ApplyError(f"cannot be read: {state.error}", location=Location(f"{root}/{base}/{link}/{name}"))
        if state.kind is FileKind.FILE:
            files[name] = state.content
    return files if len(files) == 2 else {}
