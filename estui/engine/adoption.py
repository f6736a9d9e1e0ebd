"""Taking over what is there: looking at every CA behind the cluster, and importing those that are wanted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from estui.act import lock
from estui.decide.adoption import build_report
from estui.decide.imports import check_given, plan_import
from estui.engine import Engine
from estui.errors import StoreError, UsageError
from estui.formats.pem import PrivateKey
from estui.model.adoption import AdoptionReport, FilePlace, FoundFile, Import, ReportedAuthority
from estui.model.certificate import CertificateFacts
from estui.model.observed import Observed
from estui.observe.adoption import (
    CA_PASSWORD_OPTION,
    all_passwords,
    look_for_authorities,
    read_authority_key,
    read_given,
)
from estui.observe.stores import Passwords
from estui.secret import Secret


@dataclass(frozen=True)
class Look:
    """What was looked at, and what is to be said about it."""

    observed: Observed
    found: tuple[FoundFile, ...]
    report: AdoptionReport
    ca_password: Secret | None = None


def look(engine: Engine, given: Sequence[str] = (), ca_password: Secret | None = None) -> Look:
    """Every CA behind the cluster's files, the loose ones beside them, and the files that were given; writes nothing.

    No port is asked. Raises UsageError, StoreError, CertificateError: a given file cannot be used.
    """
    files = read_given(given, ca_password)
    observed = engine.observe(network=False)
    keystore_password = engine._access().keystore_password
    loose = look_for_authorities(observed, keystore_password=keystore_password, ca_password=ca_password)
    given_paths = {file.path for file in files}
    found = (*files, *(file for file in loose if file.path not in given_paths))
    report = build_report(observed, found, engine.clock())
    check_given(found, report)
    return Look(observed, found, report, ca_password)


def choose(engine: Engine, seen: Look, selectors: Sequence[str] = ()) -> tuple[Import, ...]:
    """What importing these CAs (all that are in use or were given, without a selector) would do.

    Raises UsageError, CertificateError: a selector fits no CA or several, or one that cannot be imported.
    """
    return plan_import(seen.report, engine.authorities(), selectors)


def import_authorities(engine: Engine, seen: Look, imports: Sequence[Import]) -> None:
    """Writes the chosen CAs into the workspace, each whole or not at all; every key is read before the first write.

    Raises UsageError: no passphrase although there is a key; StoreError: a key is not where it was any more;
    WaitingError: a run is unfinished.
    """
    if any(each.with_key for each in imports) and engine.passphrase is None:
        raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
    with lock.workspace_lock(engine.path, "adopt"):
        engine.refuse_unfinished()
        keys = [_key(engine, seen, each.authority) if each.with_key else None for each in imports]
        for each, key in zip(imports, keys, strict=True):
            if each.writes:
                _write(engine, each, key)


def _write(engine: Engine, wanted: Import, key: PrivateKey | None) -> None:
    authority = wanted.authority
    if authority.workspace and key is not None and engine.passphrase is not None:
        engine.workspace.add_authority_key(authority.workspace, key, engine.passphrase)
        return
    earlier = [_certificate(each) for each in authority.earlier]
    engine.workspace.import_authority(wanted.name, _certificate(authority.certificate), key, engine.passphrase, earlier)


def _certificate(facts: CertificateFacts) -> x509.Certificate:
    return x509.load_der_x509_certificate(facts.der)


def _key(engine: Engine, seen: Look, authority: ReportedAuthority) -> PrivateKey:
    """The key from the first place that still gives it. StoreError: none does, with the reason of each."""
    reasons = []
    for place in authority.keys:
        try:
            return read_authority_key(place, authority.certificate.key_sha256, _passwords(engine, seen, place))
        except StoreError as error:
            reasons.append(str(error))
    raise StoreError(
        f"the key of {authority.certificate.subject} could not be read", reasons=tuple(reasons), hint="estui adopt"
    )


def _passwords(engine: Engine, seen: Look, place: FilePlace) -> Passwords:
    things = (*seen.observed.things, *seen.observed.beats)
    owner = next((thing for thing in things if thing.target == place.target), None)
    if owner is None:
        return {CA_PASSWORD_OPTION: seen.ca_password} if seen.ca_password else {}
    return all_passwords(owner, engine._access().keystore_password, seen.ca_password)
