"""elasticsearch.yml and friends: read, and edited without touching anything else."""

from __future__ import annotations

from pathlib import Path

import pytest

from estui.errors import SettingsError
from estui.formats.yml import Drop, Put, auto_configured, edit, parse_settings
from estui.model.setting import SettingValue

FIXTURES = Path(__file__).parents[2] / "fixtures" / "yml"
STOCK = ("elasticsearch-7.17.yml", "elasticsearch-8.yml", "elasticsearch-9.yml", "elasticsearch-docker.yml")


def fixture(name: str) -> bytes:
    return (FIXTURES / name).read_bytes()


def values(content: bytes) -> dict[str, SettingValue]:
    return {key: setting.value for key, setting in parse_settings(content, "x.yml").items()}


def failure(content: bytes) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        parse_settings(content, "x.yml")
    return caught.value


def changed(text: str, *edits: Put | Drop, heading: str = "") -> str:
    return edit(text.encode(), edits, "x.yml", heading).decode()


class TestReading:
    @pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "---\n", "--- # x\n", "\ufeff# c\r\n"])
    def test_a_file_without_settings_has_none(self, text: str) -> None:
        assert values(text.encode()) == {}

    def test_flat_nested_and_mixed_keys_are_the_same_settings(self) -> None:
        mixed = b"xpack.security:\n  http.ssl:\n    keystore.path: a\n    enabled: true\nnode.name: es-1\n"
        assert values(mixed) == {
            "xpack.security.http.ssl.keystore.path": "a",
            "xpack.security.http.ssl.enabled": True,
            "node.name": "es-1",
        }

    def test_a_line_is_that_of_the_key(self) -> None:
        settings = parse_settings(b"# c\r\n\r\na:\r\n  b:\r\n    - x\r\nc: |\r\n  text\r\nd: 1", "x.yml")
        assert {key: setting.line for key, setting in settings.items()} == {"a.b": 4, "c": 6, "d": 8}

    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("true", True), ("false", False), ("True", "True"), ("yes", "yes"), ("on", "on"),
            ("~", None), ("null", None), ("", None), ("'~'", "~"), ("'true'", "true"), ("!!str true", "true"),
            ("7", 7), ("-7", -7), ("0", 0), ("-0", "-0"), ("0123", "0123"), ("1_000", "1_000"), ("0x1F", "0x1F"),
            ("1.5", 1.5), ("9.10", "9.10"), ("1e5", "1e5"), ("12:30:00", "12:30:00"), ("2025-01-02", "2025-01-02"),
            ("9" * 30, "9" * 30), ("${HOSTNAME}", "${HOSTNAME}"), ("a  b", "a  b"), ("x" * 2000, "x" * 2000),
            ('"a\\tb\\u00e9"', "a\tbé"), ("[]", ()), ("[a, 1, ~]", ("a", 1, None)),
            ("[_local_, _site_]", ("_local_", "_site_")),
        ],
    )  # fmt: skip
    def test_only_canonical_values_are_more_than_text(self, written: str, value: SettingValue) -> None:
        found = values(f"key: {written}\n".encode())["key"]
        assert (type(found), found) == (type(value), value)

    def test_a_list_of_maps_is_flattened_by_position(self) -> None:
        settings = values(fixture("kibana.yml"))
        assert settings["logging.loggers.0.name"] == "http.server.response"
        assert settings["logging.loggers.0.appenders"] == ("file",)
        assert settings["logging.root.appenders"] == ("default", "file")
        assert settings["elasticsearch.hosts"] == ("http://es-1.example.net:9200", "http://es-3.example.net:9200")
        assert values(fixture("metricbeat.yml"))["processors.0.add_host_metadata"] is None

    def test_aliases_and_merges_are_followed(self) -> None:
        text = b"base: &b {x: 1, y: 2}\nother:\n  <<: *b\n  y: 3\nlist: [&n one, *n]\n"
        assert values(text) == {
            "base.x": 1, "base.y": 2, "other.y": 3, "other.x": 1, "list": ("one", "one"),
        }  # fmt: skip

    def test_a_tab_before_a_comment_is_fine(self) -> None:
        assert values(b"a: b\t# c\nd: e \t\n") == {"a": "b", "d": "e"}

    @pytest.mark.parametrize("name", [*STOCK, "elasticsearch-8-auto-configured.yml"])
    def test_only_a_whole_block_counts_as_auto_configured(self, name: str) -> None:
        content = fixture(name)
        assert auto_configured(content) == (name == "elasticsearch-8-auto-configured.yml")
        assert not auto_configured(content.replace(b"END SECURITY", b"END OF SECURITY"))

    def test_the_auto_configured_block_is_read(self) -> None:
        settings = values(fixture("elasticsearch-8-auto-configured.yml"))
        assert settings["xpack.security.http.ssl.keystore.path"] == "certs/http.p12"
        assert settings["xpack.security.transport.ssl.verification_mode"] == "certificate"
        assert settings["cluster.initial_master_nodes"] == ("es-1",)


