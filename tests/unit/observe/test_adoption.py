"""A bounded look for CAs that no yml names, and files that were given: what is opened, and what is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from estui.errors import EstuiError, StoreError, UsageError
from estui.formats.pem import certificate_pem, private_key_pem
from estui.model.adoption import FilePlace, FoundFile
from estui.observe import adoption
from estui.observe.adoption import all_passwords, look_for_authorities, read_authority_key, read_given
from estui.observe.folder import hanging_node
from estui.pki.keys import public_key_sha256
from estui.secret import Secret
from tests.unit.adoptable import stored, yml
from tests.unit.decide.samples import Lab
from tests.unit.pki.samples import authority, key, leaf

CA_PASS = Secret("ca-pass")


def found(lab: Lab, ca_password: Secret | None = None) -> dict[str, FoundFile]:
    """What a look finds, by name."""
    return {file.name: file for file in look_for_authorities(lab.look(up=False), ca_password=ca_password)}


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    return Lab(tmp_path).node("es-1", yml("es-1"))


def test_a_ca_lying_around_is_found_with_its_key(lab: Lab) -> None:
    for file in ("ca.crt", "ca.key"):
        lab.put("es-1", f"certs/ca/{file}", stored(f"certutil/ca-pem/ca/{file}"))
    lab.put("es-1", "elastic-stack-ca.p12", stored("certutil/elastic-stack-ca-empty.p12"))
    files = found(lab)
    assert set(files) == {"certs/ca/ca.crt", "certs/ca/ca.key", "elastic-stack-ca.p12"}
    assert files["certs/ca/ca.key"].keys == (files["certs/ca/ca.crt"].authorities[0].key_sha256,)
    assert files["certs/ca/ca.key"].clear
    assert files["elastic-stack-ca.p12"].keys == (files["elastic-stack-ca.p12"].authorities[0].key_sha256,)


def test_a_ca_store_opens_with_the_password_that_was_given_or_says_what_was_tried(tmp_path: Path) -> None:
    line = "xpack.security.http.ssl.keystore.password: old-words"
    lab = Lab(tmp_path).node("es-1", yml("es-1", "xpack.security.http.ssl.keystore.path: gone.p12", line))
    lab.put("es-1", "elastic-stack-ca.p12", stored("certutil/elastic-stack-ca.p12"))
    closed = found(lab)["elastic-stack-ca.p12"]
    assert closed.problem.startswith("wrong password")
    assert closed.tried == ("no password", "xpack.security.http.ssl.keystore.password")
    assert "--ca-password-file" in closed.hint
    opened = found(lab, CA_PASS)["elastic-stack-ca.p12"]
    assert (len(opened.keys), opened.problem, opened.clear) == (1, "", False)


def test_the_look_is_bounded(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two levels, own folder left out, no link out of the folder, no large file, so many files."""
    ca = certificate_pem(authority())
    for path in ("a/b/ca.crt", "certs/a/b/ca.crt", "estui/ca.crt", ".hidden/ca.crt", "ca.txt"):
        lab.put("es-1", path, ca)
    for path in ("a/ca.crt", "certs/a/ca.crt"):
        lab.put("es-1", path, ca)
    lab.put("es-1", "large-ca.pem", ca + b"\n" * adoption.LOOSE_LIMIT)
    (lab.folder("es-1") / "out-ca.crt").symlink_to("/etc/passwd")
    os.mkfifo(lab.folder("es-1") / "fifo-ca.crt")
    files = found(lab)
    read = {name for name, file in files.items() if file.authorities}
    assert read == {"a/ca.crt", "certs/a/ca.crt"}
    assert {name for name, file in files.items() if file.problem} == {"large-ca.pem", "out-ca.crt", "fifo-ca.crt"}
    monkeypatch.setattr(adoption, "MOST_FILES", 1)
    assert len(found(lab)) == 1


def test_leaves_keys_of_leaves_and_noise_are_no_matter(lab: Lab) -> None:
    lab.put("es-1", "certs/node.crt", certificate_pem(leaf()))
    lab.put("es-1", "certs/node.pem", certificate_pem(leaf()) + private_key_pem(key(100)))
    lab.put("es-1", "noise.pem", b"noise")
    lab.put("es-1", "truncated.crt", certificate_pem(leaf())[:200])
    assert found(lab) == {}


def test_a_jks_store_is_listed_whether_a_yml_names_it_or_not(tmp_path: Path) -> None:
    lab = Lab(tmp_path).node("es-1", yml("es-1", "xpack.security.transport.ssl.keystore.path: certs/node.jks"))
    lab.put("es-1", "certs/node.jks", stored("java/node.jks"))
    lab.put("es-1", "trust.jks", stored("java/trust.jks"))
    files = found(lab)
    assert set(files) == {"certs/node.jks", "trust.jks"}
    named = files["certs/node.jks"]
    assert (named.format, named.aliases) == ("JKS", ("node",))
    assert "keytool -importkeystore" in named.hint
    assert len(files["trust.jks"].aliases) == 1


