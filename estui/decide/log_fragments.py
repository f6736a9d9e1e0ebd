"""What the log of a node, a Kibana or a Beat says, in our words: one line to its meaning.

Owns the fragments that are worth recognising and how much of a line may be quoted. Reading the files, and what of
them is new, is `observe/node_log.py`.

Sources: real-elasticsearch.md §1, §4, §5, §7 and §9; elastic-stack-security.md §15 (log fragments).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class LogKind(StrEnum):
    """What a line is about. In this order a gate that does not close is explained by them."""

    FATAL = "fatal"
    """The node does not start, or ended."""
    RELOAD_FAILED = "reload failed"
    HANDSHAKE = "handshake"
    DISCOVERY = "discovery"
    CLIENT = "client"
    """Somebody who calls the node does it wrongly; seldom the node's own trouble."""
    RELOADED = "reloaded"
    STARTED = "started"


_GOOD = (LogKind.RELOADED, LogKind.STARTED)
QUOTED = 240
"""Characters of a line that are quoted at most."""
REASONS = 3
"""Meanings that are shown as the reason of one gate."""


@dataclass(frozen=True)
class LogMeaning:
    """What one line means. `words` are printable and on one line, whatever the log holds."""

    kind: LogKind
    words: str
    what: str = ""
    """The end of the path of the file that was loaded, where it is about one."""

    @property
    def is_good(self) -> bool:
        return self.kind in _GOOD


@dataclass(frozen=True)
class _Rule:
    kind: LogKind
    pattern: re.Pattern[str]
    words: str
    """With `{0}`, `{1}` for what the pattern caught: nothing else of the line is ever shown."""


def _rule(kind: LogKind, pattern: str, words: str) -> _Rule:
    return _Rule(kind, re.compile(pattern), words)


