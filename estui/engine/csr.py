"""Certificates of an external CA: requests out, answers in. Applying them is a plan like any other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography import x509

from estui.act import csr as acts
from estui.act import handout, lock
from estui.act.journal import stamp
from estui.act.workspace import new_run_id
from estui.decide import csr as rules
from estui.decide.admission import keyless_name_reason, name_reason
from estui.decide.authorities import SERVER_SET
from estui.decide.rotation import standing_goal
from estui.engine import Engine
from estui.engine.ca import read_file
from estui.errors import CertificateError, EstuiError, Location, PlanError, UsageError
from estui.formats.bundle import load_bundle
from estui.formats.pem import parse_certificate
from estui.model.certificate import CertificateFacts
from estui.model.csr import CsrAnswer, CsrEntry, CsrSet, Received
from estui.model.goal import Goal, Rotation
from estui.model.inventory import KeyType, Layer
from estui.model.observed import Observed
from estui.model.plan import LeafRequest
from estui.observe import csr as reader
from estui.pki.chain import verify_chain
from estui.pki.csr import build_request, request_pem
from estui.pki.facts import certificate_facts
from estui.pki.keys import generate_key, public_key_sha256
from estui.pki.names import normalised_address
from estui.secret import Secret

DEFAULT_NAME = "corporate"


@dataclass(frozen=True)
class Wish:
    """What an export asks for."""

    targets: tuple[str, ...] = ()
    """Empty means all."""
    layer: Layer | None = None
    key: KeyType | None = None
    """None takes the policy's."""
    without: tuple[str, ...] = ()
    """Names that are left out of every request, such as `localhost`."""


@dataclass(frozen=True)
class Exported:
    """A set of requests, and the files they were written to, in its order."""

    csr: CsrSet
    files: tuple[str, ...]


def _passphrase(engine: Engine) -> Secret:
    if engine.passphrase is None:
        raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
    return engine.passphrase


# out


def export_requests(engine: Engine, observed: Observed, wish: Wish, to: Path) -> Exported:
    """New keys, which stay in the workspace, and a request for each in the folder `to`, which is made where it lacks.

    Raises PlanError: a target that is not there, or whose folder cannot be understood; UsageError: a file is in the
    way; CertificateError: a request without names.
    """
    reasons = rules.request_refusals(observed, wish.targets)
    if reasons:
        raise PlanError("no requests were made", reasons=tuple(reasons))
    requests = [_wished(each, wish) for each in rules.wanted_requests(observed, wish.targets, wish.layer)]
    if not requests:
        raise UsageError("there is nothing to ask for", hint="estui status shows targets and layers")
    stems = rules.stems(requests)
    _make_folder(to)
    paths = [to / f"{stem}.csr" for stem in stems]
    for path in paths:
        handout.refuse_taken(engine.fs, path)
    made = [_made(each, stem, observed) for each, stem in zip(requests, stems, strict=True)]
    with lock.workspace_lock(engine.path, "csr export"):
        at = engine.clock()
        csr = CsrSet(new_run_id(at), stamp(at), tuple(each.entry for each in made))
        acts.store_requests(engine.workspace, csr, made, _passphrase(engine))
    for path, each in zip(paths, made, strict=True):
        handout.hand_out(engine.fs, path, each.content, handout.READABLE_FILE)
    return Exported(csr, tuple(str(path) for path in paths))


def _make_folder(to: Path) -> None:
    try:
        to.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise UsageError(f"cannot be made: {words}", location=Location(str(to)), hint="name another folder") from error


def _wished(request: LeafRequest, wish: Wish) -> LeafRequest:
    left_out = {normalised_address(name) or name.lower() for name in wish.without}
    return replace(
        request,
        authority="",
        key=wish.key or request.key,
        dns_names=tuple(name for name in request.dns_names if name not in left_out),
        addresses=tuple(name for name in request.addresses if name not in left_out),
    )


def _made(request: LeafRequest, stem: str, observed: Observed) -> acts.Made:
    key = generate_key(request.key)
    needed, also = rules.needed_names(request, observed), rules.further_sets(request, observed)
    entry = CsrEntry(request, stem, public_key_sha256(key), needed, also)
    return acts.Made(entry, key, request_pem(build_request(request, key)))


# in


@dataclass(frozen=True)
class Imported:
    """What an import stored: answers with the name of their CA, notes, and what is still to come."""

    answers: tuple[tuple[rules.Matched, str], ...]
    notes: tuple[str, ...]
    missing: tuple[str, ...]
    """Requests of the same sets without a certificate so far."""


