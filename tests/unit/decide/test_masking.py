"""No secret of a yml is shown: old or new, commented out, on one line or several."""

from __future__ import annotations

import pytest

from estui.decide.masking import mask, masked_lines, names_secret, shown_value

SECRET = "hunter2"


@pytest.mark.parametrize(
    "line",
    [
        'elasticsearch.password: "hunter2"',
        "elasticsearch.password: hunter2",
        "'elasticsearch.password': 'hunter2'",
        '#elasticsearch.password: "hunter2"',
        "# elasticsearch.serviceAccountToken: hunter2",
        "  password: hunter2  # of the old cluster",
        "  - password: hunter2",
        "xpack.security.http.ssl.keystore.password: hunter2",
        "xpack.security.transport.ssl.key_passphrase: hunter2",
        "xpack.security.encryptionKey: hunter2hunter2hunter2hunter2hunt",
        "server.ssl.keyPassphrase: hunter2",
        "output: {username: someone, password: hunter2, hosts: [a]}",
        'elasticsearch: {"password": "hunter2"}',
        'elasticsearch.hosts: ["https://someone:hunter2@es-1:9200"]',
        "api_key: id:hunter2",
        "s3.client.default.secret_key: hunter2",
        "xpack.watcher.encryption_key: hunter2",
        "smtp.passwd: hunter2",
        'elasticsearch.customHeaders: { "x-a": "b", "authorization": "Basic hunter2" }',
        "xpack.actions.preconfigured.on-call.secrets.webhookUrl: https://hooks.example.net/hunter2",
        "xpack.actions.preconfigured: {on-call: {secrets: {webhookUrl: hunter2}}}",
        "a: {token: [x, hunter2], b: c}",
        "#elasticsearch.hosts: https://someone:hunter2/+%&=hunter2@es-1:9200",
        "elasticsearch.hosts: [https://someone:p@hunter2@es-1:9200]",
    ],
)
def test_a_secret_on_a_line_is_masked(line: str) -> None:
    assert SECRET not in mask(line)
    assert "(secret)" in mask(line)


@pytest.mark.parametrize(
    "line",
    [
        "elasticsearch.username: kibana_system",
        "xpack.security.authc.token.enabled: true",
        "# passwords are kept elsewhere",
        "elasticsearch.password:   # set in the keystore",
        'elasticsearch.hosts: ["https://es-1:9200"]',
        "layout: {type: json}",
        "path.data: /var/lib/x@y",
        "",
    ],
)
def test_what_is_no_secret_stays_as_it_is(line: str) -> None:
    assert mask(line) == line


@pytest.mark.parametrize(
    "text",
    [
        "password: |\n  hunter2\n  hunter2\nnext: 1\n",
        "secrets:\n  webhookUrl: https://hooks.example.net/hunter2\nnext: 1\n",
        "password: >-\n\n  hunter2\nnext: 1\n",
        "password:\n  hunter2\nnext: 1\n",
        "tokens:\n  x_token:\n    - hunter2\n    - hunter2\n  other: 1\nnext: 1\n",
        "a.token:\n- hunter2\nnext: 1\n",
        'password: "hunter2\n  hunter2"\nnext: 1\n',
    ],
)
def test_a_secret_on_several_lines_is_masked_and_no_line_is_lost(text: str) -> None:
    shown = masked_lines(text)
    assert SECRET not in "\n".join(shown)
    assert len(shown) == len(text.splitlines())
    assert shown[-1] == "next: 1"


def test_a_commented_key_hides_nothing_below_it() -> None:
    assert masked_lines("#password:\nnext: 1") == ["#password:", "next: 1"]


def test_a_plan_holds_a_mask_for_a_secret_value_and_the_value_of_anything_else() -> None:
    assert shown_value("elasticsearch.password", SECRET) == "(secret)"
    assert shown_value("elasticsearch.password", None) is None
    assert shown_value("http.port", 9200) == 9200
    assert names_secret("xpack.security.http.ssl.keystore.secure_password")
    assert not names_secret("xpack.security.authc.password_hashing.algorithm")


def test_a_login_in_a_url_is_no_part_of_a_plan() -> None:
    hosts = ("https://a:9200", "https://someone:hunter2@b:9200")
    assert shown_value("elasticsearch.hosts", hosts) == ("https://a:9200", "https://someone:(secret)@b:9200")
    assert shown_value("elasticsearch.hosts", hosts[1]) == "https://someone:(secret)@b:9200"
    assert shown_value("http.port", 9200) == 9200


@pytest.mark.parametrize("value", ["${ES_PWD}", "'${ES_PWD}'", '"${a.b-c}"   # kept'])
def test_a_reference_to_where_a_secret_is_kept_is_shown(value: str) -> None:
    """Else a password that gives way to a reference would look like no change."""
    line = f"  output.elasticsearch.password: {value}"
    assert mask(line) == line
    assert "hunter2" not in mask("password: ${ES_PWD:hunter2}")
    assert "hunter2" not in mask("password: ${ES_PWD}hunter2")
    assert shown_value("a.password", "${ES_PWD}") == "${ES_PWD}"