_LISTENER = "cannot notify file changes listener"
_ENDED = "it ended at its start"
_F, _R, _H, _D, _C = LogKind.FATAL, LogKind.RELOAD_FAILED, LogKind.HANDSHAKE, LogKind.DISCOVERY, LogKind.CLIENT
_PATH = r"\[([^\]\n]{1,200})\]"
_READING = r"cannot read configured [^\[\n]{0,60}(?:\[PKCS12\] [^\[\n]{0,40})?" + _PATH
_RULES = (
    # secure settings
    _rule(_F, r"Provided keystore password was incorrect", "the password of elasticsearch.keystore is wrong"),
    _rule(_F, r"keystore \[[^\]\n]*\] format is too (new|old)", "elasticsearch.keystore has a format that is too {0}"),
    _rule(_F, r"[Uu]nknown secure setting " + _PATH, "the keystore holds an entry that the node does not know: {0}"),
    _rule(
        _F,
        r"Setting " + _PATH + r" is a secure setting and must be stored inside",
        "{0} stands in elasticsearch.yml and belongs into the keystore",
    ),
    _rule(
        _F,
        r"Setting " + _PATH + r" is a non-secure setting and must be stored inside",
        "{0} stands in the keystore and belongs into elasticsearch.yml",
    ),
    # files
    _rule(
        _F,
        r"cannot read configured \[?([\w ]{1,40}?)\]? (?:keystore )?(?:\(as a truststore\) )?"
        + _PATH
        + r" - this is usually caused by an incorrect password",
        "it cannot open {1}: its password is wrong",
    ),
    _rule(_F, r"Password is not ASCII", "the password of a PKCS#12 file is not ASCII, which this Java refuses"),
    _rule(
        _F,
        r"cannot read configured [^\[\n]{0,60}(?:\[PKCS12\] [^\[\n]{0,40})?"
        + _PATH
        + r" because the file does not exist",
        "it does not find {0}",
    ),
    _rule(
        _F,
        _READING + r" because (?:not permitted|access to read)",
        "it may not read {0}",
    ),
    _rule(_F, r"AccessDeniedException: ([^\s\[\]]{1,200})", "it may not read {0}"),
    _rule(
        _F,
        r"cannot load PEM private key from " + _PATH,
        "it cannot read the key {0}: damaged, or its passphrase",
    ),
    _rule(_F, r"Error parsing Private Key " + _PATH, "it cannot read the key {0}: damaged, or its passphrase"),
    _rule(_F, r"cannot load PEM certificate(?:_authorities)? from " + _PATH, "it cannot read the certificate {0}"),
    _rule(_F, r"failed to parse any certificates from " + _PATH, "there is no certificate in {0}"),
    _rule(_F, r"keystore " + _PATH + r" ?does not contain a private key", "there is no private key in {0}"),
    _rule(_F, r"truststore " + _PATH + r" does not contain any trusted", "there is no trusted certificate in {0}"),
    # settings
    _rule(_F, r"bootstrap check failure \[\d+\] of \[\d+\]: ([^\n]{1,240})", "a bootstrap check fails: {0}"),
    _rule(_F, r"\[?\d+\]? bootstrap checks failed", "bootstrap checks fail"),
    _rule(_F, r"unknown setting " + _PATH, "it does not know the setting {0}"),
    _rule(_F, r"\[(\d+:\d+)\] Duplicate field '([\w.]{1,100})'", "{1} stands twice in elasticsearch.yml (at {0})"),
    _rule(_F, r"Failed to load settings from " + _PATH, "it cannot read {0}"),
    _rule(
        _F,
        r"invalid configuration for (xpack\.[\w.]{1,80}) - \[[\w.]{1,100}\] is not set",
        "settings of {0} are given, and it is not said whether TLS is on",
    ),
    _rule(_F, r"invalid SSL configuration for (xpack\.[\w.]{1,80}) - ([^\n]{1,200})", "{0}: {1}"),
    _rule(_F, r"(cannot specify (?:both )?\[[\w.]{1,80}\][^\n]{1,80})", "{0}"),
    _rule(_F, r"setting " + _PATH + r" is not allowed when", "{0} does not go with single-node discovery"),
    # the host
    _rule(_F, r"Address already in use|Bind(?:Transport|Http)Exception", "another process has one of its ports"),
    _rule(_F, r"failed to obtain node lock", "another process uses its data folder"),
    # handshakes
    _rule(
        _H,
        r"failed to establish trust with (server|client) at \[([\w.:-]{1,80})\]",
        "it does not trust the certificate of the {0} at {1}",
    ),
    _rule(
        _H,
        r"PKIX path building failed|unable to find valid certification path",
        "the CA of a certificate that it was shown is not among those that it trusts",
    ),
    _rule(
        _H,
        r"client did not trust this server's certificate|Received fatal alert: (?:certificate_unknown|unknown_ca)",
        "another node does not trust its certificate",
    ),
    _rule(_H, r"No subject alternative", "a certificate lacks the name or address that it was reached by"),
    _rule(_H, r"CertificateExpiredException|certificate has expired", "a certificate that it was shown has expired"),
    _rule(_H, r"CertificateNotYetValidException", "a certificate that it was shown is not valid yet"),
    _rule(
        _H,
        r"Extended key usage does not permit use for TLS (client|server)",
        "a certificate that it was shown may not be used as a {0}'s",
    ),
    _rule(
        _H,
        r"Invalid CertificateVerify signature|Alert: decrypt_error|BAD_SIGNATURE",
        "a certificate and its key do not belong together",
    ),
    _rule(_H, r"unsupported cipher", "a cipher of its settings is not known to this Java"),
    _rule(
        _H,
        r"received plaintext traffic on an encrypted channel|not an SSL/TLS record",
        "another node talks to its transport port without TLS",
    ),
    _rule(
        _H,
        r"SSL/TLS request received but SSL/TLS is not enabled|invalid internal transport message format",
        "another node talks TLS to its transport port, which has none",
    ),
    _rule(_C, r"received plaintext http traffic on an https channel", "a client still uses http://"),
    _rule(_C, r"text is empty \(possibly HTTP/0\.9\)", "a client uses https://, and the node speaks plain HTTP"),
    _rule(_C, r"Empty client certificate chain", "a client shows no certificate, and one is demanded"),
    _rule(
        _C,
        r"caught exception while handling client http traffic[^\n]{0,2000}Alert: unknown_ca",
        "a client does not trust its HTTP certificate",
    ),
    _rule(_H, r"SSLHandshakeException: ([^\n]{1,200})", "a handshake fails: {0}"),
    _rule(_H, r"Received fatal alert: (\w{1,60})", "a handshake fails: {0}"),
    # the cluster
    _rule(_D, r"master not discovered or elected yet([^\n]{0,120})", "it finds no master{0}"),
    _rule(_D, r"timed out after \[discovery\.initial_state_timeout", "it did not find the others in time"),
    # Kibana, which says what Node.js says (`tls`, `fs`), and Beats, which say what Go says (`crypto/x509`)
    _rule(_F, r"config validation of \[([\w.]{1,80})\]\.?([^\n]{1,200})", "its settings of {0} are refused: {1}"),
    _rule(_F, r"ENOENT: no such file or directory, open '([^'\n]{1,200})'", "it does not find {0}"),
    _rule(_F, r"EACCES: permission denied, open '([^'\n]{1,200})'", "it may not read {0}"),
    _rule(_F, r"EADDRINUSE", "another process has its port"),
    _rule(_F, r"key values mismatch", "its certificate and its key do not belong together"),
    _rule(_F, r"mac verify failure|bad decrypt", "the password of its key or of a PKCS#12 file is wrong"),
    _rule(
        _H,
        r"self[- ]signed certificate|unable to verify the first certificate|unable to get (?:local )?issuer certificate"
        r"|x509: certificate signed by unknown authority",
        "the CA of a certificate that it was shown is not among those that it trusts",
    ),
    _rule(
        _H,
        r"Hostname/IP does not match certificate's altnames: ([^\n]{1,200})",
        "a certificate lacks the name or address that it was reached by: {0}",
    ),
    _rule(
        _H,
        r"x509: certificate is valid for ([^\n]{1,160}), not ([\w.:-]{1,80})",
        "a certificate that it was shown is for {0}, and not for {1}",
    ),
    _rule(_H, r"wrong version number", "it talks TLS to a port that speaks none"),
    _rule(_H, r"remote error: tls: ([\w ]{1,60})", "a handshake is refused by the other end: {0}"),
    _rule(_F, r"Exiting: ([^\n]{1,200})", "it ended: {0}"),
    _rule(_C, r"unable to authenticate user \[([\w.-]{1,80})\]", "its login as {0} is refused"),
    _rule(_D, r"connect ECONNREFUSED ([\w.:\[\]-]{1,80})", "nobody answers at {0}"),
    _rule(
        _D,
        r"Unable to retrieve version information from Elasticsearch nodes\.?([^\n]{0,200})",
        "Elasticsearch gives it no answer:{0}",
    ),
    _rule(LogKind.STARTED, r"Kibana is now (?:available|degraded)", "it has started"),
    # whatever is left
    _rule(_R, _LISTENER, "it could not load a changed file"),
    _rule(
        _F,
        r"failed to load SSL configuration \[(xpack\.[\w.]{1,80})\](?: - ([^\n]{1,200}))?",
        "it cannot load {0}: {1}",
    ),
    _rule(_F, r"fatal exception while booting Elasticsearch", _ENDED),
    _rule(
        LogKind.RELOADED,
        r"updated \d+ ssl contexts in [^\n]{0,60}using file " + _PATH,
        "it has loaded {0}",
    ),
    _rule(LogKind.RELOADED, r"reloaded " + _PATH + r" and updated ssl contexts", "it has loaded {0}"),
    _rule(LogKind.STARTED, r"(?:\A|\] )started(?: \{|\Z)", "it has started"),
)
_TELL_LITTLE = (_ENDED, "bootstrap checks fail", "it could not load a changed file")
_HEAD = re.compile(r"\[\d{4}-\d\d-\d\dT")


