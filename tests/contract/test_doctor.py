"""What `estui doctor` calls fatal is what a node refuses, folder by folder: the table of `start_cases` against both."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from estui.decide.findings.registry import all_findings
from estui.engine.folders import folders_inventory, observe_folders
from estui.model.finding import Severity
from estui.model.version import Version
from tests.contract.behaviours import proves
from tests.contract.labs import Lab
from tests.contract.start_cases import BOTH, BOTH_PASSWORDS, CA, CASES, PEM, PEM_FILES, STORES, Case, H, T
from tests.contract.test_start import UNSEEN
from tests.unit.sandbox.makers import keystore, write_node

NOT_TOLD = {
    "unknown setting like nothing": "a plugin may own the name, and doctor does not see which ones are installed",
}
"""Refusals that doctor does not call fatal, and why; it warns all the same."""


BARE = serialization.BestAvailableEncryption(b"trust-pass")


def verdict(config: Path) -> dict[str, Severity]:
    """Rules that find something in the folder, each with the worst it says."""
    observed = observe_folders(folders_inventory([str(config)], Version(9, 1, 0)), network=False)
    found = all_findings(observed, datetime.now(UTC))
    return {each.rule: each.severity for each in reversed(found)}


MORE = [
    Case("unknown TLS setting", {**PEM, f"{T}.verification_mod": "full"}, "unknown setting", PEM_FILES),
    Case("mistyped setting", {"discovery.seed_host": "127.0.0.1"}, "unknown setting"),
    Case("mistyped secure setting", {}, "unknown secure setting", secure={f"{T}.keystore.secure_passwort": "x"}),
    Case("secure setting of a layer in the yml", {f"{H}.keystore.secure_password": "x"}, "is a secure setting"),
    Case("no boolean for a layer", {**PEM, f"{T}.enabled": "yes please"}, "Failed to parse value", PEM_FILES),
    Case(
        "a truststore without Java's attribute",
        {**BOTH, f"{T}.truststore.path": "bare.p12"},
        "does not contain any trusted certificate entries",
        {**STORES, "bare.p12": pkcs12.serialize_key_and_certificates(b"ca", None, CA.certificate, None, BARE)},
        BOTH_PASSWORDS,
    ),
]
"""Further folders: in which words they are refused is longer or differs, that they are does not."""


@proves("start.refusals")
@pytest.mark.parametrize("case", [*CASES, *MORE], ids=lambda case: case.name)
def test_doctor_calls_a_folder_fatal_exactly_where_the_node_refuses_it(lab: Lab, case: Case, tmp_path: Path) -> None:
    settings = {"path.data": str(tmp_path / "data"), **case.settings}
    config = write_node(tmp_path, settings, {"elasticsearch.keystore": keystore(case.secure), **case.files})
    case.change(config)
    told = verdict(config)  # before the node, which may rewrite its keystore
    refused = bool(lab.refusal(config)) or (lab.name == "real" and case.name in UNSEEN)
    fatal = sorted(rule for rule, severity in told.items() if severity is Severity.FATAL)
    if case.name in NOT_TOLD:
        assert refused
        assert fatal == []
        assert Severity.WARNING in told.values()
    else:
        assert bool(fatal) == refused, (
            f"doctor: {fatal or 'nothing fatal'}; the node {'refuses' if refused else 'starts'}"
        )
