"""Who the operator is to the cluster: credentials of a call, and the files that hold passwords."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from estui.act.passwords import keystore_passwords
from estui.decide.passwords import ELASTIC
from estui.errors import UsageError
from estui.model.inventory import Inventory
from estui.observe.client_files import own_certificate
from estui.observe.http import ClientCertificate
from estui.secret import Secret


@dataclass(frozen=True)
class Access:
    """Credentials that the operator gave for this call; each may be absent."""

    user: str | None = None
    password: Secret | None = None
    keystore_password: Secret | None = None
    over_plain: bool = False
    """Send them over plain HTTP too, where a node speaks nothing else."""

    passwords: Mapping[str, Secret] = field(default_factory=dict)
    """Of built-in users, as the operator keeps them himself (`--passwords-file`)."""
    typed: Mapping[str, Secret] = field(default_factory=dict)
    """New ones of built-in users that are to be stored."""
    values: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """New values of entries of `elasticsearch.keystore`, by name."""
    new_keystore_password: Secret | None = None
    client: ClientCertificate | None = None
    """Shown to nodes that ask for a certificate (`--client-cert`); without it estui's own, where there is one."""

    def with_files(self, inventory: Inventory, workspace: str) -> Access:
        """The same, with what the files hold that the inventory names, where nothing was given."""
        access = self
        if access.keystore_password is None and inventory.keystore_password:
            password = read_secret_file(Path(workspace) / inventory.keystore_password)
            access = replace(access, keystore_password=password)
        files = inventory.credentials
        if access.pair is None and files.user and files.password_file:
            password = read_secret_file(Path(workspace) / files.password_file)
            access = replace(access, user=files.user, password=password)
        return access if access.client else replace(access, client=own_certificate(Path(workspace)))

    def with_stored(self, stored: Mapping[str, Secret]) -> Access:
        """The same, with the stored passwords of `elastic` and of the nodes' keystores, where there is nothing else."""
        access = self
        elastic = self.passwords.get(ELASTIC) or stored.get(ELASTIC)
        if access.pair is None and elastic:
            access = replace(access, user=ELASTIC, password=elastic)
        known = keystore_passwords(stored)
        return replace(access, keystore_password=known[0]) if access.keystore_password is None and known else access

    def further_keystore_passwords(self, stored: Mapping[str, Secret]) -> tuple[Secret, ...]:
        """Passwords that a node's keystore may have besides the one that was given: while they are changed."""
        new = (self.new_keystore_password,) if self.new_keystore_password else ()
        return (*new, *keystore_passwords(stored))

    @property
    def pair(self) -> tuple[str, Secret] | None:
        return (self.user, self.password) if self.user and self.password else None


def read_secret_file(path: Path) -> Secret:
    """The first line of a file that holds a password. UsageError: missing, unreadable, empty."""
    try:
        text = path.read_text().split("\n", 1)[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        words = os.strerror(error.errno or 0) if isinstance(error, OSError) else "is not text"
        raise UsageError(f"{path}: {words}", hint="name a file with the password on its first line") from error
    if not text:
        raise UsageError(f"{path} is empty", hint="put the password on its first line")
    return Secret(text)