def meaning(text: str) -> LogMeaning | None:
    """What one event of the log means, None where it is nothing that we know. Never raises, whatever the text."""
    for rule in _RULES:
        found = rule.pattern.search(text)
        if found:
            shown = [printable(part or "")[:QUOTED].strip() for part in found.groups()]
            what = "/".join(shown[0].split("/")[-3:]) if rule.kind is LogKind.RELOADED else ""
            return LogMeaning(_kind(rule.kind, text), rule.words.format(*shown).rstrip(": "), what)
    return None


def _kind(kind: LogKind, text: str) -> LogKind:
    """A file that cannot be read ends a node at its start, and leaves one that runs with what it has."""
    return LogKind.RELOAD_FAILED if kind is LogKind.FATAL and _LISTENER in text else kind


def events(lines: Iterable[str]) -> Iterator[str]:
    """Lines put together to events: a plain one takes the lines of its stack trace along, a JSON one is its message
    with what it says of the error. What stands before the first head belongs to nobody and is an event of its own."""
    gathered: list[str] = []
    for line in lines:
        if line.startswith("{"):
            yield from _whole(gathered)
            gathered = []
            yield _of_json(line)
        elif _HEAD.match(line):
            yield from _whole(gathered)
            gathered = [line]
        elif len(gathered) < _EVENT_LINES:
            gathered.append(line)
    yield from _whole(gathered)


