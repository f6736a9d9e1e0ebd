"""What a Beat makes of a secret on its way: the table of what real Beats sent."""

from __future__ import annotations

import pytest

from estui.act.context import new_password
from estui.errors import SettingsError
from estui.formats.beats_values import change_on_reading, expanded, references, sent_text
from estui.secret import Secret

CHANGED = [
    *(("0123", "83"), ("0089", "89"), ("007", "7"), ("1.0", "1"), ("1.50", "1.5"), ("1e5", "100000")),
    *(("0x10", "16"), ("0b11", "3"), ("0o17", "15"), ("1_000", "1000"), ("+5", "5"), (".5", "0.5"), ("5.", "5")),
    *(("123456789012345678901", "1.2345678901234568e+20"), ("Inf", "+Inf"), ("infinity", "+Inf")),
    *(("True", "true"), ("TRUE", "true"), ("t", "true"), ("T", "true"), ("on", "true"), ("f", "false")),
    *(("off", "false"), (" x", "x"), ("x\n", "x"), ("\tx ", "x")),
]
KEPT = [
    *("s3cret", "123", "true", "null", "NaN", "$", "${a}", "a:b", "#", "%", "@", "\\", 'a"b', "é😀", "1.5.2", "e5"),
    *("-5", "0", "0x", "1e", "abc_1", "12a"),
]


@pytest.mark.parametrize(("stored", "sent"), CHANGED)
def test_what_looks_like_a_number_or_a_boolean_arrives_changed(stored: str, sent: str) -> None:
    assert sent_text(stored) == sent
    assert sent_text(stored, old=True) == sent
    assert change_on_reading(Secret(stored))


@pytest.mark.parametrize("stored", KEPT)
def test_other_texts_arrive_as_they_are(stored: str) -> None:
    assert sent_text(stored) == stored
    assert change_on_reading(Secret(stored)) == ""


@pytest.mark.parametrize("stored", ["a,b", "[x", "{x", '"x'])
def test_7_17_stops_at_commas_and_brackets_without_showing_the_secret(stored: str) -> None:
    with pytest.raises(SettingsError) as caught:
        sent_text(stored, old=True)
    assert stored not in str(caught.value)
    assert sent_text(stored) == stored
    assert change_on_reading(Secret(stored))


def test_7_17_takes_quotes_off() -> None:
    assert sent_text("'x'", old=True) == "x"
    assert sent_text("'x'") == "'x'"
    assert change_on_reading(Secret("'x'"))


def test_generated_passwords_arrive_as_they_are() -> None:
    assert not any(change_on_reading(new_password()) for _ in range(200))


def test_references_are_put_in_and_read_once_more() -> None:
    """A quoted literal stays; a reference is read as a value, alone or inside a text; `$${` is a plain `${`."""
    held = {"P": "0123", "a.b": "x"}
    assert expanded("0123", held.get, key="k") == "0123"
    assert expanded("${P}", held.get, key="k") == "83"
    assert expanded("x${P}", held.get, key="k") == "x0123"
    assert expanded("${a.b}", held.get, key="k") == "x"
    assert expanded("${NOPE:default}", held.get, key="k") == "default"
    assert expanded("$${P}", held.get, key="k") == "${P}"
    assert references("${P}-${a.b:c}-$${no}") == ("P", "a.b")


def _nobody(_: str) -> None:
    return None


def test_a_name_that_nobody_holds_stops_the_beat() -> None:
    with pytest.raises(SettingsError, match=r"missing field accessing 'output\.elasticsearch\.password'"):
        expanded("${NOPE}", _nobody, key="output.elasticsearch.password")
    with pytest.raises(SettingsError, match="missing field"):
        expanded("${NOPE:?say so}", _nobody, key="k")
