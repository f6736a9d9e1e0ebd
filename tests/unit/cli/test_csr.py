"""`estui csr`: requests out and answers in; what is wrong stores nothing."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from estui.cli.output import Exit
from estui.formats import pem
from estui.observe.csr import read_answers, read_imported, read_sets
from estui.secret import Secret
from tests.corporate import Corporate, pem_of
from tests.unit.cli.conftest import Shell

WORDS = "correct horse battery staple"


@pytest.fixture
def asked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Requests of two nodes, exported."""
    shell.made()
    (shell.home / "passphrase").write_text(f"{WORDS}\n")
    monkeypatch.setenv("ESTUI_PASSPHRASE_FILE", str(shell.home / "passphrase"))
    assert shell.run("csr", "export", "--to", str(shell.home / "out")) == Exit.DONE, shell.err
    return shell


@pytest.fixture
def corporate() -> Corporate:
    return Corporate()


def answers(asked: Shell, corporate: Corporate, *stems: str, **otherwise: object) -> list[str]:
    """A bundle for each request, leaf and issuing CA, and last the root."""
    files = []
    for request in sorted((asked.home / "out").glob("*.csr")):
        if not stems or request.stem in stems:
            leaf = corporate.sign(request.read_bytes(), **otherwise)  # type: ignore[arg-type]
            request.with_suffix(".crt").write_bytes(pem_of(leaf, corporate.issuing))
            files.append(str(request.with_suffix(".crt")))
    (asked.home / "root.crt").write_bytes(pem_of(corporate.root))
    return [*files, "--ca", str(asked.home / "root.crt")]


def test_requests_leave_and_keys_stay_encrypted(asked: Shell) -> None:
    names = ["es-1-http", "es-1-transport", "es-2-http", "es-2-transport"]
    assert sorted(path.name for path in (asked.home / "out").iterdir()) == [f"{name}.csr" for name in names]
    (csr,) = read_sets(asked.workspace)
    folder = asked.workspace / "csr" / csr.id
    for name in names:
        request = x509.load_pem_x509_csr((asked.home / "out" / f"{name}.csr").read_bytes())
        content = (folder / f"{name}.key").read_bytes()
        assert pem.load_private_key(content, Secret(WORDS), name).public_key() == request.public_key()
        assert stat.S_IMODE((folder / f"{name}.key").stat().st_mode) == 0o600
    assert b"PRIVATE" not in (folder / "requests.json").read_bytes()
    assert "for es-1 transport: CN=es-1, ec-p256, serverAuth and clientAuth" in asked.out
    assert "keys stay in the workspace" in asked.err


def test_targets_layer_key_and_names_can_be_chosen(asked: Shell) -> None:
    to = asked.home / "more"
    options = ("--layer", "http", "--key", "rsa-2048", "--without", "localhost", "127.0.0.1")
    assert asked.run("csr", "export", "es-2", "--to", str(to), *options, "--json") == Exit.DONE
    made = json.loads(asked.out)
    assert made["files"] == [str(to / "es-2-http.csr")]
    request = x509.load_pem_x509_csr((to / "es-2-http.csr").read_bytes())
    assert request.public_key().key_size == 2048  # type: ignore[union-attr]
    names = request.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["es-2"]
    assert names.get_values_for_type(x509.IPAddress) == []


def test_nothing_is_written_over_and_no_set_is_made_then(asked: Shell) -> None:
    assert asked.run("csr", "export", "--to", str(asked.home / "out")) == Exit.USAGE
    assert len(read_sets(asked.workspace)) == 1
    assert asked.run("csr", "export", "es-9", "--to", str(asked.home / "new")) == Exit.FAILED
    assert "the inventory has no es-9" in asked.err


