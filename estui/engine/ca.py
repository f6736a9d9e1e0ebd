"""Care for the workspace's certificate authorities: in, out, for longer, under another passphrase."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from estui.act import authorities, handout, lock, passphrase
from estui.decide.admission import Admission, admit_authority
from estui.decide.authorities import disks_of, trusted_names
from estui.decide.findings.view import listed
from estui.decide.issued import IssuedLeaf, issued_leaves
from estui.engine import Engine
from estui.errors import CertificateError, Location, StoreError, UsageError
from estui.formats import pem, pkcs12
from estui.model.inventory import Layer
from estui.model.observed import AuthorityFacts, Observed
from estui.model.plan import AuthorityRequest
from estui.observe.workspace import read_issued
from estui.pki.facts import certificate_facts
from estui.pki.keys import PrivateKey, public_key_sha256
from estui.secret import Secret

PKCS12_SUFFIXES = (".p12", ".pfx")


def authority(engine: Engine, name: str) -> AuthorityFacts:
    """One CA of the workspace. UsageError where there is none of that name."""
    known = engine.authorities()
    found = next((each for each in known if each.name == name), None)
    if found is None:
        names = ", ".join(each.name for each in known) or "none yet"
        raise UsageError(f"the workspace has no CA {name} (it has: {names})", hint="estui ca list")
    return found


def create_authority(engine: Engine, request: AuthorityRequest) -> AuthorityFacts:
    """A new CA in the workspace."""
    with lock.workspace_lock(engine.path, "ca create"):
        engine.workspace.create_authority(request, _passphrase(engine))
    return authority(engine, request.name)


def _passphrase(engine: Engine) -> Secret:
    if engine.passphrase is None:
        raise UsageError("the workspace passphrase is needed", hint="--passphrase-file FILE")
    return engine.passphrase


# out


def export_authority(engine: Engine, name: str, to: Path, key_password: Secret | None = None) -> None:
    """A CA's certificate in a new file; with a password its key too, encrypted under it.

    PKCS#12 where the file's name says so and there is a key, else PEM. Raises UsageError: no such CA, or the name of
    the file is taken; StoreError: no key.
    """
    found = authority(engine, name)
    handout.refuse_taken(engine.fs, to)
    as_pkcs12 = to.suffix.lower() in PKCS12_SUFFIXES
    if key_password is None and as_pkcs12:
        raise UsageError("a PKCS#12 file is written with the key only", hint="--with-key, or name a .crt file")
    with lock.workspace_lock(engine.path, "ca export"):
        if key_password is None:
            content = pem.certificate_pem(engine.workspace.authority_certificate(name))
        else:
            content = authorities.bundle(engine.workspace, name, _passphrase(engine), key_password, as_pkcs12=as_pkcs12)
        # told before it is done: a key that left is never missing from the log
        engine.workspace.audit(
            "ca exported", name=name, sha256=found.certificate.sha256, with_key=key_password is not None, to=str(to)
        )
        handout.hand_out(engine.fs, to, content)


# in


@dataclass(frozen=True)
class Offered:
    """A CA that was read from files, before anybody decided about it."""

    path: str
    certificate: x509.Certificate
    key: PrivateKey | None = field(default=None, repr=False)


def read_file(path: Path) -> bytes:
    """Bytes of a file that an option names. UsageError: it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        words = os.strerror(error.errno or 0)
        raise UsageError(f"cannot be read: {words}", location=Location(str(path)), hint="name another file") from error


def is_encrypted(path: Path) -> bool:
    """Whether the key in a PEM file needs a password."""
    return any(block.is_encrypted for block in pem.split_pem(read_file(path), str(path)) if block.is_private_key)


def read_pair(certificate: Path, key: Path | None, password: Secret | None) -> Offered:
    """A CA from a certificate file and, where it is given, a key file; of several certificates the one of the key.

    Raises StoreError: unreadable, a wrong password, or several certificates and nothing that tells which.
    """
    content = read_file(certificate)
    pem.refuse_tail(content, str(certificate))
    found = pem.load_certificates(content, str(certificate))
    private = pem.load_private_key(read_file(key), password, str(key)) if key else None
    digest = public_key_sha256(private) if private else None
    mine = [each for each in found if certificate_facts(each).key_sha256 == digest]
    chosen = mine or found
    if len(chosen) > 1:
        subjects = listed(certificate_facts(each).subject for each in chosen)
        raise StoreError(
            f"holds {len(chosen)} certificates: {subjects}",
            location=Location(str(certificate)),
            hint="put the one of the CA into a file of its own",
        )
    return Offered(str(certificate), chosen[0], private)