def import_answers(
    engine: Engine, files: Sequence[Path], authorities: Sequence[Path] = (), *, partial: bool = False, name: str = ""
) -> Imported:
    """Sorts out, checks and stores what a CA sent back; `authorities` are files with the CAs above.

    A CA that is new here comes in without key under `name`, else under the first free name of `corporate`,
    `corporate-2`, … Raises CertificateError with everything that is wrong, and nothing is stored then; StoreError: a
    file that cannot be read.
    """
    if name and (reason := name_reason(name) or keyless_name_reason(name)):
        raise UsageError(reason, hint="--name corporate")
    with lock.workspace_lock(engine.path, "csr import"):
        home, now = Path(engine.path), engine.clock()
        sets = reader.read_sets(home)
        if not sets:
            raise UsageError("there are no requests that could be answered", hint="estui csr export --to DIR")
        pending = [rules.Pending(each.id, entry) for each in sets for entry in each.entries]
        received = _received(files)
        above = [each.facts for each in _received(authorities)]
        known = [*above, *(each.certificate for each in engine.authorities())]
        found = rules.sort_out(received, pending, known)
        reasons = list(found.reasons)
        for each in found.answers:
            reasons += rules.answer_reasons(each, now, partial=partial) or _verified(each, engine)
        if reasons:
            raise CertificateError(
                "nothing was imported",
                reasons=tuple(dict.fromkeys(reasons)),
                hint="mend what is listed, then import all files again",
            )
        names = _store(engine, found.answers, name)
        answered = {each.leaf.key_sha256 for each in reader.read_imported(home)}
        within = engine.inventory().policy.renew_before_days
        notes = [*found.notes, *(note for each in found.answers for note in rules.answer_notes(each, within, now))]
        return Imported(
            tuple(zip(found.answers, names, strict=True)),
            tuple(notes),
            tuple(rules.unanswered(pending, found.answers, answered)),
        )


def _received(files: Sequence[Path]) -> list[Received]:
    return [
        Received(certificate_facts(certificate), str(path), position)
        for path in files
        for position, certificate in enumerate(load_bundle(read_file(path), str(path)))
    ]


def _verified(answer: rules.Matched, engine: Engine) -> list[str]:
    """The last check, by the library that knows all rules of a chain: path lengths, name constraints."""
    if answer.anchor is None:
        return []
    leaf, anchor = _certificate(answer.received.facts), _certificate(answer.anchor)
    between = [_certificate(each) for each in answer.intermediates]
    try:
        verify_chain(leaf, between, [anchor], now=engine.clock(), purpose="server", host=None)
    except EstuiError as error:
        words = " ".join((error.summary, *(f"({reason})" for reason in error.reasons)))
        return [f"{answer.received.file}: {answer.pending.entry.name}: {words}"]
    return []


def _certificate(facts: CertificateFacts) -> x509.Certificate:
    return parse_certificate(facts.der, facts.subject)


def _store(engine: Engine, answers: Sequence[rules.Matched], name: str) -> list[str]:
    """CAs first, then chains, then the record of them; the name of each answer's CA."""
    names = [_authority(engine, each, name) for each in answers]
    for csr in dict.fromkeys(each.pending.csr for each in answers):
        mine = [(each, authority) for each, authority in zip(answers, names, strict=True) if each.pending.csr == csr]
        records = [_answer(each, authority) for each, authority in mine]
        chains = {
            each.pending.entry.stem: [_certificate(facts) for facts in (each.received.facts, *each.intermediates)]
            for each, _ in mine
        }
        before = reader.read_answers(Path(engine.path), csr)
        acts.store_answers(engine.workspace, csr, before, records, chains)
    return names


def _answer(answer: rules.Matched, authority: str) -> CsrAnswer:
    stem, digest = answer.pending.entry.stem, answer.received.facts.sha256
    return CsrAnswer(stem, authority, acts.answer_file(stem, digest), digest)


def _authority(engine: Engine, answer: rules.Matched, name: str) -> str:
    """The workspace's name of the CA at the end of a chain, which comes in where it is new."""
    if answer.anchor is None:
        raise CertificateError(f"{answer.pending.entry.name} has no CA")
    known = engine.authorities()
    for each in known:
        anchor = (each.certificate.subject, each.certificate.key_sha256)
        if anchor == (answer.anchor.subject, answer.anchor.key_sha256):
            return each.name
    free = free_name(name or DEFAULT_NAME, [each.name for each in known])
    engine.workspace.import_authority(free, _certificate(answer.anchor), None, None)
    return free


def free_name(base: str, taken: Sequence[str]) -> str:
    """`corporate`, else the first of `corporate-2`, `corporate-3`, … that is free."""
    number, name = 1, base
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


# applied


def external_goal(observed: Observed, targets: tuple[str, ...] = (), layer: Layer | None = None) -> Goal:
    """The goal of imported leaves in place of those in use; Kibana's server goes with the HTTP layer, as when asked."""
    with_kibana = (SERVER_SET,) if layer is Layer.HTTP else ()
    rotation = Rotation(sets=(layer.value, *with_kibana)) if layer else None
    return replace(standing_goal(observed), only=targets, rotation=rotation, external=True)


@dataclass(frozen=True)
class RequestState:
    """One request, and how far it is."""

    csr: str
    name: str
    """Target and set, such as `es-1 http`."""
    imported: CertificateFacts | None
    authority: str
    installed: bool


def request_states(engine: Engine, observed: Observed) -> tuple[RequestState, ...]:
    """Every request of the workspace, oldest first."""
    home = Path(engine.path)
    leaves = {each.leaf.key_sha256: each for each in reader.read_imported(home)}
    held = {leaf.sha256 for leaf in rules.leaves_on_disk(observed)}
    found = []
    for each in reader.read_sets(home):
        for entry in each.entries:
            imported = leaves.get(entry.key_sha256)
            leaf = imported.leaf if imported else None
            authority = imported.authority if imported else ""
            found.append(RequestState(each.id, entry.name, leaf, authority, bool(leaf and leaf.sha256 in held)))
    return tuple(found)