def test_an_archive_that_was_not_unpacked_is_told(lab: Lab) -> None:
    lab.put("es-1", "elastic-stack-ca.zip", b"PK")
    lab.put("es-1", "plugins.zip", b"PK")
    assert set(found(lab)) == {"elastic-stack-ca.zip"}


def test_a_folder_that_could_not_be_read_before_is_not_asked_again(lab: Lab) -> None:
    """A dead mount hangs whoever asks it."""
    lab.put("es-1", "ca.crt", certificate_pem(authority()))
    observed = lab.look(up=False)
    hanging = replace(observed, nodes=(hanging_node(observed.nodes[0].entry, 1.0),))
    assert len(look_for_authorities(observed)) == 1
    assert look_for_authorities(hanging) == ()


def test_passwords_of_a_target_come_from_secure_settings_then_from_the_yml(tmp_path: Path) -> None:
    clear = "xpack.security.transport.ssl.keystore.password: in-clear"
    secure = {"xpack.security.http.ssl.keystore.secure_password": b"sealed", "bootstrap.password": b"no-store"}
    lab = Lab(tmp_path).node("es-1", yml("es-1", clear), secure=secure)
    lab.with_kibana("server.ssl.keyPassphrase: key-words\n", secure={"server.ssl.keystore.password": "store-words"})
    observed = lab.look(up=False)
    passwords = all_passwords(observed.nodes[0], None, CA_PASS)
    assert {name: value.reveal() for name, value in passwords.items()} == {
        "xpack.security.http.ssl.keystore.secure_password": "sealed",
        "xpack.security.transport.ssl.keystore.password": "in-clear",
        "--ca-password-file": "ca-pass",
    }
    assert set(all_passwords(observed.kibana[0], None, None)) == {
        "server.ssl.keystore.password",
        "server.ssl.keyPassphrase",
    }


# files that were given


def given(tmp_path: Path, **files: bytes) -> list[str]:
    paths = []
    for name, content in files.items():
        path = tmp_path / name.replace("__", ".")
        path.write_bytes(content)
        paths.append(str(path))
    return paths


def test_given_files_are_read_in_every_form(tmp_path: Path) -> None:
    ca, own = certificate_pem(authority()), private_key_pem(key())
    paths = given(tmp_path, ca__crt=ca, ca__key=own, both__pem=ca + own, a__p12=stored("certutil/elastic-stack-ca.p12"))
    files = read_given(paths, CA_PASS)
    assert [(len(file.authorities), len(file.keys)) for file in files] == [(1, 0), (0, 1), (1, 1), (1, 1)]
    assert all(file.given for file in files)


def test_of_a_nodes_store_only_the_ca_counts(tmp_path: Path) -> None:
    files = read_given(given(tmp_path, a__p12=stored("certutil/elastic-certificates-empty.p12")))
    assert [(len(file.authorities), file.keys) for file in files] == [(1, ())]


REFUSED: dict[str, tuple[bytes, str]] = {
    "empty.p12": (b"", "is empty"),
    "wrong.p12": (stored("certutil/elastic-stack-ca.p12"), "wrong password or damaged store"),
    "tail.pem": (certificate_pem(authority()) + b"garbage\n", "something follows its last PEM block"),
    "cut.pem": (certificate_pem(authority()) + b"-----BEGIN CERTIFICATE-----\nMII", "no END line"),
    "leaf.pem": (certificate_pem(leaf()), "holds no CA"),
    "store.jks": (stored("java/trust.jks"), "JKS"),
    "locked.key": (private_key_pem(key(), Secret("other")), "passphrase"),
    "locked.pem": (certificate_pem(authority()) + private_key_pem(key(), Secret("other")), "passphrase"),
    "noise.pem": (b"noise", "neither a certificate nor a key"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_given_file_that_cannot_be_used_is_refused_by_name(name: str, tmp_path: Path) -> None:
    content, words = REFUSED[name]
    (tmp_path / name).write_bytes(content)
    with pytest.raises(StoreError, match=words) as caught:
        read_given([str(tmp_path / name)], Secret("not-it"))
    assert name in "\n".join(caught.value.lines())
    assert "not-it" not in "\n".join(caught.value.lines())
    if "pass" in words:
        assert "--ca-password-file" in caught.value.hint


def test_a_given_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read_given([str(tmp_path / "gone.p12")])
    with pytest.raises(EstuiError, match="is a folder"):
        read_given([str(tmp_path)])


# keys


def test_the_key_of_a_ca_is_read_from_where_it_was_found_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "ca.p12"
    path.write_bytes(stored("certutil/elastic-stack-ca.p12"))
    wanted = read_given([str(path)], CA_PASS)[0].keys[0]
    place = FilePlace(str(path), "ca.p12")
    passwords = {"--ca-password-file": CA_PASS}
    assert public_key_sha256(read_authority_key(place, wanted, passwords)) == wanted
    with pytest.raises(StoreError, match="wrong password"):
        read_authority_key(place, wanted, {})
    with pytest.raises(StoreError, match="does not hold the key"):
        read_authority_key(place, "00", passwords)
    path.unlink()
    with pytest.raises(StoreError, match="not there any more"):
        read_authority_key(place, wanted, passwords)
