"""Secure settings and built-in users as lines."""

from __future__ import annotations

from estui.model.secure import Agreement, SecureEntry, SecureFile, SecureTable
from estui.model.users import BuiltInUser
from estui.present.passwords import user_lines
from estui.present.secure_settings import secure_lines


def test_a_table_tells_files_names_and_the_sum() -> None:
    table = SecureTable(
        (SecureFile("es-1", True, False, version=7), SecureFile("es-2", True, True, "wrong password")),
        (SecureEntry("s3.client.default.secret_key", ("1a2b3c4d", ""), Agreement.SAME, True),),
    )
    text = [line.text for line in secure_lines(table)]
    assert text[0] == "es-1: format 7, no password"
    assert text[1] == "es-2: cannot be opened: wrong password"
    assert "s3.client.default.secret_key  1a2b3c4d  ?         same; read again while nodes run" in text
    assert text[-1] == "1 file cannot be opened"


def test_users_tell_where_their_password_is_and_who_uses_it() -> None:
    rows = (BuiltInUser("elastic", True, False, ()), BuiltInUser("kibana_system", None, True, ("kibana/a",)))
    first, second = (line.text for line in user_lines(rows))
    assert first == "elastic        stored in this workspace"
    assert second == "kibana_system  in the file that you keep; used by kibana/a"
