"""Client certificates on an opened workspace: handed out to people, listed, and who connects to the nodes.

Certificates of Kibana, the Beats and estui itself come by plan (`decide/mutual.py`), as does what nodes make of them.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from estui.act import lock
from estui.act.checklist import merged, with_ticks, without_ticks
from estui.act.client_files import remove_client, write_client, write_connected, write_roles
from estui.act.fs import Owner
from estui.act.journal import stamp
from estui.act.workspace import PRIVATE_FILE, PRIVATE_FOLDER, login_name, serial
from estui.decide import clients as rules
from estui.decide.connected import concerns
from estui.engine import Engine
from estui.errors import EstuiError, Location, UsageError
from estui.formats import pem, pkcs12
from estui.model.goal import Demand, Goal
from estui.model.inventory import Layer
from estui.model.observed import ClientFacts, Observed, OnDisk
from estui.model.rollover import UNASKED, Client
from estui.observe import http
from estui.observe.client_files import own_certificate, read_clients, read_connected, read_roles
from estui.observe.clients import http_clients
from estui.observe.cluster import client_factory, trusted_certificates
from estui.observe.http import Basic, ClientCertificate, Tls
from estui.pki.authority import issue_leaf
from estui.pki.keys import generate_key
from estui.secret import Secret

OTHERS = Client(
    "others", "whoever talks to the HTTP layer only now and then (backups, monitoring, scripts) has a certificate"
)
"""Entry for those whom no list of connections can show."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_ROLE = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,1022}[\x21-\x7e])?")
"""Names of roles: printable ASCII without blanks at the ends (elastic-stack-security.md §1.8)."""


@dataclass(frozen=True)
class Handed:
    """A certificate that was handed out, and its new files."""

    client: ClientFacts
    files: tuple[str, ...]


def shown(engine: Engine) -> ClientCertificate | None:
    """The certificate that estui shows to nodes."""
    return engine.access.client or own_certificate(Path(engine.path))


def listed(engine: Engine) -> tuple[ClientFacts, ...]:
    """Every client certificate of the workspace."""
    return read_clients(Path(engine.path))


def hand_out(
    engine: Engine,
    name: str,
    folder: Path,
    *,
    roles: Sequence[str] = (),
    p12_password: Secret | None = None,
    days: int | None = None,
    renew: bool = False,
) -> Handed:
    """A new certificate and key for somebody, into new files that only we can read: PEM, or PKCS#12 for a browser
    where a password for that is given. The key is kept nowhere else.

    Raises UsageError: a bad name or role, one that is taken (but with `renew`), no client CA, no passphrase;
    ApplyError: a file is there already.
    """
    _check(engine, name, roles, renew=renew)
    if engine.passphrase is None:
        raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
    observed = Observed(engine.inventory(), (), authorities=engine.authorities())
    request = rules.request_of(observed, f"client/{name}", rules.AUTHORITY, name, days)
    if not engine.workspace.has_authority(request.authority):
        raise UsageError("there is no CA for client certificates yet", hint="estui ca create client")
    with lock.workspace_lock(engine.path, "client new"):
        authority = engine.workspace.authority_certificate(request.authority)
        authority_key = engine.workspace.authority_key(request.authority, engine.passphrase)
        key = generate_key(request.key)
        leaf = issue_leaf(
            request,
            authority=authority,
            authority_key=authority_key,
            key=key,
            serial=serial(),
            now=engine.clock(),
        )
        certificates = pem.certificate_pem(leaf) + pem.certificate_pem(authority)
        contents = {f"{name}.crt": certificates, f"{name}.key": pem.private_key_pem(key)}
        if p12_password is not None:
            contents = {f"{name}.p12": pkcs12.write_keystore(name, key, leaf, [authority], p12_password)}
        if not folder.is_dir():
            engine.fs.make_folder(str(folder.parent), folder.name, PRIVATE_FOLDER, Owner())
        there = [file for file in contents if (folder / file).exists()]
        if there:
            raise UsageError("is there already", hint="name another folder", location=Location(str(folder / there[0])))
        for file, content in contents.items():
            engine.fs.create(str(folder), file, content, PRIVATE_FILE, Owner())
        engine.workspace.record_issued([(leaf, request)], f"client-{secrets.token_hex(4)}")
        write_client(engine.workspace, name, (leaf,))
        before = read_roles(Path(engine.path))
        kept = tuple(roles) or (before.get(name, ()) if renew else ())
        write_roles(engine.workspace, {**before, name: kept})
        engine.workspace.audit("client certificate handed out", client=name, roles=list(kept))
    client = next(each for each in listed(engine) if each.name == name)
    return Handed(client, tuple(str(folder / file) for file in contents))


