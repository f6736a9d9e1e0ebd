"""What the words and signs of a screen mean, for somebody who sees it for the first time.

Owns these sentences. What is true of one node, CA or change is told by the other modules.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from estui.model.goal import Scenario
from estui.model.observed import Rung
from estui.present.documented import LABEL as LABEL
from estui.present.documented import scenario_lines
from estui.present.lines import UNICODE, Glyphs, Kind, Line

RUNGS: Mapping[Rung, str] = {
    Rung.UNSECURED: "nobody logs in, nothing is encrypted: whoever reaches a port reads and deletes everything",
    Rung.MINIMAL: "users log in, but passwords and data go over the network in clear text; for a single node only",
    Rung.BASIC: "users log in, and nodes talk TLS to one another: a node without a certificate of the CA stays out",
    Rung.HTTPS: "as basic, and clients and Kibana talk HTTPS to the nodes: passwords are no longer read on the way",
    Rung.MUTUAL: "as basic + HTTPS, and a client has to show a certificate as well: a password alone is not enough",
}


def explained(title: str, words: Sequence[tuple[str, str]]) -> list[Line]:
    """A title, and each word with its sentence."""
    return [Line(Kind.TITLE, title), *(Line(Kind.TEXT, f"  {word:{LABEL}}{text}") for word, text in words)]


def nodes_words(glyphs: Glyphs = UNICODE) -> list[Line]:
    """The columns and signs of the nodes table."""
    return explained(
        "What the table says",
        [
            (glyphs.up, "the HTTP port answers"),
            (glyphs.waiting, "it does not answer now"),
            (glyphs.failed, "its files cannot be read as they should; in the last column: errors were found"),
            (glyphs.soon, "a certificate ends soon; in the last column: there are warnings"),
            ("state", "the step of the ladder that its settings reach"),
            ("transport", "days until the certificate between nodes ends"),
            ("http", "days until the certificate towards clients ends"),
            ("as on disk", "the port shows the certificate that lies on the disk"),
            ("NOT LOADED", "the files are there, the process still works with other ones: reload or restart it"),
            ("DRIFT", "the files are not as the last run of estui left them: somebody else changed them"),
            ("PENDING", "a run has new files ready and has not switched them yet"),
            ("STALE MOUNT", "the folder that estui sees is not the one that the process reads"),
            ("FOREIGN ...", "the port shows a certificate of a CA that neither the folder nor the workspace knows"),
            ("SET ELSEWHERE", "the process contradicts its yml, though it was started after its last change"),
            ("plain text", "the port talks without TLS"),
        ],
    )


def scenario_words(here: Scenario | None = None) -> list[Line]:
    """The ladder; with `here` that step first."""
    lines = []
    if here is not None:
        told = [Line(Kind.TITLE, here.label), Line(Kind.NOTE, f"  {RUNGS[here.rung]}")]
        lines += [*told, *scenario_lines(here), Line(Kind.NOTE, "")]
    ladder = explained("The ladder, from the lowest step up", [(rung.label, text) for rung, text in RUNGS.items()])
    return [*lines, *ladder, Line(Kind.NOTE, "  A step includes those below it; each is planned and reviewed first.")]


def authority_words() -> list[Line]:
    """The authorities of a workspace."""
    return explained(
        "What a certificate authority is here",
        [
            ("CA", "signs certificates; whoever trusts it believes what it signed"),
            ("transport CA", "signs what nodes show one another: whoever has one of these may join the cluster"),
            ("HTTP CA", "signs what nodes and Kibana show clients; clients have its certificate, never its key"),
            ("leaf", "a certificate of one node or client, signed by a CA; renewing it is a rotation"),
            ("no key", "the CA's private key is not in the workspace: it is trusted, but nothing new comes of it"),
            ("rollover", "another CA in the place of one, in phases, so that nobody is cut off"),
        ],
    )


def review_words() -> list[Line]:
    """The marks of a review."""
    return explained(
        "How to read a review",
        [
            ("+  -", "a line that is new, a line that goes"),
            ("…", "lines that stay as they are, left out here"),
            ("# after a line", "why estui writes it"),
            ("(secret, …)", "a password or key: that it changes is said, its value never"),
            ("0660 1000:1000", "mode and owner that the file will have"),
            ("new set", "key, certificate and trusted CAs of one layer, in a folder of their own"),
            ("full restart", "the whole cluster is down from the stop to the start"),
            ("rolling restart", "node after node is restarted; the cluster goes on serving"),
            ("no restart", "nodes take the new files up while they run"),
        ],
    )


def run_words(glyphs: Glyphs = UNICODE) -> list[Line]:
    """The steps of a run."""
    return explained(
        "What a run does",
        [
            (glyphs.waiting, "waiting: its turn comes later"),
            (glyphs.running, "running: it is at work, or watches for what somebody does"),
            (glyphs.done, "done: what the step promises was seen on the nodes, not only ordered"),
            (glyphs.failed, "failed: it can be tried again, or everything taken back"),
            ("your turn", "estui waits for you to do this, and sees by itself when it is done"),
            ("verify", "every promise is looked at once more over fresh connections"),
        ],
    )


def certificates_words(glyphs: Glyphs = UNICODE) -> list[Line]:
    """The states of the table of ends."""
    return explained(
        "What the states mean",
        [
            (f"{glyphs.done} ok", "there is time"),
            (f"{glyphs.soon} due", "inside the time before its end at which it is renewed: rotate it"),
            (f"{glyphs.failed} critical", "peers will refuse it within days"),
            (f"{glyphs.failed} expired", "peers refuse it now"),
            ("not yet valid", "its time has not begun: peers refuse it; are the clocks right?"),
            ("unknown", "a port, folder or file did not answer"),
            ("seen", "where this certificate is: on the disk, on a port, or both"),
        ],
    )


def findings_words() -> list[Line]:
    """The severities."""
    return explained(
        "What the severities mean",
        [
            ("fatal", "the node does not start, or refuses everybody"),
            ("error", "something is open or broken now"),
            ("warning", "something breaks later, or is weaker than it looks"),
            ("note", "worth knowing; nothing has to be done"),
        ],
    )


def rollover_words(glyphs: Glyphs = UNICODE) -> list[Line]:
    """What a rollover is for, and its checklist."""
    return explained(
        "What a rollover is",
        [
            ("why", "a CA ends, its key is lost, or somebody else has it"),
            ("trust both", "everyone trusts the old CA and its successor: nothing breaks yet"),
            ("switch leaves", "nodes show certificates of the successor: clients have to trust it by now"),
            ("drop the old CA", "what the old CA signed is refused from then on"),
            ("checklist", "clients whose trust estui cannot look into: somebody says that they are looked after"),
            (f"{glyphs.done} ticked", "somebody said so; who, and when, is remembered"),
        ],
    )


def history_words() -> list[Line]:
    """How runs end."""
    return explained(
        "What the states mean",
        [
            ("done", "every step was proven; the cluster stands as planned"),
            ("undone", "a later run took it back"),
            ("waiting", "between two steps: somebody, or a node, has to act"),
            ("interrupted", "cut off in the middle of a step: complete it or take it back"),
            ("rolled back", "every file that it replaced came back"),
        ],
    )


def adoption_words() -> list[Line]:
    """What taking over means."""
    return explained(
        "What taking over means",
        [
            ("take over", "the CA comes into the workspace, its key encrypted; no file of a node is changed"),
            ("at hand", "the CA's key lies in a file here: estui can sign with it once it is imported"),
            ("not here", "without the key only requests for the CA's owner are possible, or a new CA"),
            ("signed", "leaves in use here that this CA signed"),
            ("possible", "what can be done about them, and by which command"),
        ],
    )


def secure_words() -> list[Line]:
    """What stands side by side of the nodes' keystores."""
    return explained(
        "What the table says",
        [
            ("entry", "a name in elasticsearch.keystore; its value is shown nowhere"),
            ("below a node", "a fingerprint of its value, salted anew for each look: equal ones are equal values"),
            ("-  ?", "this node has no such entry; its file could not be opened"),
            ("same", "every node has the same value, as it should be"),
            ("different", "values differ: nodes will behave differently, or not find one another's data"),
            ("missing", "some nodes lack it"),
            ("each its own", "of one node's own files or first start: nothing to compare"),
            ("read again", "running nodes take a new value up; the others read it at their start"),
        ],
    )


def passwords_words() -> list[Line]:
    """Where passwords are, and the ways to new ones."""
    return explained(
        "What can be done about passwords",
        [
            ("built-in user", "every cluster has them; elastic may do everything"),
            ("stored", "in the workspace, encrypted under its passphrase; it is not shown on this screen"),
            ("used by", "whose files log in as this user; Kibana's keystore gets the new password with the same run"),
            ("new password", "set through the API, proven on every node; if the proof fails, the old one is set again"),
            ("forgotten", "a temporary superuser in a node's own users file sets it, and is removed"),
        ],
    )