_EVENT_LINES = 100
"""Lines of a stack trace that are looked at."""


def _whole(gathered: list[str]) -> Iterator[str]:
    if gathered:
        yield "\n".join(gathered)


def _of_json(line: str) -> str:
    """Message and error of a JSON line. The raw text where it cannot be read, as one that was cut off.

    Source: `log4j2.properties` of the packages, `ECSJsonLayout` (8.x and later) and `ESJsonLayout` (7.x); Kibana nests
    what Elasticsearch writes with dots.
    """
    try:
        body = json.loads(line)
    except (ValueError, RecursionError):
        return line
    if not isinstance(body, dict):
        return line
    trace = body.get("stacktrace")
    parts = [body.get(key) for key in ("message", "error.type", "error.message", "error.stack_trace")]
    inner = body.get("error")
    parts += [inner.get(key) for key in ("type", "message", "stack_trace")] if isinstance(inner, dict) else []
    parts += trace[:_EVENT_LINES] if isinstance(trace, list) else []
    return "\n".join(part for part in parts if isinstance(part, str))


def meanings(lines: Iterable[str]) -> tuple[LogMeaning, ...]:
    """Everything that is understood in some lines, each once, in the order in which it was said last."""
    found = [each for each in map(meaning, events(lines)) if each is not None]
    return tuple(reversed(dict.fromkeys(reversed(found))))


def reasons(found: Iterable[LogMeaning]) -> tuple[LogMeaning, ...]:
    """Those that may explain why a gate does not close: the weightiest first, the last said first among equals.

    What ended an earlier start counts no longer once the node has started. Where something specific is said, that it
    ended is not said besides.
    """
    order = list(LogKind)
    bad = [each for each in _since_start(found) if not each.is_good]
    telling = [each for each in bad if each.words not in _TELL_LITTLE] or bad
    telling.reverse()
    return tuple(sorted(telling, key=lambda each: order.index(each.kind))[:REASONS])


def has_ended(found: Iterable[LogMeaning]) -> bool:
    """Whether the node says that it does not start, and has not started since."""
    return any(each.kind is LogKind.FATAL for each in _since_start(found))


def _since_start(found: Iterable[LogMeaning]) -> list[LogMeaning]:
    listed = list(found)
    started = [place for place, each in enumerate(listed) if each.kind is LogKind.STARTED]
    after = started[-1] if started else 0
    return [each for place, each in enumerate(listed) if place >= after or each.kind is not LogKind.FATAL]


def printable(text: str) -> str:
    """Text of a log on one line: whatever a terminal would act on, or nobody would see, is written out."""
    return "".join(each if each.isprintable() else _written_out(each) for each in _masked(text))


def _written_out(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _masked(text: str) -> str:
    """Without the login of a URL."""
    return re.sub(r"(://)[^/@\s]+@", r"\1(secret)@", text)