def read_store(path: Path, password: Secret | None) -> Offered:
    """A CA from a PKCS#12 file: the key entry of a CA, else the one trusted certificate.

    Raises StoreError: unreadable, a wrong password, or nothing in it that is one CA.
    """
    content = pkcs12.read_pkcs12(read_file(path), password, str(path))
    found = [(each.leaf, each.key) for each in content.keys if each.leaf and certificate_facts(each.leaf).is_ca]
    offered = [Offered(str(path), *each) for each in found or [(each, None) for _, each in content.trusted]]
    if len(offered) != 1:
        what = "no CA" if not offered else f"{len(offered)} CAs"
        raise StoreError(f"holds {what}", location=Location(str(path)), hint="give --cert FILE and --key FILE instead")
    return offered[0]


def admission(engine: Engine, name: str, offered: Offered) -> Admission:
    """What speaks against bringing it in, and what should be known about it."""
    digest = public_key_sha256(offered.key) if offered.key else None
    found = admit_authority(name, certificate_facts(offered.certificate), digest, engine.clock())
    twins = [
        each.name
        for each in engine.authorities()
        if each.certificate.key_sha256 == certificate_facts(offered.certificate).key_sha256
    ]
    twin = (f"the workspace has this CA already, as {', '.join(twins)}",) if twins else ()
    taken = (f"the workspace has a CA {name} already",) if engine.workspace.has_authority(name) and not twin else ()
    return Admission((*found.reasons, *taken, *twin), found.notes)


def admitted(engine: Engine, name: str, offered: Offered) -> tuple[str, ...]:
    """What should be known about a CA that may come in. CertificateError: every reason against it."""
    found = admission(engine, name, offered)
    if found.reasons:
        raise CertificateError(
            f"CA {name} was not brought in",
            reasons=found.reasons,
            location=Location(offered.path),
            hint="give the CA's own certificate, and its own key",
        )
    return found.notes


def import_authority(engine: Engine, name: str, offered: Offered) -> tuple[AuthorityFacts, tuple[str, ...]]:
    """Brings a CA in; with what should be known about it.

    Raises CertificateError with every reason against it, and nothing is stored then.
    """
    notes = admitted(engine, name, offered)
    with lock.workspace_lock(engine.path, "ca import"):
        secret = _passphrase(engine) if offered.key else None
        engine.workspace.import_authority(name, offered.certificate, offered.key, secret)
    return authority(engine, name), notes


# for longer


@dataclass(frozen=True)
class Renewed:
    """A CA after its renewal, and who still holds the certificate before."""

    before: AuthorityFacts
    after: AuthorityFacts
    holders: tuple[str, ...]
    """Targets whose files trust the certificate before, such as `es-1 http`."""


def renew_authority(engine: Engine, name: str, days: int | None = None) -> Renewed:
    """A new certificate for the same CA and key.

    Raises UsageError: no such CA; StoreError: no key; CertificateError: it cannot be renewed.
    """
    before = authority(engine, name)
    if not before.has_key:
        raise CertificateError(
            f"CA {name} has no key here: {before.certificate.issuer} has to renew it",
            hint="bring the key in, or ask those who run it; leaves come by: estui csr export",
        )
    with lock.workspace_lock(engine.path, "ca renew"):
        authorities.renew(engine.workspace, name, _passphrase(engine), days or engine.inventory().policy.ca_days)
    return Renewed(before, authority(engine, name), trust_holders(engine.observe(network=False), name))


def trust_holders(observed: Observed, name: str) -> tuple[str, ...]:
    """Targets whose files trust a CA of the workspace."""
    found = [
        f"{node.target} {layer.value}"
        for layer in Layer
        for node, disk in zip(observed.nodes, disks_of(observed, layer.value), strict=True)
        if name in trusted_names(observed, disk)
    ]
    found += [each.target for each in observed.kibana if name in trusted_names(observed, each.trust)]
    return (*found, *(beat.target for beat in observed.beats if name in trusted_names(observed, beat.trust)))


def change_passphrase(engine: Engine, new: Secret) -> int:
    """Seals everything of the workspace under a new passphrase; the count of files.

    Raises what `act/passphrase.py` raises; the old one or the new one opens everything, never some of it.
    """
    with lock.workspace_lock(engine.path, passphrase.WHAT):
        count = passphrase.change(engine.workspace, _passphrase(engine), new)
    engine.passphrase = new
    return count


def issued(engine: Engine, name: str, observed: Observed) -> tuple[IssuedLeaf, ...]:
    """The leaves that a CA issued, and what became of each. UsageError: no such CA."""
    authority(engine, name)
    records: tuple[Mapping[str, object], ...] = read_issued(Path(engine.path), name)
    return issued_leaves(records, observed, engine.clock())