class TestBrokenFiles:
    @pytest.mark.parametrize(
        ("content", "line", "words"),
        [
            (b"a: 1\n\tb: 2\n", 2, "tab"),
            (b"a:\n\tb: 2\n", 2, "tab"),
            (b"a: 1\nb: 'x'\t# SnakeYAML refuses it too\n", 2, "tab"),
            (b"a: b: c\n", 1, "not valid YAML"),
            (b"a: 1\nb: 'open\n", 3, "not valid YAML"),
            (b"a: 1\n- b\n", 2, "not valid YAML"),
            (b"a: 1\nb: \xff\n", 2, "UTF-8"),
            (b"a: 1\nb: x\0y\n", 2, "NUL"),
            (b"a: 1\nb: x\x07y\n", 2, "control character"),
            (b"- a\n", 1, "not a map"),
            (b"text\n", 1, "not a map"),
            (b"a: 1\n---\nb: 2\n", 2, "several YAML documents"),
            (b"[a]: 1\n", 1, "a key that is no text"),
            (b": 1\n", 1, "a key that is no text"),
            (b"a: 1\nb: *nowhere\n", 2, "without its anchor"),
            (b"a: 1\nb: &b [*b]\n", 2, "leads to itself"),
            (b"a: 1\nb:\n  <<: text\n", 3, "merges"),
            (b'a: "\\UFFFFFFFF"\n', None, "escape"),
            (b"a: " + b"[" * 70 + b"]" * 70, 1, "deeper"),
            (b"[" * 500_000, 1, "deeper"),
            (b"#" * (1 << 20) + b"#", None, "longer than 1 MiB"),
        ],
    )
    def test_one_error_tells_where_and_what_to_do(self, content: bytes, line: int | None, words: str) -> None:
        error = failure(content)
        assert words in error.summary
        assert error.hint
        assert error.location
        assert (error.location.path, error.location.line) == ("x.yml", line)

    @pytest.mark.parametrize("text", ["a.b: 1\nx: 1\na.b: 2\n", "a.b: 1\nx: 1\na:\n b: 2\n", "a:\n b: 1\n\na.b: 2\n"])
    def test_a_setting_that_is_set_twice_names_both_lines(self, text: str) -> None:
        error = failure(text.encode())
        assert error.location
        lines = [number for number, line in enumerate(text.splitlines(), 1) if "b:" in line]
        assert error.summary == f"set twice, in line {lines[0]} and in line {lines[1]}"
        assert (error.location.line, error.location.key) == (lines[1], "a.b")

    def test_the_same_map_twice_is_refused(self) -> None:
        assert "line 1 and in line 3" in failure(b"a:\n  b: 1\na:\n  c: 2\n").summary

    @pytest.mark.parametrize("leaf", ["[1, 1, 1]", "{x: {}, y: {}}"])
    def test_aliases_do_not_multiply_without_end(self, leaf: str) -> None:
        lines = [f"k0: &a0 {leaf}"]
        lines += [f"k{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
        assert "aliases multiply" in failure("\n".join(lines).encode()).summary

    def test_a_chain_of_aliases_is_no_way_around_the_depth(self) -> None:
        lines = ["k0: &a0 {x: 1}", *(f"k{n}: &a{n} {{n: *a{n - 1}}}" for n in range(1, 2000))]
        assert "aliases multiply" in failure("\n".join(lines).encode()).summary

    @pytest.mark.parametrize(
        "text", ["a: *hunter22\n", "a: 'hunter22", "a: !hunter22!x y", "a: hunter22: b", "a: @hunter22"]
    )
    def test_a_message_never_shows_a_value(self, text: str) -> None:
        assert "hunter22" not in "\n".join(failure(text.encode()).lines())


class TestPutting:
    @pytest.mark.parametrize("name", STOCK)
    def test_a_stock_file_gets_new_settings_at_its_end(self, name: str) -> None:
        content = fixture(name)
        after = edit(content, [Put("xpack.security.enabled", True), Put("node.roles", ("master",))], "x", "security")
        assert after == content + b'\n# security\nxpack.security.enabled: true\nnode.roles: ["master"]\n'

    def test_new_settings_stay_out_of_the_auto_configured_block(self) -> None:
        content = fixture("elasticsearch-8-auto-configured.yml")
        assert edit(content, [Put("a", 1, "why\nso")], "x") == content + b"\n# why\n# so\na: 1\n"

    def test_settings_in_the_auto_configured_block_change_where_they_stand(self) -> None:
        content = fixture("elasticsearch-8-auto-configured.yml")
        after = edit(content, [Put("xpack.security.http.ssl.keystore.path", "estui/http.p12")], "x")
        assert after == content.replace(b"certs/http.p12", b"estui/http.p12")

    @pytest.mark.parametrize(
        ("text", "value", "expected"),
        [
            ("a: old", "new", "a: new"),
            ("a:   old   # why", "new", "a:   new   # why"),
            ("a: 'old' # why", True, "a: true # why"),
            ('a: "old\n   text" # why\nb: 1\n', "new", "a: new # why\nb: 1\n"),
            ("a: old\n  text\nb: 1\n", "new", "a: new\nb: 1\n"),
            ("a:\n  old\nb: 1\n", "new", "a:\n  new\nb: 1\n"),
            ("a:\nb: 1\n", "new", "a: new\nb: 1\n"),
            ("a:    # why\nb: 1\n", "new", "a: new    # why\nb: 1\n"),
            ("a: ~ # why\n", "new", "a: new # why\n"),
            ("a: [x,\n  y]   # why\n", ("z",), 'a: ["z"]   # why\n'),
            ("a:\n  - x\n  - y\n", ("z",), 'a: ["z"]\n'),
            ("a:\n- x\n- y", "z", "a: z"),
            ("a: # why\r\n  - x # one\r\n\r\n  # - y\r\n  - z\r\n# b\r\nb: 1", ("q",),
             'a: ["q"] # why\r\n  # - y\r\n# b\r\nb: 1'),
            ("a:\n  - |\n    # in\n    text\n  - x\nb: 1\n", (), "a: []\nb: 1\n"),
            ("a: &l\n  - x\nb: 1\n", ("z",), 'a: ["z"]\nb: 1\n'),
            ("a: |  # why\n  x\n  y\n\n\nb: 1\n", "new", "a: new  # why\n\n\nb: 1\n"),
            ("a: >-\n  x\n  y", "new", "a: new"),
            ("a: !!str 12 # why\n", 12, "a: 12 # why\n"),
            ("b: &x 1\na: *x\n", 2, "b: &x 1\na: 2\n"),
            ("{a: old, b: 1}", "x, y", '{a: "x, y", b: 1}'),
            ("{a: , b: 1}", "https://x:1", '{a: "https://x:1" , b: 1}'),
            ('"a" : 1\n', 2, '"a" : 2\n'),
            ("a: 1\t# why\n", 2, "a: 2\t# why\n"),
            ("\ufeffa: 1\r\n", 2, "\ufeffa: 2\r\n"),
        ],
    )  # fmt: skip
    def test_a_value_changes_where_it_stands(self, text: str, value: SettingValue, expected: str) -> None:
        assert changed(text, Put("a", value)) == expected

    def test_a_value_in_a_list_of_maps_can_change(self) -> None:
        content = fixture("kibana.yml")
        after = edit(content, [Put("logging.loggers.0.level", "info")], "x")
        assert after == content.replace(b"level: debug", b"level: info")

    @pytest.mark.parametrize("text", ["a: new", "a: 'new'", 'a: "new" # x'])
    def test_a_value_that_is_there_is_not_respelled(self, text: str) -> None:
        assert changed(text, Put("a", "new")) == text

    def test_text_that_a_parser_takes_for_a_number_is_quoted(self) -> None:
        assert changed("a: 0123", Put("a", "0123")) == 'a: "0123"'

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", "new: x\n"),
            ("\n", "\nnew: x\n"),
            ("a: 1", "a: 1\n\nnew: x\n"),
            ("a: 1\n\n", "a: 1\n\nnew: x\n"),
            ("# c", "# c\n\nnew: x\n"),
            ("a: 1\r\nb: 2", "a: 1\r\nb: 2\r\n\r\nnew: x\r\n"),
            ("a: 1\n...\n# c\n", "a: 1\n\nnew: x\n...\n# c\n"),
            ("  a: 1\n  b: 2\n", "  a: 1\n  b: 2\n\n  new: x\n"),
            ("---\na: 1\n", "---\na: 1\n\nnew: x\n"),
            ("---", "---\n\nnew: x\n"),
            ("\ufeff# c\n", "\ufeff# c\n\nnew: x\n"),
            ("a: |\n  x", "a: |\n  x\n\nnew: x\n"),
            ("a: |+\n  x\n\n", "a: |+\n  x\n\nnew: x\n"),
            ("a:\n  - x", "a:\n  - x\n\nnew: x\n"),
        ],
    )
    def test_a_new_setting_follows_the_style_of_the_file(self, text: str, expected: str) -> None:
        assert changed(text, Put("new", "x")) == expected

    def test_a_strange_key_is_quoted(self) -> None:
        assert changed("", Put("a: b", 1), Put("on", 1)) == '"a: b": 1\n"on": 1\n'

    @pytest.mark.parametrize(
        ("value", "written"),
        [
            ("on", '"on"'), ("No", '"No"'), ("y", '"y"'), ("true", '"true"'), ("null", '"null"'), ("~", '"~"'),
            ("", '""'), ("0123", '"0123"'), ("0o17", '"0o17"'), ("0x1f", '"0x1f"'), ("1e5", '"1e5"'), ("1.", '"1."'),
            ("12:30:00", '"12:30:00"'), ("1_000", '"1_000"'), (".inf", '".inf"'), ("-Infinity", '"-Infinity"'),
            ("2025-01-02", '"2025-01-02"'), ("a: b", '"a: b"'), ("a:", '"a:"'), ("a #b", '"a #b"'), ("a#b", "a#b"),
            (" a", '" a"'), ("a ", '"a "'), ("*a", '"*a"'), ("&a", '"&a"'), ("!a", '"!a"'), ("%a", '"%a"'),
            ("@a", '"@a"'), ("`a", '"`a"'), ("- a", '"- a"'), ("---", '"---"'), ("...", '"..."'), ("=", '"="'),
            ("<<", '"<<"'), ("{a", '"{a"'), ("[::1]:9200", '"[::1]:9200"'), ("#a", '"#a"'), ("'a'", "\"'a'\""),
            ('a"b', 'a"b'), ("a\nb", '"a\\nb"'), ("a\tb", '"a\\tb"'), ("\\", "\\"), ("\x00\x1b", '"\\x00\\x1B"'),
            ("\ufeff", '"\\uFEFF"'), ("\u2028x\\", '"\\u2028x\\\\"'), ("\U000e0001", '"\\U000E0001"'), ("é", "é"),
            ("${A}", "${A}"), ("10.0.0.1", "10.0.0.1"), ("https://es-1:9200", "https://es-1:9200"), ("30d", "30d"),
            ("certs/http.p12", "certs/http.p12"), ("/etc/a b.crt", "/etc/a b.crt"), ("C:\\certs", "C:\\certs"),
            (("a", 1, None, True), '["a", 1, null, true]'), ((), "[]"), (None, "null"), (1.5, "1.5"),
        ],
    )  # fmt: skip
    def test_a_value_is_quoted_only_where_a_parser_needs_it(self, value: SettingValue, written: str) -> None:
        assert changed("", Put("a", value)) == f"a: {written}\n"


