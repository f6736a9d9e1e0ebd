"""Whatever a yml looks like, an edit changes what was asked for and leaves the rest alone."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from estui.errors import EstuiError, SettingsError
from estui.formats.inventory import parse_inventory, write_inventory
from estui.formats.yml import Drop, Put, edit, parse_settings
from estui.formats.yml_scalar import needs_quotes, spell
from estui.model.inventory import (
    Address,
    BeatEntry,
    Commands,
    CredentialFiles,
    Inventory,
    KeyType,
    KibanaEntry,
    Limits,
    NodeEntry,
    Policy,
    StoreFormat,
)
from estui.model.setting import SettingValue
from estui.model.version import Version

RELAXED = settings(deadline=None, max_examples=80, suppress_health_check=[HealthCheck.too_slow])
"""Generated files take their time on a busy machine."""
BOM = b"\xef\xbb\xbf"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
TRICKY = st.sampled_from(["on", "No", "0123", "1e5", "12:30:00", "~", "", "a: b", "a #b", "- x", "'", '"', "=", "0x1"])
SCALARS = st.one_of(
    st.booleans(), st.integers(-(10**17), 10**17), st.sampled_from([1.5, -0.25]), TEXT, TRICKY, st.none()
)
VALUES: st.SearchStrategy[SettingValue] = st.one_of(SCALARS, st.lists(SCALARS, max_size=3).map(tuple))
PARTS = st.sampled_from(["xpack", "security", "http", "ssl", "enabled", "keystore", "path", "node"])


def comment(draw: st.DrawFn, indent: str) -> list[str]:
    return draw(st.sampled_from([[], [], [""], [f"{indent}# a comment: 1"], ["#x: y"], ["", "  # odd", ""]]))


def value_lines(draw: st.DrawFn, key: str, value: SettingValue, indent: str) -> list[str]:
    """One setting in one of the ways to write it."""
    space = draw(st.sampled_from([" ", "    "]))
    tail = draw(st.sampled_from(["", "   # why: not"]))
    if isinstance(value, tuple) and value and draw(st.booleans()):
        deeper = indent + draw(st.sampled_from(["", "  ", "     "]))
        items = [f"{deeper}- {spell(item)}{draw(st.sampled_from(['', ' # one']))}" for item in value]
        if draw(st.booleans()):
            items.insert(1, f"{deeper}# - gone")
        return [f"{indent}{key}:{tail}", *items]
    if isinstance(value, str) and "\n" not in value and draw(st.booleans()) and value.isprintable():
        return [f"{indent}{key}:{space}'" + value.replace("'", "''") + f"'{tail}"]
    return [f"{indent}{key}:{space}{spell(value)}{tail}"]


def map_lines(draw: st.DrawFn, prefix: str, indent: str, depth: int, found: dict[str, SettingValue]) -> list[str]:
    """Lines of one map, nested, flat or mixed; `found` collects its settings."""
    lines: list[str] = []
    for name in draw(st.lists(PARTS, min_size=1, max_size=4, unique=True)):
        key = name + draw(st.sampled_from(["", "", f".{draw(PARTS)}"]))
        whole = prefix + key
        if any(other == whole or other.startswith(f"{whole}.") or whole.startswith(f"{other}.") for other in found):
            continue
        lines += comment(draw, indent)
        kind = draw(st.sampled_from(["value", "value", "map", "flow"])) if depth < 3 else "value"
        if kind == "map":
            inner: dict[str, SettingValue] = {}
            below = map_lines(draw, f"{whole}.", indent + draw(st.sampled_from([" ", "  ", "    "])), depth + 1, inner)
            found |= inner
            lines += [f"{indent}{key}:", *below]
        elif kind == "flow":
            values = draw(st.dictionaries(PARTS, VALUES, min_size=1, max_size=3))
            found |= {f"{whole}.{part}": value for part, value in values.items()}
            pairs = ", ".join(f"{part}: {spell(value, in_flow=True)}" for part, value in values.items())
            lines.append(f"{indent}{key}: {{{pairs}}}")
        else:
            found[whole] = draw(VALUES)
            lines += value_lines(draw, key, found[whole], indent)
    return lines


@dataclass(frozen=True)
class File:
    """A generated file and what it says."""

    content: bytes
    values: dict[str, SettingValue]


@st.composite
def files(draw: st.DrawFn) -> File:
    values: dict[str, SettingValue] = {}
    lines = map_lines(draw, "", draw(st.sampled_from(["", "", "  "])), 0, values) if draw(st.booleans()) else []
    lines = [*draw(st.sampled_from([[], ["# head"], ["---"]])), *lines, *comment(draw, "")]
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    text = newline.join(lines) + draw(st.sampled_from([newline, ""]))
    return File(draw(st.sampled_from([b"", BOM])) + text.encode(), values)


def read(content: bytes) -> dict[str, SettingValue]:
    return {key: setting.value for key, setting in parse_settings(content, "x.yml").items()}


def typed(values: dict[str, SettingValue]) -> str:
    return repr(sorted(values.items()))


@RELAXED
@given(files())
def test_every_form_of_a_file_is_read_alike(file: File) -> None:
    assert typed(read(file.content)) == typed(file.values)


@RELAXED
@given(files(), st.data())
def test_an_edit_changes_what_was_asked_for_and_keeps_every_other_line(file: File, data: st.DataObject) -> None:
    known = sorted(file.values)
    touched = data.draw(st.lists(st.sampled_from(known), unique=True, max_size=3)) if known else []
    edits: list[Put | Drop] = []
    for key in touched:
        edits.append(Drop(key) if data.draw(st.booleans()) else Put(key, data.draw(VALUES)))
    edits += [Put(f"new.{name}", data.draw(VALUES)) for name in data.draw(st.lists(PARTS, unique=True, max_size=2))]
    after = edit(file.content, edits, "x.yml", "by estui")

    expected = dict(file.values)
    for each in edits:
        if isinstance(each, Put):
            expected[each.key] = each.value
        else:
            expected.pop(each.key, None)
    assert typed(read(after)) == typed(expected)
    assert edit(after, edits, "x.yml", "by estui") == after
    if not edits:
        assert after == file.content
    assert after.startswith(BOM) == file.content.startswith(BOM)
    kept = iter(after.removeprefix(BOM).splitlines())
    for line in untouched_lines(file, {each.key for each in edits}):
        assert line in kept, line  # in the same order


def untouched_lines(file: File, touched: set[str]) -> list[bytes]:
    """Lines that hold no part of a touched setting, nor of a map around it."""
    found = parse_settings(file.content, "x.yml")
    starts = sorted({setting.line for setting in found.values()})
    lines = file.content.removeprefix(BOM).splitlines()
    inside: set[int] = set()
    for key in touched & found.keys():
        first = found[key].line
        following = next((line for line in starts if line > first), len(lines) + 1)
        inside.update(range(first, following))
    heads = {number for number, line in enumerate(lines, 1) if line.split(b"#")[0].rstrip().endswith(b":")}
    comments = {number for number, line in enumerate(lines, 1) if line.lstrip().startswith(b"#")}
    blank_or_head = heads | {number for number, line in enumerate(lines, 1) if not line.strip()}
    return [
        line
        for number, line in enumerate(lines, 1)
        if number in comments or (number not in inside and number not in blank_or_head)
    ]


@RELAXED
@given(st.one_of(TEXT, TRICKY), st.booleans())
def test_both_yaml_versions_read_the_same_text_back(text: str, in_flow: bool) -> None:
    written = f"k: [{spell(text, in_flow=True)}]" if in_flow else f"k: {spell(text)}"
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        assert yaml.load(written + "\n") == {"k": [text] if in_flow else text}


@RELAXED
@given(st.text("0123456789.eE+-_:xobfaNnIiyYTt/ #", max_size=8))
def test_number_like_text_is_never_taken_for_a_number(text: str) -> None:
    for version in ((1, 1), (1, 2)):
        yaml = YAML(typ="safe", pure=True)
        yaml.version = version
        assert yaml.load(f"k: {spell(text)}\n") == {"k": text}
    assert needs_quotes(text) or spell(text) == text


def assert_helps(error: SettingsError) -> None:
    assert error.hint
    assert error.location


@RELAXED
@given(
    st.one_of(
        st.binary(max_size=60), st.text("ab:-[]{}&*!|>'\"%@#,?\\\n\t \r~<U\ufeff\x85", max_size=40).map(str.encode)
    )
)
def test_any_bytes_give_settings_or_one_error(content: bytes) -> None:
    try:
        found = parse_settings(content, "x.yml")
    except SettingsError as error:
        assert_helps(error)
        return
    lines = content.count(b"\n") + content.count(b"\r") + 1
    assert all(1 <= setting.line <= lines for setting in found.values())
    for key in found:
        try:
            after = edit(content, [Put(key, "x")], "x.yml")
        except EstuiError:
            continue
        assert read(after)[key] == "x"


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=8).filter(str.strip)
SEGMENTS = st.text("abc .-_é:#'\"", min_size=1, max_size=6).filter(lambda part: part not in (".", ".."))
PATHS = st.lists(SEGMENTS, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts))
HOSTS = st.sampled_from(["es-1", "es-1.example.net", "10.0.0.1", "::1", "2001:db8::1", "on"])
ADDRESSES = st.none() | st.builds(Address, HOSTS, st.integers(1, 65535))
LISTS = st.lists(WORDS, max_size=2).map(tuple)
COMMANDS = st.builds(Commands, LISTS, LISTS, LISTS)
VERSIONS = st.none() | st.builds(Version, st.integers(6, 9), st.integers(0, 30), st.integers(0, 30))
DAYS = st.integers(1, 9999)
MAYBE = st.none() | WORDS
MAYBE_PATH = st.none() | PATHS


@st.composite
def inventories(draw: st.DrawFn) -> Inventory:
    folders = iter(draw(st.lists(PATHS, min_size=6, max_size=6, unique=True)))

    def names() -> list[str | None]:
        return [*draw(st.lists(WORDS, unique=True, max_size=2)), None, None]

    nodes = [
        NodeEntry(
            next(folders),
            name,
            draw(ADDRESSES),
            draw(ADDRESSES),
            draw(LISTS),
            draw(VERSIONS),
            draw(LISTS),
            draw(COMMANDS),
        )
        for name in names()[: draw(st.integers(0, 2))]
    ]
    kibana = [
        KibanaEntry(
            next(folders),
            name,
            draw(ADDRESSES),
            draw(MAYBE),
            draw(MAYBE_PATH),
            draw(LISTS),
            draw(VERSIONS),
            draw(COMMANDS),
        )
        for name in names()[: draw(st.integers(0, 2))]
    ]
    beats = [
        BeatEntry(next(folders), name, draw(MAYBE), draw(MAYBE), draw(MAYBE_PATH), draw(COMMANDS))
        for name in names()[: draw(st.integers(0, 2))]
    ]
    keys = st.sampled_from(KeyType)
    return Inventory(
        cluster=draw(WORDS),
        nodes=tuple(nodes),
        kibana=tuple(kibana),
        beats=tuple(beats),
        policy=draw(st.builds(Policy, keys, keys, keys, DAYS, DAYS, DAYS, st.sampled_from(StoreFormat))),
        production=draw(st.booleans()),
        read_only=draw(st.booleans()),
        expect_nodes=draw(st.none() | DAYS),
        folder=draw(st.sampled_from(["estui", "tls", ".estui", "0123"])),
        credentials=draw(st.builds(CredentialFiles, MAYBE, MAYBE_PATH, MAYBE_PATH)),
        keystore_password=draw(MAYBE_PATH),
        limits=draw(st.builds(Limits, DAYS, DAYS, DAYS)),
    )


@RELAXED
@given(inventories(), st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20))
def test_a_written_inventory_is_read_back(inventory: Inventory, note: str) -> None:
    assert parse_inventory(write_inventory(inventory, note), "estui.yaml", "/base") == inventory
