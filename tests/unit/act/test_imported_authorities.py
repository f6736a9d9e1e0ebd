"""CAs that others made, written into a workspace: whole, encrypted, never over one that is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.act.fs import RealFs
from estui.act.workspace import Workspace
from estui.errors import CertificateError, UsageError
from estui.observe.workspace import read_authorities
from estui.pki.facts import certificate_facts
from tests.unit.act.folders import NOW, PASSPHRASE
from tests.unit.adoptable import ca
from tests.unit.pki.samples import key

OLD, NEW, OTHER = ca("Lab CA", 11, days=400), ca("Lab CA", 11, days=1000), ca("Lab CA", 12)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(str(tmp_path), RealFs(), lambda: NOW)


def test_earlier_certificates_of_the_same_key_are_known_too(workspace: Workspace) -> None:
    workspace.import_authority("http", NEW.certificate, NEW.key, PASSPHRASE, [OLD.certificate])
    (facts,) = read_authorities(Path(workspace.path))
    assert facts.digests == tuple(certificate_facts(each.certificate).sha256 for each in (NEW, OLD))
    assert workspace.authority_key("http", PASSPHRASE).public_key() == NEW.key.public_key()


def test_nothing_is_written_without_the_passphrase_or_over_another_ca(workspace: Workspace) -> None:
    with pytest.raises(UsageError):
        workspace.import_authority("http", NEW.certificate, NEW.key, None)
    assert not workspace.has_authority("http")
    workspace.import_authority("http", NEW.certificate, None, None)
    with pytest.raises(CertificateError, match="already"):
        workspace.import_authority("http", OTHER.certificate, None, None)
    assert workspace.authority_certificate("http") == NEW.certificate


def test_a_key_is_added_only_to_its_own_ca(workspace: Workspace) -> None:
    workspace.import_authority("http", NEW.certificate, None, None)
    with pytest.raises(CertificateError, match="do not belong together"):
        workspace.add_authority_key("http", key(12), PASSPHRASE)
    assert not Path(workspace.path, "ca/http/ca.key").exists()
    workspace.add_authority_key("http", key(11), PASSPHRASE)
    assert workspace.authority_key("http", PASSPHRASE).public_key() == key(11).public_key()