class TestDropping:
    @pytest.mark.parametrize(
        ("text", "keys", "expected"),
        [
            ("a: 1\nb: 2\n", "a", "b: 2\n"),
            ("b: 2\na: 1 # c", "a", "b: 2\n"),
            ("# c\na: 1\n# d\n", "a", "# c\n# d\n"),
            ("a:\nb: 1\n", "a", "b: 1\n"),
            ("a:\n  - x # x\n  - y\n\nb: 1\n", "a", "\nb: 1\n"),
            ("a:\n- x\n# c\n- y\nb: 1\n", "a", "# c\nb: 1\n"),
            ("a: |\n  x\n\n  # y\n\nb: 1\n", "a", "\nb: 1\n"),
            ('a: "x\n  y"\nb: 1\n', "a", "b: 1\n"),
            ("a: [x,\n  y]\nb: 1\n", "a", "b: 1\n"),
            ("s:\n  # c\n  a: 1\n  b: 2\n", "s.a", "s:\n  # c\n  b: 2\n"),
            ("s:\n  # c\n  a: 1\n\n  b: 2\nx: 3\n", "s.a s.b", "  # c\n\nx: 3\n"),
            ("r:\n  s:\n    a: 1\n  t: 1\n", "r.s.a", "r:\n  t: 1\n"),
            ("r: # c\r\n  s:\r\n    a: 1\r\nt: 1", "r.s.a", "t: 1"),
            ("r: {s: {a: 1}, t: 1}\n", "r.s.a", "r: {t: 1}\n"),
            ("s: {a: 1, b: 2, c: 3}\n", "s.a", "s: {b: 2, c: 3}\n"),
            ("s: {a: 1, b: 2, c: 3}\n", "s.b", "s: {a: 1, c: 3}\n"),
            ("s: {a: 1, b: 2, c: 3}\n", "s.c", "s: {a: 1, b: 2}\n"),
            ("s: {a: 1, b: 2, c: 3}\n", "s.a s.c", "s: {b: 2}\n"),
            ("s: {a: 1, b: , c: [3]}\n", "s.b s.c", "s: {a: 1}\n"),
            ("s: {a: 1, b: 2}\nx: 1\n", "s.a s.b", "x: 1\n"),
            ("{a: 1, b: 2}", "a b", "{}"),
            ("s:\n  a: 1\n  e: {}\n", "s.a", "s:\n  e: {}\n"),
            ("a: 1\n", "nowhere", "a: 1\n"),
        ],
    )
    def test_an_entry_goes_with_its_lines_and_the_maps_it_leaves_empty(
        self, text: str, keys: str, expected: str
    ) -> None:
        assert changed(text, *map(Drop, keys.split())) == expected

    def test_everything_at_once(self) -> None:
        text = "  s:\n    a: 1\n    b: [x]\n  # c\n  t: old # t"
        after = changed(text, Drop("s.b"), Put("new", "x"), Put("t", "new"), Drop("s.a"), heading="h")
        assert after == "  # c\n  t: new # t\n\n  # h\n  new: x\n"

    def test_dropping_from_the_block_keeps_its_markers(self) -> None:
        content = fixture("elasticsearch-8-auto-configured.yml")
        http = [Drop("xpack.security.http.ssl.enabled"), Drop("xpack.security.http.ssl.keystore.path")]
        after = edit(content, [*http, Drop("cluster.initial_master_nodes")], "x")
        assert auto_configured(after)
        gone = set(content.splitlines()) - set(after.splitlines())
        assert gone == {
            b"xpack.security.http.ssl:", b"  keystore.path: certs/http.p12", b'cluster.initial_master_nodes: ["es-1"]',
        }  # fmt: skip


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "wanted", "words"),
        [
            ("? a\n: 1\n", Drop("a"), "? key"),
            ("b: &x\n  k: 1\na: *x\n", Put("a.k", 2), "alias"),
            ("b: &x\n  k: 1\na: *x\n", Drop("a.k"), "alias"),
            ("b: &x\n  k: 1\na: *x\n", Put("b.k", 2), "would not say"),
            ("b: &x 1\na: *x\n", Put("b", 2), "would be broken"),
            ("- a", Put("b", 2), "not a map"),
            ("{b: 1}", Put("a", 2), "braces"),
            ("l:\n  - k: 1\n    m: 2\n", Drop("l.0.k"), "inside a list"),
            ("l: [[1], [2]]\n", Drop("l.0"), "inside a list"),
            ("s:\n  a: 1\n", Put("s", 2), "is a map"),
            ("s:\n  a: 1\n", Drop("s"), "is a map"),
            ("s: {}\n", Put("s", 2), "would be broken"),
            ("s: {a}\n", Put("s.a", 2), "would"),
        ],
    )
    def test_what_cannot_be_edited_safely_is_refused(self, text: str, wanted: Put | Drop, words: str) -> None:
        with pytest.raises(SettingsError) as caught:
            changed(text, wanted)
        assert words in caught.value.summary
        assert caught.value.hint
        assert caught.value.location

    def test_one_setting_is_asked_for_once(self) -> None:
        with pytest.raises(SettingsError, match="asked for twice"):
            changed("", Put("a", 1), Drop("a"))