def test_answers_come_in_with_their_ca(asked: Shell, corporate: Corporate) -> None:
    assert asked.run("csr", "import", *answers(asked, corporate)) == Exit.DONE, asked.err
    assert "es-1 http: CN=es-1 of CA corporate through 1 intermediate, until" in asked.out
    leaves = read_imported(asked.workspace)
    assert {(each.target, each.set_name) for each in leaves} == {
        (node, layer) for node in ("es-1", "es-2") for layer in ("transport", "http")
    }
    assert {len(each.chain) for each in leaves} == {2}
    assert pem.load_certificates((asked.workspace / "ca/corporate/ca.crt").read_bytes(), "ca") == [corporate.root]
    assert not (asked.workspace / "ca/corporate/ca.key").exists()
    assert asked.run("csr", "list") == Exit.DONE
    assert asked.out.count("imported, until") == 4


def test_one_wrong_answer_stores_nothing_of_all(asked: Shell, corporate: Corporate) -> None:
    good = answers(asked, corporate)
    answers(asked, corporate, "es-2-transport", usages=["serverAuth"])
    assert asked.run("csr", "import", *good) == Exit.FAILED
    told = [line for line in asked.err.splitlines() if line.startswith("  - ")]
    assert len(told) == 1
    assert "es-2-transport.crt: es-2 transport: its extended key usage lacks clientAuth" in told[0]
    assert read_imported(asked.workspace) == ()
    assert not (asked.workspace / "ca").exists()


def test_what_the_library_refuses_is_told_too(asked: Shell) -> None:
    """Rules that no check here knows: a path that is longer than the CA above allows."""
    corporate = Corporate()
    below = Corporate(words="Below")
    below.__dict__["issuing"] = _below(corporate, below)
    files = answers(asked, below, "es-1-http")
    (asked.home / "between.crt").write_bytes(pem_of(corporate.issuing))
    (asked.home / "root.crt").write_bytes(pem_of(corporate.root))
    assert asked.run("csr", "import", *files, "--ca", str(asked.home / "between.crt")) == Exit.FAILED
    assert "es-1-http.crt: es-1 http: the chain of certificate CN=es-1 was refused" in asked.err


def _below(corporate: Corporate, below: Corporate) -> x509.Certificate:
    """A CA that was signed by one that may sign leaves only."""
    issuing = below.issuing
    builder = x509.CertificateBuilder(
        corporate.issuing.subject,
        issuing.subject,
        issuing.public_key(),
        7,
    )
    builder = builder.not_valid_before(issuing.not_valid_before_utc).not_valid_after(issuing.not_valid_after_utc)
    builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
    return builder.sign(corporate.issuing_key, hashes.SHA256())


def test_some_answers_now_and_the_others_later(asked: Shell, corporate: Corporate) -> None:
    assert asked.run("csr", "import", *answers(asked, corporate, "es-1-http")) == Exit.DONE
    assert "still without a certificate: es-1 transport, es-2 transport, es-2 http" in asked.err
    rest = ("es-1-transport", "es-2-http", "es-2-transport")
    assert asked.run("csr", "import", *answers(asked, corporate, *rest)) == Exit.DONE
    assert "still without" not in asked.err
    assert len(read_imported(asked.workspace)) == 4
    assert [path.name for path in (asked.workspace / "ca").iterdir()] == ["corporate"]


def test_a_certificate_that_was_issued_again_takes_the_place_of_the_first(asked: Shell, corporate: Corporate) -> None:
    assert asked.run("csr", "import", *answers(asked, corporate, "es-1-http")) == Exit.DONE
    first = read_imported(asked.workspace)
    assert asked.run("csr", "import", *answers(asked, corporate, "es-1-http")) == Exit.DONE
    second = read_imported(asked.workspace)
    assert len(second) == 1
    assert second[0].leaf.sha256 != first[0].leaf.sha256


def test_the_root_is_known_the_second_time(asked: Shell, corporate: Corporate) -> None:
    *files, _, _ = answers(asked, corporate, "es-1-http")
    assert asked.run("csr", "import", *files) == Exit.FAILED
    assert "whose issuer CN=Corp Root,O=Example is missing: give the root with --ca FILE" in asked.err
    assert asked.run("csr", "import", *answers(asked, corporate, "es-1-http")) == Exit.DONE
    assert asked.run("csr", "import", *files) == Exit.DONE