def _check(engine: Engine, name: str, roles: Sequence[str], *, renew: bool) -> None:
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no name for a client", hint="letters, digits and . _ @ -, at most 64")
    if name == rules.OWN:
        raise UsageError(
            f"{name} is estui's own certificate", hint="estui apply mutual makes it, estui rotate renews it"
        )
    bad = [role for role in roles if not _ROLE.fullmatch(role)]
    if bad:
        raise UsageError(f"{bad[0]!r} is no name of a role", hint="printable ASCII, no blanks at the ends")
    known = any(each.name == name for each in listed(engine))
    if known and not renew:
        raise UsageError(
            f"there is a certificate of {name} already", hint="--renew makes another one for the same name"
        )
    if renew and not known:
        raise UsageError(f"there is no certificate of {name} yet", hint="leave out --renew")


def forget(engine: Engine, name: str) -> None:
    """Takes somebody's roles away, at the next `estui apply mutual`. UsageError: nobody of that name.

    Nothing takes back the certificate: it passes the handshake until it ends.
    """
    if name == rules.OWN or all(each.name != name for each in listed(engine)):
        raise UsageError(f"there is no client {name} to remove", hint="estui client list")
    with lock.workspace_lock(engine.path, "client remove"):
        roles = {key: value for key, value in read_roles(Path(engine.path)).items() if key != name}
        write_roles(engine.workspace, roles)
        remove_client(engine.workspace, name)
        engine.workspace.audit("client removed", client=name)


# who connects


def known(engine: Engine) -> tuple[Client, ...]:
    """The checklist as it stands, without asking anybody."""
    return read_connected(Path(engine.path)) or ()


def look(engine: Engine, observed: Observed) -> tuple[Client, ...]:
    """Asks the nodes who connects, and adds whoever is new to the checklist."""
    with lock.workspace_lock(engine.path, "client connected"):
        seen = (OTHERS, *_asked(engine, observed))
        failed = any(each.id == UNASKED for each in seen)
        before = [each for each in known(engine) if failed or each.id != UNASKED]
        found = merged(before, seen)
        write_connected(engine.workspace, found)
    return found


def _asked(engine: Engine, observed: Observed) -> tuple[Client, ...]:
    try:
        return ask(engine, observed, http_clients)
    except EstuiError as error:
        return (unasked(error),)


def unasked(error: EstuiError) -> Client:
    """The entry of a checklist where the nodes could not be asked."""
    text = f"who connects could not be asked ({error.summary}): look after your clients by hand, then tick this"
    return Client(UNASKED, text)


def ask(
    engine: Engine, observed: Observed, question: Callable[[http.Client], tuple[Client, ...]]
) -> tuple[Client, ...]:
    """Puts a question about who connects to the first node that answers: over verified HTTPS where it has TLS.

    Raises UsageError: no node answers, or nobody may ask; ProbeError: no answer.
    """
    node = next((node for node in observed.nodes if node.http_address and node.api.reachable), None)
    if node is None or node.http_address is None:
        raise UsageError("no node answers")
    pair = engine.credentials() if node.api.secured is not False else None
    if pair is None and node.api.secured is not False:
        raise UsageError("no credentials at hand: --user, or the passphrase")
    disk = node.disk.get(Layer.HTTP, OnDisk())
    login = Basic(*pair) if pair else None
    client_for = client_factory(login, over_plain=engine.access.over_plain, client_certificate=shown(engine))
    tls = Tls(trusted_certificates(observed.authorities, disk)) if disk.enabled else None
    with client_for(node.http_address, tls) as client:
        return question(client)


def with_connected(engine: Engine, observed: Observed, goal: Goal) -> Observed:
    """The observation with who connects, asked anew, where everybody has to talk in another way from the goal on. Who
    would be locked out for want of a certificate goes onto the checklist."""
    if goal.mutual is not None and goal.mutual.demand is Demand.REQUIRED:
        return replace(observed, connected=look(engine, observed))
    return replace(observed, connected=_asked(engine, observed)) if concerns(observed, goal) else observed


def tick(engine: Engine, ids: Sequence[str], *, undo: bool = False) -> tuple[Client, ...]:
    """Says that these clients have a certificate; with `undo` takes that back. UsageError: no such entry."""
    listing = known(engine)
    unknown = [each for each in ids if each not in {client.id for client in listing}]
    if unknown:
        raise UsageError(f"the checklist has no {unknown[0]!r}", hint="estui client connected lists them")
    by = f"{login_name()} at {stamp(engine.clock())}"
    with lock.workspace_lock(engine.path, "client tick"):
        changed = (without_ticks if undo else with_ticks)(listing, ids, by)
        write_connected(engine.workspace, changed)
        engine.workspace.audit("ticks taken back" if undo else "clients ticked", clients=list(ids))
    return changed
