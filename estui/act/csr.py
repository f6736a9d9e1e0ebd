"""Writes certificate requests and the answers to them into a workspace, and fetches imported leaves for a run.

`csr/<id>/` holds `requests.json`, and for each request its key (PKCS#8 under the workspace passphrase) and the request;
after an import the chains and `answers.json`. The two JSON files are written last: what they do not name never was.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from estui.act.fs import Owner
from estui.act.journal import stamp
from estui.act.workspace import PRIVATE_FILE, PRIVATE_FOLDER, REQUESTS, Workspace
from estui.errors import ApplyError, StoreError
from estui.formats import pem
from estui.formats.pbes2 import IV_LENGTH, SALT_LENGTH
from estui.formats.wire import dumps
from estui.model.csr import CsrAnswer, CsrAnswers, CsrEntry, CsrSet
from estui.model.observed import ImportedLeaf
from estui.model.plan import PublishSet
from estui.observe.csr import ANSWERS_JSON, REQUESTS_JSON, read_imported, read_sets
from estui.pki.keys import PrivateKey, decrypt_key, encrypt_key, public_key_sha256
from estui.secret import Secret


@dataclass(frozen=True)
class Made:
    """A request with its key, before it is stored."""

    entry: CsrEntry
    key: PrivateKey = field(repr=False)
    content: bytes
    """The request, PEM."""


def store_requests(workspace: Workspace, csr: CsrSet, made: Sequence[Made], passphrase: Secret) -> None:
    """A new set of requests, keys first. The lock must be held. StoreError: the passphrase is not the workspace's."""
    workspace.check_passphrase(passphrase)
    folder = f"{REQUESTS}/{csr.id}"
    workspace.fs.make_folder(workspace.path, REQUESTS, PRIVATE_FOLDER, Owner())
    workspace.fs.make_folder(workspace.path, folder, PRIVATE_FOLDER, Owner())
    salt = secrets.token_bytes(SALT_LENGTH)
    for each in made:
        key = encrypt_key(each.key, passphrase, salt=salt, iv=secrets.token_bytes(IV_LENGTH))
        workspace.fs.create(workspace.path, f"{folder}/{each.entry.stem}.key", key, PRIVATE_FILE, Owner())
        workspace.fs.create(workspace.path, f"{folder}/{each.entry.stem}.csr", each.content, PRIVATE_FILE, Owner())
    workspace.replace(f"{folder}/{REQUESTS_JSON}", dumps(csr))
    workspace.audit("certificate requests made", csr=csr.id, requests=[each.entry.name for each in made])


def answer_file(stem: str, sha256: str) -> str:
    """Name of a stored chain: another answer to the same request gets another one."""
    return f"{stem}.{sha256[:16]}.crt"


def store_answers(
    workspace: Workspace,
    csr: str,
    before: CsrAnswers,
    answers: Sequence[CsrAnswer],
    chains: Mapping[str, Sequence[x509.Certificate]],
) -> None:
    """Chains by stem, leaf first, and the record of them, which takes the place of earlier answers to the same
    requests. The CAs they name must be there; the lock must be held."""
    folder = f"{REQUESTS}/{csr}"
    for each in answers:
        content = b"".join(pem.certificate_pem(certificate) for certificate in chains[each.stem])
        workspace.replace(f"{folder}/{each.file}", content)
    new = {each.stem for each in answers}
    kept = [each for each in before.answers if each.stem not in new]
    record = CsrAnswers(stamp(workspace.clock()), (*kept, *answers))
    workspace.replace(f"{folder}/{ANSWERS_JSON}", dumps(record))
    workspace.audit("certificates imported", csr=csr, leaves={each.stem: each.sha256 for each in answers})


@dataclass(frozen=True)
class Fetched:
    """An imported leaf with its key and everything above it."""

    key: PrivateKey = field(repr=False)
    leaf: x509.Certificate
    intermediates: tuple[x509.Certificate, ...]


def fetch_leaf(workspace: Workspace, change: PublishSet, passphrase: Secret) -> Fetched:
    """The imported leaf that a plan means.

    Raises StoreError: it is gone, or a wrong passphrase; ApplyError: another one was imported since the review.
    """
    home = Path(workspace.path)
    found = [each for each in read_imported(home) if _means(change, each)]
    if not found:
        raise StoreError(
            f"no certificate of {change.target} {change.set_name} is imported as {change.imported}",
            hint="estui csr list; then plan again",
        )
    imported = found[-1]
    if imported.leaf.sha256 != change.leaf_sha256:
        raise ApplyError(
            f"another certificate of {change.target} {change.set_name} was imported since the review", hint="plan again"
        )
    path = f"{REQUESTS}/{change.imported}/{_stem(home, change)}.key"
    key = decrypt_key(workspace.fs.read(workspace.path, path).content, passphrase, f"{workspace.path}/{path}")
    if public_key_sha256(key) != imported.leaf.key_sha256:
        raise StoreError(f"key and certificate of {change.target} {change.set_name} do not belong together")
    chain = [pem.parse_certificate(each.der, path) for each in imported.chain]
    return Fetched(key, chain[0], tuple(chain[1:]))


def _means(change: PublishSet, each: ImportedLeaf) -> bool:
    return (each.csr, each.target, each.set_name) == (change.imported, change.target, change.set_name)


def _stem(home: Path, change: PublishSet) -> str:
    return next(
        entry.stem
        for each in read_sets(home)
        if each.id == change.imported
        for entry in each.entries
        if entry.request.target == change.target and change.set_name in entry.sets
    )
