"""What lines of a node's log mean: the texts are those that real nodes were seen to write."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from estui.decide.log_fragments import LogKind, events, has_ended, meaning, meanings, reasons

HEAD = "[2026-11-24T01:02:03,004][WARN ][o.e.x.c.Some              ] [es-1] "


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            "java.lang.SecurityException: Provided keystore password was incorrect",
            LogKind.FATAL,
            "the password of elasticsearch.keystore is wrong",
        ),
        (
            "failed to load SSL configuration [xpack.security.transport.ssl] - cannot read configured PEM certificate "
            "[/c/es.crt] because the file does not exist",
            LogKind.FATAL,
            "it does not find /c/es.crt",
        ),
        (
            "cannot read configured PEM private key [/c/es.key] because not permitted to read the file",
            LogKind.FATAL,
            "it may not read /c/es.key",
        ),
        (
            "cannot read configured [PKCS12] keystore (as a truststore) [/c/ca.p12] - this is usually caused by an "
            "incorrect password; (a keystore password was provided)",
            LogKind.FATAL,
            "it cannot open /c/ca.p12: its password is wrong",
        ),
        (
            "cannot load PEM private key from [/c/es.key] due to InvalidKeySpecException (Cannot retrieve the PKCS8)",
            LogKind.FATAL,
            "it cannot read the key /c/es.key: damaged, or its passphrase",
        ),
        (
            "bootstrap check failure [8] of [8]: Transport SSL must be enabled if security is enabled.",
            LogKind.FATAL,
            "a bootstrap check fails: Transport SSL must be enabled if security is enabled.",
        ),
        (
            "SSLHandshakeException: (certificate_unknown) PKIX path building failed: unable to find valid "
            "certification path to requested target",
            LogKind.HANDSHAKE,
            "the CA of a certificate that it was shown is not among those that it trusts",
        ),
        (
            "received plaintext traffic on an encrypted channel, closing connection Netty4TcpChannel{}",
            LogKind.HANDSHAKE,
            "another node talks to its transport port without TLS",
        ),
        (
            "received plaintext http traffic on an https channel, closing connection",
            LogKind.CLIENT,
            "a client still uses http://",
        ),
        (
            "updated 1 ssl contexts in 42.43882ms for prefix names [] using file [/c/http.crt]",
            LogKind.RELOADED,
            "it has loaded /c/http.crt",
        ),
        ("reloaded [/c/http.crt] and updated ssl contexts", LogKind.RELOADED, "it has loaded /c/http.crt"),
        (
            "cannot notify file changes listener\nSslConfigException: cannot read configured PEM private key [/c/k] "
            "because the file does not exist",
            LogKind.RELOAD_FAILED,
            "it does not find /c/k",
        ),
        ("master not discovered or elected yet, an election requires 2 nodes", LogKind.DISCOVERY, "it finds no master"),
        # Kibana and Beats
        (
            "Unable to retrieve version information from Elasticsearch nodes. self-signed certificate in certificate "
            "chain",
            LogKind.HANDSHAKE,
            "the CA of a certificate that it was shown is not among those that it trusts",
        ),
        (
            "Unable to retrieve version information from Elasticsearch nodes. connect ECONNREFUSED 127.0.0.1:9200",
            LogKind.DISCOVERY,
            "nobody answers at 127.0.0.1:9200",
        ),
        (
            "Error: ENOENT: no such file or directory, open '/etc/kibana/estui/server/current/server.key'",
            LogKind.FATAL,
            "it does not find /etc/kibana/estui/server/current/server.key",
        ),
        (
            "Error connecting: x509: certificate is valid for es-1, localhost, not es-9",
            LogKind.HANDSHAKE,
            "a certificate that it was shown is for es-1, localhost, and not for es-9",
        ),
        ("Exiting: could not initialize the keystore", LogKind.FATAL, "it ended: could not initialize the keystore"),
        ("Kibana is now available", LogKind.STARTED, "it has started"),
    ],
)
def test_what_a_node_says_is_put_in_words(text: str, kind: LogKind, words: str) -> None:
    found = meaning(HEAD + text)
    assert found is not None
    assert (found.kind, found.words[: len(words)]) == (kind, words)


def test_lines_that_say_nothing_are_nothing() -> None:
    assert meaning(HEAD + "loaded module [x-pack-security]") is None


def test_a_stack_trace_belongs_to_its_line_and_json_is_its_message_and_error() -> None:
    lines = [
        HEAD + "fatal exception while booting Elasticsearch",
        "java.lang.SecurityException: Provided keystore password was incorrect",
        "\tat org.elasticsearch.X",
        json.dumps({"message": "fatal exception", "error.message": "unknown setting [xpack.foo] did you mean"}),
        json.dumps({"message": "old", "stacktrace": ["Caused by: failed to obtain node locks"]}),
        "{ not json, cut off: Provided keystore password was incorrect",
        HEAD + "next",
    ]
    assert len(list(events(lines))) == 5
    assert [each.words for each in meanings(lines)] == [
        "it does not know the setting xpack.foo",
        "another process uses its data folder",
        "the password of elasticsearch.keystore is wrong",
    ]


def test_kibana_nests_its_error() -> None:
    line = json.dumps({"message": "Reason: x", "error": {"message": "EACCES: permission denied, open '/k/server.key'"}})
    (found,) = meanings([line])
    assert found.words == "it may not read /k/server.key"


def test_what_ends_a_node_is_the_reason_before_what_its_clients_do() -> None:
    lines = [
        HEAD + "received plaintext http traffic on an https channel",
        HEAD + "fatal exception while booting Elasticsearch",
        HEAD + "java.lang.SecurityException: Provided keystore password was incorrect",
        HEAD + "received plaintext http traffic on an https channel",
    ]
    assert [each.kind for each in reasons(meanings(lines))] == [LogKind.FATAL, LogKind.CLIENT]
    assert has_ended(meanings(lines))


def test_a_start_after_the_failure_makes_it_history() -> None:
    lines = [HEAD + "java.lang.SecurityException: Provided keystore password was incorrect", HEAD + "started {es-1}{x}"]
    assert meanings([json.dumps({"message": "started {es-1}{x}"})])[0].kind is LogKind.STARTED
    assert not has_ended(meanings(lines))
    assert reasons(meanings(lines)) == ()
    assert has_ended(meanings([*lines, lines[0]]))


def test_nothing_of_a_line_reaches_a_terminal_as_it_is_and_no_login_is_quoted() -> None:
    found = meaning("bootstrap check failure [1] of [1]: \x1b]0;x\x07 \u202e see https://me:geheim@host/")
    assert found is not None
    assert found.words.isprintable()
    assert "geheim" not in found.words


@given(st.lists(st.text(), max_size=6))
def test_no_text_breaks_it(lines: list[str]) -> None:
    assert all(each.words.isprintable() for each in meanings(lines))


def test_a_line_of_64_kib_is_read_at_once() -> None:
    assert meaning("x[" * 32_768) is None
