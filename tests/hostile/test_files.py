"""Hostile files cost bounded time and memory, and end in one error of what, where and what to do."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from estui.errors import EstuiError, SettingsError, StoreError
from estui.formats import ber, der, es_keystore, jks, kibana_keystore, pem
from estui.formats.derivations import MOST_ROUNDS, check_rounds
from estui.formats.inventory import parse_inventory
from estui.formats.pkcs12 import read_pkcs12
from estui.formats.yml import parse_settings
from estui.model.inventory import NodeEntry
from estui.model.observed import FileKind
from estui.observe.files import follow, read_state
from estui.observe.folder import observe_node_folder
from estui.pki.facts import certificate_facts
from estui.secret import Secret
from tests.unit.observe.servers import Ca, Leaf

PASSWORD = Secret("changeme")
CERTIFICATES, KEY, MAC = range(3)
SECONDS, MEGABYTES = 20.0, 200
"""Of processor time, in which the machine's other work does not count; what is promised is a second or two."""


@contextmanager
def bounded() -> Iterator[None]:
    """Fails where what is inside takes too long, or too much memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    begin = time.process_time()
    yield
    took = time.process_time() - begin
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    assert took < SECONDS, f"{took:.1f} s"
    assert grown < MEGABYTES, f"{grown} MB"


@pytest.fixture(scope="module")
def leaf() -> Leaf:
    return Ca.create().issue("es-1")


@pytest.fixture(scope="module")
def store(leaf: Leaf) -> bytes:
    """A store whose two encryptions ask for 3,001 rounds each, a number that is easily found in it."""
    encryption = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(3001)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(PASSWORD.encode())
    )
    assert isinstance(leaf.key, ec.EllipticCurvePrivateKey)
    return pkcs12.serialize_key_and_certificates(b"http", leaf.key, leaf.certificate, [], encryption)


def asking_for(store: bytes, rounds: int, place: int) -> bytes:
    """The store with another count in one of its places, and every length around it right again."""
    if place == MAC:
        version, safe, mac = der.parse_value(store).children()
        digest, salt = mac.children()[:2]
        again = der.encode(der.SEQUENCE, digest.whole, salt.whole, _number(rounds))
        return der.encode(der.SEQUENCE, version.whole, safe.whole, again)
    return _changed(store, der.encode(der.INTEGER, (3001).to_bytes(2, "big")), _number(rounds), place)


def _number(value: int) -> bytes:
    return der.encode(der.INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _changed(content: bytes, old: bytes, new: bytes, place: int) -> bytes:
    """A walk that builds everything anew around the value that is found for the `place`-th time."""
    seen = 0

    def rebuilt(value: der.Tlv) -> bytes:
        nonlocal seen
        if value.whole == old:
            seen += 1
            return new if seen == place + 1 else old
        if value.tag & 0x20 or value.tag == der.OCTET_STRING:
            try:
                inner = der.parse_values(value.content)
            except der.DerError:
                return value.whole
            return der.encode(value.tag, *(rebuilt(each) for each in inner))
        return value.whole

    changed = rebuilt(der.parse_value(content))
    assert seen > place, "there is no such place"
    return changed


@pytest.mark.parametrize("place", [CERTIFICATES, KEY, MAC])
@pytest.mark.parametrize("rounds", [2**31 - 1, 2**31, 2**63])
def test_a_store_that_asks_for_billions_of_iterations_is_refused_before_any_is_done(
    store: bytes, rounds: int, place: int
) -> None:
    assert len(read_pkcs12(store, PASSWORD, "http.p12").keys) == 1
    with bounded(), pytest.raises(StoreError, match="far more key derivation") as told:
        read_pkcs12(asking_for(store, rounds, place), PASSWORD, "http.p12")
    assert told.value.hint
    assert str(told.value).startswith("http.p12: ")


def test_many_small_counts_are_added_up(store: bytes) -> None:
    many = der.encode(der.SEQUENCE, *[asking_for(store, MOST_ROUNDS // 10, KEY)] * 11)
    with bounded(), pytest.raises(StoreError, match="far more key derivation"):
        check_rounds("http.p12", many)


def test_an_iteration_count_inside_what_is_encrypted_is_found(leaf: Leaf, store: bytes) -> None:
    """Only who knows the password can put one there, and who can write the folder may know it."""
    from estui.formats import pbes2
    from estui.formats.pkcs12_bags import _clear_contents, check_work

    bags = [each for each in _clear_contents(asking_for(store, 2**31, KEY), PASSWORD) if each is not None]
    algorithm = der.parse_value(pbes2.seal_key(b"x", PASSWORD, salt=bytes(16), iv=bytes(16))).child(0, der.SEQUENCE)
    sealed = pbes2.encrypt(algorithm, bags[-1], PASSWORD)
    assert sealed is not None
    info = der.encode(der.SEQUENCE, _oid("2a864886f70d010701"), algorithm.whole, der.encode(0x80, sealed))
    envelope = der.encode(der.SEQUENCE, _number(0), info)
    encrypted = der.encode(der.SEQUENCE, _oid("2a864886f70d010706"), der.encode(0xA0, envelope))
    safe = der.encode(der.OCTET_STRING, der.encode(der.SEQUENCE, encrypted))
    outer = der.encode(
        der.SEQUENCE,
        _number(3),
        der.encode(der.SEQUENCE, _oid("2a864886f70d010701"), der.encode(0xA0, safe)),
    )
    check_rounds("http.p12", outer)  # nothing to be seen from outside
    with bounded(), pytest.raises(StoreError, match="far more key derivation"):
        check_work(outer, PASSWORD, "http.p12")


def _oid(number: str) -> bytes:
    return der.encode(der.OID, bytes.fromhex(number))


def test_an_encrypted_key_that_asks_for_billions_of_iterations_is_refused(leaf: Leaf) -> None:
    sealed = pem.split_pem(pem.private_key_pem(leaf.key, PASSWORD), "x")[0].der
    hostile = _changed(sealed, _number(2048), _number(2**31), 0)
    with bounded(), pytest.raises(StoreError, match="far more key derivation"):
        pem.parse_private_key(hostile, PASSWORD, "node.key")


def test_scrypt_that_wants_all_memory_is_refused() -> None:
    numbers = der.encode(der.SEQUENCE, der.encode(der.OCTET_STRING, bytes(16)), *map(_number, (2**40, 8, 1)))
    kdf = der.encode(der.SEQUENCE, _oid("2b06010401da47040b"), numbers)
    with bounded(), pytest.raises(StoreError, match="far more key derivation"):
        check_rounds("node.key", der.encode(der.SEQUENCE, kdf))


def test_an_initialisation_vector_of_a_wrong_length_is_damage_and_no_panic(leaf: Leaf) -> None:
    """Found by fuzzing: cryptography 50 ends in a PanicException, which is no Exception."""
    sealed = pem.split_pem(pem.private_key_pem(leaf.key, PASSWORD), "x")[0].der
    found = _ivs(der.parse_value(sealed))
    hostile = _changed(sealed, found, der.encode(der.OCTET_STRING, bytes(3)), 0)
    with pytest.raises(StoreError, match="impossible length"):
        pem.parse_private_key(hostile, PASSWORD, "node.key")


def _ivs(value: der.Tlv) -> bytes:
    scheme = value.child(0, der.SEQUENCE).child(1, der.SEQUENCE).child(1, der.SEQUENCE)
    return scheme.child(1, der.OCTET_STRING).whole


def test_a_store_in_ber_is_read_without_a_line_on_the_screen(store: bytes, recwarn: pytest.WarningsRecorder) -> None:
    """Bouncy Castle writes open lengths; cryptography warns of them on standard error, over the TUI."""
    content = der.parse_value(store).content
    read = read_pkcs12(b"\x30\x80" + content + b"\0\0", PASSWORD, "http.p12")
    assert [entry.alias for entry in read.keys] == ["http"]
    assert not recwarn.list


def test_an_open_length_hides_no_iteration_count(store: bytes) -> None:
    hostile = der.parse_value(asking_for(store, 2**31, MAC)).content
    with bounded(), pytest.raises(StoreError, match="far more key derivation"):
        read_pkcs12(b"\x30\x80" + hostile + b"\0\0", PASSWORD, "http.p12")


# shapes


def test_an_endless_object_identifier_is_refused_at_once() -> None:
    """Its numbers take time that grows with the square of their length."""
    value = der.parse_value(der.encode(der.OID, b"\xff" * (1 << 20) + b"\1"))
    with bounded(), pytest.raises(der.DerError, match="too long"):
        _ = value.oid


@pytest.mark.parametrize("parse", [der.parse_values, ber.parse_values])
def test_millions_of_empty_values_are_refused(parse: Callable[[bytes], object]) -> None:
    with bounded(), pytest.raises(der.DerError, match="too many"):
        parse(b"\5\0" * der.MOST_VALUES * 2)


def test_deep_nesting_is_refused() -> None:
    with bounded(), pytest.raises(der.DerError):
        ber.parse_values(b"\x30\x80" * 100_000)


def test_a_bundle_of_ten_thousand_certificates_is_read_in_time(leaf: Leaf) -> None:
    """Ten thousand of one: the CA bundle of a whole company is a hundredth of it."""
    content = leaf.ca.pem * 10_000
    with bounded():
        found = pem.load_certificates(content, "ca.crt")
        assert len(found) == 10_000
        assert len({certificate_facts(each).sha256 for each in found}) == 1


def test_a_million_blocks_that_never_end_are_refused_in_time() -> None:
    with bounded(), pytest.raises(StoreError, match="no END line"):
        pem.split_pem(b"-----BEGIN CERTIFICATE-----\n" * 200_000, "ca.crt")


@pytest.mark.parametrize(
    "content",
    [
        b"\xfe\xed\xfe\xed" + (2).to_bytes(4, "big") + b"\xff" * 200,
        b"\xfe\xed\xfe\xed\0\0\0\2\0\0\x27\x10" + b"\0\0\0\2\xff\xff" * 10,
        b"\xce\xce\xce\xce\0\0\0\2\0\0\0\1\0\0\0\1\0\1a" + bytes(8) + b"\xff\xff\xff\xff",
    ],
)
def test_a_jks_store_with_lying_lengths_is_refused(content: bytes) -> None:
    with bounded(), pytest.raises(StoreError, match="damaged"):
        jks.read_jks(content, "trust.jks")


@pytest.mark.parametrize("version", [3, 5, 7])
@pytest.mark.parametrize("length", [2**31 - 1, -1, -(2**31), 0])
def test_a_keystore_with_lying_lengths_is_refused(version: int, length: int) -> None:
    import zlib

    content = es_keystore.write_secure_settings(
        {"keystore.seed": b"x"}, version=version, password=None, salt=bytes(64), iv=bytes(12)
    )
    order = es_keystore._byte_order(version)
    at = es_keystore._BODY - 4
    body = (content[:at] + length.to_bytes(4, order, signed=True) + content[at + 4 :])[:-8]
    with bounded(), pytest.raises(StoreError, match="damaged"):
        es_keystore.read_secure_settings(body + zlib.crc32(body).to_bytes(8, "big"), None, "elasticsearch.keystore")


def test_a_kibana_keystore_without_end_is_refused() -> None:
    with bounded(), pytest.raises(StoreError):
        kibana_keystore.read_kibana_keystore(b"1:" + b"A" * (8 << 20), None, "kibana.keystore")


# yml

BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(9)
)
YML = {
    "alias bomb": (BOMB, "aliases multiply"),
    "merge bomb": (
        b"m0: &m0 {k: v}\n"
        + b"".join(b"m%d: &m%d {a: {<<: *m%d}, b: {<<: *m%d}}\n" % (n, n, n - 1, n - 1) for n in range(1, 30)),
        "aliases multiply",
    ),
    "alias to itself": (b"a: &a [*a]\n", "leads to itself"),
    "deep": (b"a: " + b"[" * 50_000, "nested deeper"),
    "deep blocks": (b"".join(b" " * n + b"a:\n" for n in range(900)), "nested deeper"),
    "NUL": (b"cluster.name: a\0b\n", "NUL"),
    "UTF-16": ("cluster.name: lab\n".encode("utf-16"), "UTF-8"),
    "Latin-1": ("cluster.name: Süd\n".encode("latin-1"), "UTF-8"),
    "half a character": (b'a: "\\ud800"\n', "half a character"),
    "no character": (b'a: "\\UFFFFFFFF"\n', "no character"),
    "control character": (b"a: b\x1b[2J\n", "control character"),
    "a megabyte in a line": (b"a: " + b"x" * (2 << 20), "longer than"),
    "many keys": (b"".join(b"k%d: v\n" % n for n in range(51_000)), "more than"),
}


@pytest.mark.parametrize("name", YML)
def test_a_hostile_yml_ends_in_one_error(name: str) -> None:
    content, words = YML[name]
    with bounded(), pytest.raises(SettingsError, match=words) as told:
        parse_settings(content, "elasticsearch.yml")
    _check_told(told.value, "elasticsearch.yml")


@pytest.mark.parametrize("name", ["alias bomb", "NUL", "UTF-16", "control character", "half a character"])
def test_a_hostile_inventory_ends_in_one_error(name: str) -> None:
    with bounded(), pytest.raises(SettingsError) as told:
        parse_inventory(YML[name][0], "estui.yaml", "/w")
    _check_told(told.value, "estui.yaml")


def _check_told(error: SettingsError, path: str) -> None:
    """What, where, what to do; and nothing that a terminal would act on."""
    assert error.location is not None
    assert error.location.path == path
    assert error.hint
    assert all(line.isprintable() for line in error.lines())


def test_a_line_of_a_gigabyte_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elasticsearch.yml").touch()
    os.truncate(tmp_path / "elasticsearch.yml", 1 << 30)
    with bounded():
        node = observe_node_folder(NodeEntry(str(tmp_path)), folder="estui", keystore_password=None, digest_key=b"k")
    assert any("larger than" in str(problem) for problem in node.problems)


# names that lead out of the folder


@pytest.mark.parametrize("name", ["../../../etc/shadow", "/etc/shadow", "certs/../../../../etc/shadow"])
def test_a_yml_that_names_a_file_elsewhere_reads_nothing_there(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    layers = "".join(
        f"xpack.security.{layer}.ssl:\n  enabled: true\n  certificate: {name}\n  key: {name}\n"
        f"  certificate_authorities: [{name}]\n"
        for layer in ("transport", "http")
    )
    (folder / "elasticsearch.yml").write_text(f"xpack.security.enabled: true\n{layers}")
    opened: list[str] = []
    real = os.open

    def noted(path: str | os.PathLike[str], *given: int, **named: int) -> int:
        opened.append(os.path.realpath(path))
        return real(path, *given, **named)

    monkeypatch.setattr(os, "open", noted)
    node = observe_node_folder(NodeEntry(str(folder)), folder="estui", keystore_password=None, digest_key=b"k")
    assert opened
    assert not [path for path in opened if not path.startswith(str(folder))]
    assert all(disk.problem and "root" not in disk.problem for disk in node.disk.values())


def test_a_link_out_of_the_folder_is_told_and_not_followed(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    folder.mkdir()
    (folder / "node.crt").symlink_to("/etc/passwd")
    found = follow(folder, "node.crt")
    assert found.problem
    assert b"root:" not in found.state.content


def test_a_name_that_turns_into_a_link_while_it_is_read_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The race between looking and opening: the name is a file at first, and a link out of the folder then."""
    secret = tmp_path / "secret"
    secret.write_text("of somebody else")
    name = tmp_path / "node.key"
    name.write_text("own")
    real = os.open

    def swapped(path: str | os.PathLike[str], *given: int, **named: int) -> int:
        if str(path) == str(name) and not name.is_symlink():
            name.unlink()
            name.symlink_to(secret)
        return real(path, *given, **named)

    monkeypatch.setattr(os, "open", swapped)
    state = read_state(name)
    assert name.is_symlink()
    assert state.content == b""
    assert state.error


def test_a_folder_that_turns_into_a_link_receives_nothing(tmp_path: Path) -> None:
    """Writes go name by name through opened folders, none of which may be a link."""
    from estui.act.fs import Owner, RealFs

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "config"
    root.mkdir()
    (root / "estui").symlink_to(elsewhere)
    with pytest.raises(EstuiError):
        RealFs().create(str(root), "estui/node.key", b"key", 0o600, Owner())
    with pytest.raises(EstuiError):
        RealFs().create(str(root), "../elsewhere/node.key", b"key", 0o600, Owner())
    assert not list(elsewhere.iterdir())


def test_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "node.key")
    (tmp_path / "node.crt").symlink_to("/dev/zero")
    with bounded():
        assert read_state(tmp_path / "node.key").kind is FileKind.OTHER
        assert follow(tmp_path, "node.crt").problem
