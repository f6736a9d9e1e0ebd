"""What a node says about its folder at start, and what it does to its secure settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.formats.es_keystore import read_header, read_secure_settings
from tests.contract import folders
from tests.contract.behaviours import proves
from tests.contract.labs import Lab, LabNode
from tests.contract.start_cases import CASES, Case
from tests.unit.sandbox.makers import keystore, write_node

UNSEEN = {"link out of the configuration folder": "the entitlements of a packaged node block it; these nodes have none"}
"""Cases that real nodes of this kind cannot show, and why."""


@proves("start.refusals", "start.mismatch-silent", "start.expired-silent")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_folder_is_taken_or_refused_in_the_same_words(lab: Lab, case: Case, tmp_path: Path) -> None:
    settings = {"path.data": str(tmp_path / "data"), **case.settings}
    config = write_node(tmp_path, settings, {"elasticsearch.keystore": keystore(case.secure), **case.files})
    case.change(config)
    causes = lab.refusal(config)
    if lab.name == "real" and case.name in UNSEEN:
        assert causes == []
    elif case.says:
        assert case.says.replace("{config}", str(config)) in [cause.message for cause in causes]
    else:
        assert causes == []


@proves("start.protected")
@pytest.mark.parametrize(("given", "opens"), [("store-pass", True), ("wrong", False), ("", False)])
def test_a_protected_keystore_opens_with_its_own_password_only(
    lab: Lab, tmp_path: Path, given: str, opens: bool
) -> None:
    settings = {"path.data": str(tmp_path / "data")}
    config = write_node(tmp_path, settings, {"elasticsearch.keystore": keystore(password="store-pass")})
    causes = lab.refusal(config, given)
    if opens:
        assert causes == []
    else:
        assert (causes[0].kind, causes[0].message) == (
            "java.lang.SecurityException",
            "Provided keystore password was incorrect",
        )


@proves("start.refusals")
def test_two_lines_for_one_setting_are_refused(lab: Lab, tmp_path: Path) -> None:
    config = write_node(tmp_path, {})
    (config / "elasticsearch.yml").write_text("node.name: a\nnode.name: b\n")
    causes = lab.refusal(config)
    assert causes[0].kind == "org.elasticsearch.common.settings.SettingsException"
    assert causes[0].message.startswith("Failed to load settings from [elasticsearch.yml]")


@proves("start.bootstrap-check")
def test_security_without_transport_tls_is_a_bootstrap_check(lab: Lab, tmp_path: Path) -> None:
    settings = folders.base("n1", **{"discovery.type": "single-node"})
    config = folders.write(tmp_path, settings, {"elasticsearch.keystore": keystore()})
    code, said = lab.enforced(config)
    assert code == 78
    assert "Transport SSL must be enabled if security is enabled. Please set [xpack.security.transport.ssl" in said
    assert "bootstrap checks failed. You must address the points described in the following" in said


@proves("start.keystore-raised", "start.seed-added")
def test_an_older_keystore_without_a_seed_is_rewritten_with_its_entries(secured: LabNode) -> None:
    content = (secured.config / "elasticsearch.keystore").read_bytes()
    entries = read_secure_settings(content, None, "").entries
    assert read_header(content, "").version == 7
    assert entries["bootstrap.password"] == b"changeme"
    assert len(entries["keystore.seed"]) == 20
    assert not (secured.config / "elasticsearch.keystore.tmp").exists()


@proves("start.keystore-made")
def test_a_missing_keystore_is_made_with_a_seed_and_mode_0660(unsecured: LabNode) -> None:
    path = unsecured.config / "elasticsearch.keystore"
    assert path.stat().st_mode & 0o777 == 0o660
    assert set(read_secure_settings(path.read_bytes(), None, "").entries) == {"keystore.seed"}
