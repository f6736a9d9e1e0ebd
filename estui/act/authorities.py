"""Certificate authorities of a workspace after they were made: handed out, renewed. Making them is `workspace.py`'s."""

from __future__ import annotations

import secrets

from cryptography import x509

from estui.act.workspace import Workspace, serial
from estui.errors import CertificateError
from estui.formats import pem, pkcs12
from estui.formats.pbes2 import IV_LENGTH, SALT_LENGTH
from estui.model.observed import FileKind
from estui.pki.facts import certificate_facts
from estui.pki.renewal import renew_authority
from estui.secret import Secret


def bundle(workspace: Workspace, name: str, passphrase: Secret, password: Secret, *, as_pkcs12: bool) -> bytes:
    """Certificate and key of a CA under a password of their own: PKCS#12, or PEM with an encrypted PKCS#8 key.

    Raises StoreError: no key, or a wrong passphrase; UsageError: an empty password, or one that a PKCS#12 cannot have.
    """
    certificate, key = workspace.authority_certificate(name), workspace.authority_key(name, passphrase)
    if as_pkcs12:
        return pkcs12.write_keystore(name, key, certificate, [], password)
    salt, iv = secrets.token_bytes(SALT_LENGTH), secrets.token_bytes(IV_LENGTH)
    return pem.certificate_pem(certificate) + pem.sealed_key_pem(key, password, salt=salt, iv=iv)


def kept_name(name: str, certificate: x509.Certificate) -> str:
    """Where a certificate stays that a renewal replaced."""
    return f"ca/{name}/ca-{certificate.serial_number:x}.crt"


def renew(workspace: Workspace, name: str, passphrase: Secret, days: int) -> x509.Certificate:
    """A new certificate for the same CA and key; the old one stays beside it.

    The old one is kept first, so that whoever still trusts it is recognised however far this gets.
    Raises StoreError: no such CA, no key, wrong passphrase; CertificateError: it cannot be renewed.
    """
    old = workspace.authority_certificate(name)
    key = workspace.authority_key(name, passphrase)
    new = renew_authority(old, key=key, serial=serial(), now=workspace.clock(), days=days, name=name)
    if new.not_valid_after_utc <= old.not_valid_after_utc:
        raise CertificateError(
            f"{name} would end no later than now, on {old.not_valid_after_utc:%Y-%m-%d}",
            hint="give more --days, or raise policy.ca_days",
        )
    kept = kept_name(name, old)
    if workspace.fs.read(workspace.path, kept).kind is not FileKind.FILE:
        workspace.replace(kept, pem.certificate_pem(old))
    workspace.replace(f"ca/{name}/ca.crt", pem.certificate_pem(new))
    facts = certificate_facts(new)
    workspace.audit("ca renewed", name=name, sha256=facts.sha256, kept=kept)
    return new