def test_a_chain_may_end_below_its_root_on_request(asked: Shell, corporate: Corporate) -> None:
    *files, _, _ = answers(asked, corporate, "es-1-http")
    assert asked.run("csr", "import", *files, "--partial-chain", "--name", "http") == Exit.USAGE
    assert "http is a name of estui's own CAs" in asked.err
    assert asked.run("csr", "import", *files, "--partial-chain", "--name", "issuing") == Exit.DONE
    assert "trust ends at the intermediate" in asked.out
    stored = pem.load_certificates((asked.workspace / "ca/issuing/ca.crt").read_bytes(), "ca")
    assert stored == [corporate.issuing]


def test_another_corporate_ca_gets_a_name_of_its_own(asked: Shell, corporate: Corporate) -> None:
    assert asked.run("csr", "import", *answers(asked, corporate, "es-1-http")) == Exit.DONE
    assert asked.run("csr", "import", *answers(asked, Corporate(words="Other"), "es-2-http")) == Exit.DONE
    assert {each.authority for each in read_imported(asked.workspace)} == {"corporate", "corporate-2"}


def test_an_import_that_was_cut_short_never_was(asked: Shell, corporate: Corporate) -> None:
    """Chains without the record of them are passed over, and the next import stores it all."""
    assert asked.run("csr", "import", *answers(asked, corporate)) == Exit.DONE
    (csr,) = read_sets(asked.workspace)
    (asked.workspace / "csr" / csr.id / "answers.json").unlink()
    assert read_answers(asked.workspace, csr.id).answers == ()
    assert read_imported(asked.workspace) == ()
    assert asked.run("csr", "list") == Exit.DONE
    assert asked.out.count("requested") == 4
    assert asked.run("csr", "import", *answers(asked, corporate)) == Exit.DONE
    assert len(read_imported(asked.workspace)) == 4


def test_a_folder_without_its_record_is_no_set(asked: Shell) -> None:
    (csr,) = read_sets(asked.workspace)
    (asked.workspace / "csr" / csr.id / "requests.json").unlink()
    assert read_sets(asked.workspace) == ()


def test_a_chain_that_was_swapped_is_told(asked: Shell, corporate: Corporate) -> None:
    assert asked.run("csr", "import", *answers(asked, corporate, "es-1-http")) == Exit.DONE
    (path,) = Path(asked.workspace, "csr").glob("*/es-1-http.*.crt")
    path.write_bytes(pem_of(corporate.root))
    assert asked.run("status") == Exit.FAILED
    assert "does not hold the leaf that was imported" in asked.err


def test_a_private_key_among_the_answers_is_refused(asked: Shell) -> None:
    (csr,) = read_sets(asked.workspace)
    key = asked.workspace / "csr" / csr.id / "es-1-http.key"
    assert asked.run("csr", "import", str(key)) == Exit.FAILED
    assert "holds a private key" in asked.err


def test_without_requests_there_is_nothing_to_answer(shell: Shell, corporate: Corporate) -> None:
    shell.made()
    (shell.home / "root.crt").write_bytes(pem_of(corporate.root))
    assert shell.run("csr", "import", str(shell.home / "root.crt")) == Exit.USAGE
    assert "estui csr export" in shell.err
    assert shell.run("csr", "list") == Exit.DONE
    assert "no requests were made yet" in shell.err


def test_the_plan_of_a_new_set_up_takes_what_was_imported(asked: Shell, corporate: Corporate) -> None:
    assert asked.run("csr", "import", *answers(asked, corporate)) == Exit.DONE
    assert asked.run("plan", "https", "--json") == Exit.PENDING
    changes = [change for stage in json.loads(asked.out)["stages"] for change in stage["changes"]]
    published = [change for change in changes if change["kind"] == "publish-set"]
    assert len(published) == 4
    assert all(change["imported"] and change["trust"] == ["corporate"] for change in published)
    assert asked.run("plan", "https") == Exit.PENDING
    assert "signed by corporate CA" in asked.out