MODULES = b"""# Module: elasticsearch
- module: elasticsearch   # of this host
  xpack.enabled: true
  hosts: ["http://localhost:9200"]
  #username: "user"

- module: kibana
  hosts:
    - "localhost:5601"
"""


def test_a_list_at_the_top_is_read_below_a_name_and_edited_in_place() -> None:
    """As in the `modules.d` of Beats; a new setting stands behind the first one of its map, and nothing else moves."""
    found = parse_settings(MODULES, "m.yml", "modules")
    assert found["modules.1.module"].value == "kibana"
    edits = [
        Put("modules.0.hosts", ("https://localhost:9200",)),
        Put("modules.0.ssl.certificate_authorities", ("/etc/x/ca.crt",)),
        Put("modules.0.username", "m"),
        Put("modules.1.protocol", "https"),
    ]
    result = edit(MODULES, edits, "m.yml", "heading", "modules")
    assert result == (
        MODULES.replace(b'["http://localhost:9200"]', b'["https://localhost:9200"]')
        .replace(b"of this host\n", b'of this host\n  ssl.certificate_authorities: ["/etc/x/ca.crt"]\n  username: m\n')
        .replace(b"- module: kibana\n", b"- module: kibana\n  protocol: https\n")
    )
    with pytest.raises(SettingsError, match="not a map of settings"):
        parse_settings(MODULES, "m.yml")
