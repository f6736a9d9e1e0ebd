"""Every key of the screen in one table: bindings, footer, help, palette and docs/keys.md are made from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from textual.binding import Binding


class Scope(StrEnum):
    """Where a key works, in the words that the help screen uses as a heading."""

    MOVE = "in every list and text"
    NODES = "in Nodes"
    AUTHORITY = "in Certificate authority"
    SCENARIO = "in Scenario"
    REVIEW = "in Review"
    RUN = "in Apply"
    MAIN = "on the main screen"
    CERTIFICATES = "in Certificates"
    FINDINGS = "in Findings"
    ROLLOVER = "in Rollover"
    HISTORY = "in History"
    ADOPTION = "in Take over"
    SECURE = "in Secure settings"
    PASSWORDS = "in Passwords"
    VIEWS = "on the main screen and in every view"
    APP = "everywhere"
    DIALOG = "in a dialog"
    PAGE = "on a page of text"
    DOCUMENT = "in a document"


@dataclass(frozen=True)
class Key:
    """One action: its id, its default keys (comma-separated), its word in the footer, its sentence, its scope."""

    id: str
    keys: str
    word: str
    tooltip: str
    scope: Scope


_ORDERS = {"E": "expiry", "S": "state", "N": "name"}


def _sort_keys(table: str, scope: Scope, **words: str) -> tuple[Key, ...]:
    """The keys that sort a table, each with what that order is called there."""
    return tuple(
        Key(f"{table}.sort-{_ORDERS[key]}", key, f"sort by {word}", f"sort by {word}; again turns the order", scope)
        for key, word in words.items()
    )


KEYS: tuple[Key, ...] = (
    Key("move.down", "j,down", "down", "next line", Scope.MOVE),
    Key("move.up", "k,up", "up", "previous line", Scope.MOVE),
    Key("move.top", "g,home", "top", "first line", Scope.MOVE),
    Key("move.end", "G,end", "end", "last line", Scope.MOVE),
    Key("move.page-down", "pagedown", "page down", "one page down", Scope.MOVE),
    Key("move.page-up", "pageup", "page up", "one page up", Scope.MOVE),
    Key("move.half-down", "ctrl+d", "half page", "half a page down", Scope.MOVE),
    Key("move.half-up", "ctrl+u", "half page", "half a page up", Scope.MOVE),
    Key("nodes.open", "enter,d", "details", "everything about this node", Scope.NODES),
    Key("nodes.mark", "space", "mark", "mark or unmark this node", Scope.NODES),
    Key("nodes.mark-range", "v,ctrl+@", "mark range", "mark everything from the last mark to here", Scope.NODES),
    *_sort_keys("nodes", Scope.NODES, E="expiry", S="state", N="name"),
    Key("nodes.rotate", "r", "rotate", "plan new certificates for the marked nodes, from the same CA", Scope.NODES),
    Key("authority.open", "enter,d", "details", "everything about the authorities", Scope.AUTHORITY),
    Key("authority.rollover", "o", "rollover", "a new CA in the place of this one, in phases", Scope.AUTHORITY),
    Key(
        "authority.adopt",
        "t",
        "take over",
        "which CAs are behind the files, and which can be taken over",
        Scope.AUTHORITY,
    ),
    Key("scenario.choose", "enter", "review", "make the plan for this step and review it", Scope.SCENARIO),
    Key(
        "scenario.variants",
        "v",
        "variants",
        "this step with something besides: mutual TLS demanded, a token or keys for Kibana; who connects",
        Scope.SCENARIO,
    ),
    Key("review.next", "n", "next change", "next change, or next match of a search", Scope.REVIEW),
    Key("review.previous", "N", "previous", "previous change, or previous match of a search", Scope.REVIEW),
    Key("review.next-file", "right", "next file", "next file", Scope.REVIEW),
    Key("review.previous-file", "left", "previous file", "previous file", Scope.REVIEW),
    Key("review.tree", "t,enter", "files", "one line for each node and file; there, open the file", Scope.REVIEW),
    Key("review.expand", "e", "every node", "show equal changes once, or on every node", Scope.REVIEW),
    Key("review.split", "s", "split", "as it is and as it will be side by side, and back", Scope.REVIEW),
    Key("review.leave-out", "x", "leave out", "plan again without this node or Kibana", Scope.REVIEW),
    Key("review.runbook", "b", "run-book", "the whole run-book of this plan, to read or to save", Scope.REVIEW),
    Key("run.pause", "space", "pause", "pause before the next step; again goes on", Scope.RUN),
    Key("run.go-on", "s", "go on", "go on: run the waiting commands, or try the step again", Scope.RUN),
    Key("run.log", "l", "log", "switch between the verdict and the log", Scope.RUN),
    Key("pane.next", "tab", "next pane", "next pane", Scope.MAIN),
    Key("pane.previous", "shift+tab", "previous pane", "previous pane", Scope.MAIN),
    Key("plan.make", "p", "plan", "make the plan for the chosen step", Scope.MAIN),
    Key("plan.apply", "a", "apply", "apply what is reviewed, after a question", Scope.MAIN),
    Key("run.undo", "u", "undo", "show what undoing the last apply would do", Scope.MAIN),
    Key("run.verify", "V", "verify", "prove every layer again; changes nothing", Scope.MAIN),
    Key("view.full", "f", "full screen", "give this pane the whole screen, and back", Scope.MAIN),
    Key("certificates.open", "enter,d", "details", "everything about this certificate", Scope.CERTIFICATES),
    Key(
        "certificates.rotate",
        "r",
        "rotate",
        "plan a new certificate in its place, from the same CA",
        Scope.CERTIFICATES,
    ),
    *_sort_keys("certificates", Scope.CERTIFICATES, E="expiry", S="state", N="subject"),
    Key("findings.open", "enter,d", "explain", "the evidence, what happens, what to do, and the rule", Scope.FINDINGS),
    Key("findings.fix", "f", "fix", "plan the fix and review it, where a fix is a plan", Scope.FINDINGS),
    *_sort_keys("findings", Scope.FINDINGS, S="severity", N="rule"),
    Key(
        "rollover.mark",
        "space",
        "mark or tick",
        "mark a CA that goes; tick a client that is looked after, or take the tick back",
        Scope.ROLLOVER,
    ),
    Key(
        "rollover.start",
        "enter",
        "begin",
        "plan phase 1 for the marked CAs, or the one under the cursor",
        Scope.ROLLOVER,
    ),
    Key(
        "rollover.leaked",
        "L",
        "a key leaked",
        "the same where a key is in foreign hands, after a question",
        Scope.ROLLOVER,
    ),
    Key(
        "rollover.external",
        "e",
        "to another CA",
        "the same to a CA that is not estui's own: its name and its file",
        Scope.ROLLOVER,
    ),
    Key("rollover.guide", "h", "guide", "what clients have to change: settings, CA, fingerprint, role", Scope.ROLLOVER),
    Key(
        "rollover.search",
        "F",
        "search files",
        "where files of clients mean an old CA, or the cluster by http://",
        Scope.ROLLOVER,
    ),
    Key("rollover.next", "n", "next phase", "plan the next phase and review it", Scope.ROLLOVER),
    Key(
        "rollover.undo",
        "u",
        "undo phase",
        "show what undoing the last phase would do, after a question",
        Scope.ROLLOVER,
    ),
    Key("history.open", "enter,d", "details", "the steps of this run and what each rests on", Scope.HISTORY),
    Key("history.undo", "u", "undo", "show what undoing this run would do", Scope.HISTORY),
    Key("history.report", "b", "report", "the report of this run, to read or to save", Scope.HISTORY),
    Key("adoption.open", "enter,d", "details", "everything about this CA", Scope.ADOPTION),
    Key("adoption.take", "t", "import", "import this CA into the workspace, after a question", Scope.ADOPTION),
    Key("adoption.take-all", "A", "all", "import all that are in use or were named, after a question", Scope.ADOPTION),
    Key("adoption.file", "F", "file", "name the file of a CA that lies elsewhere", Scope.ADOPTION),
    Key("secure.open", "enter,d", "details", "this entry node by node", Scope.SECURE),
    Key("secure.set", "s", "set", "type a new value for this entry, for every node; shows the plan", Scope.SECURE),
    Key("secure.new", "n", "new entry", "name an entry and type its value; shows the plan", Scope.SECURE),
    Key("secure.remove", "x,delete", "remove", "plan this entry's removal from every node", Scope.SECURE),
    Key("secure.unlock", "o", "unlock", "give the password of keystores that have one, to see into them", Scope.SECURE),
    Key(
        "secure.password",
        "p",
        "password",
        "set, change or take off the password of every node's keystore; shows the plan",
        Scope.SECURE,
    ),
    *_sort_keys("secure", Scope.SECURE, S="agreement", N="name"),
    Key("passwords.mark", "space", "mark", "mark or unmark this user", Scope.PASSWORDS),
    Key(
        "passwords.new",
        "enter",
        "new password",
        "plan new passwords for the marked users, or this one; estui makes and keeps them",
        Scope.PASSWORDS,
    ),
    Key("passwords.type", "t", "type it", "the same with passwords that you type", Scope.PASSWORDS),
    Key(
        "passwords.forgotten",
        "f",
        "forgotten",
        "nobody can log in as elastic: plan a new password with nothing but the folders",
        Scope.PASSWORDS,
    ),
    Key(
        "passwords.recipe",
        "l",
        "like",
        "how long passwords are that estui makes, and from which characters",
        Scope.PASSWORDS,
    ),
    Key("passwords.unlock", "o", "unlock", "give the passphrase, to see what is stored here", Scope.PASSWORDS),
    Key("pane.1", "1", "nodes", "go to the nodes", Scope.VIEWS),
    Key("pane.2", "2", "authority", "go to the certificate authority", Scope.VIEWS),
    Key("pane.3", "3", "scenario", "go to the scenarios", Scope.VIEWS),
    Key("pane.4", "4", "review", "go to the review, or to the running apply", Scope.VIEWS),
    Key("open.certificates", "5,f5", "certificates", "every certificate, what ends first comes first", Scope.VIEWS),
    Key("open.findings", "6,f6", "findings", "what is wrong, or will be at the next start", Scope.VIEWS),
    Key("open.rollover", "7,f7", "rollover", "a new CA in phases: where it stands, what it waits for", Scope.VIEWS),
    Key("open.history", "8,f8", "history", "past runs with their steps and evidence", Scope.VIEWS),
    Key("open.adoption", "9,f9", "take over", "which CA signed what, and which can be taken over", Scope.VIEWS),
    Key("open.secure", "K", "secure settings", "the keystores of all nodes side by side, without a value", Scope.VIEWS),
    Key("open.passwords", "P", "passwords", "passwords of built-in users: who has one, new ones", Scope.VIEWS),
    Key("cluster.probe", "R,ctrl+r", "probe again", "read every folder and ask every port again", Scope.VIEWS),
    Key(
        "view.search",
        "slash",
        "search",
        "filter the list or the log, or search the text; ! in front inverts",
        Scope.VIEWS,
    ),
    Key("view.wide", "w", "wide", "every column, in as many lines as that takes, and back", Scope.VIEWS),
    Key(
        "view.explain",
        "i",
        "explain",
        "this setting, step or finding, and what the words and signs here mean",
        Scope.VIEWS,
    ),
    Key("view.copy", "c", "copy", "copy a value or a command", Scope.VIEWS),
    Key("view.copy-to-file", "C", "copy to file", "the same into a file, where no clipboard is reached", Scope.VIEWS),
    Key("view.back", "escape", "back", "one step back; never destroys, never answers yes", Scope.VIEWS),
    Key("app.help", "question_mark,f1", "help", "every key that works here", Scope.APP),
    Key("app.palette", "colon,ctrl+p", "palette", "search every action", Scope.APP),
    Key("app.jump", "ctrl+o", "go to", "a letter for every pane and view", Scope.APP),
    Key("app.theme", "", "theme", "choose the colours", Scope.APP),
    Key("app.quit", "q,ctrl+q", "quit", "quit; asks only while an apply runs", Scope.APP),
    Key("dialog.yes", "y", "yes", "do what the dialog asks about", Scope.DIALOG),
    Key("dialog.no", "n,escape", "cancel", "close the dialog and do nothing", Scope.DIALOG),
    Key("dialog.left", "left", "left", "the button to the left", Scope.DIALOG),
    Key("dialog.right", "right", "right", "the button to the right", Scope.DIALOG),
    Key("page.close", "escape,q,enter", "close", "back to where you were", Scope.PAGE),
    Key("document.save", "s", "save", "save it as a new file: Markdown, JSON or text", Scope.DOCUMENT),
)

BY_ID: Mapping[str, Key] = {key.id: key for key in KEYS}

FOOTER: Mapping[Scope, tuple[str, ...]] = {
    Scope.NODES: (
        "nodes.open",
        "nodes.mark",
        "nodes.rotate",
        "view.explain",
        "view.search",
        "nodes.sort-expiry",
        "cluster.probe",
    ),
    Scope.AUTHORITY: ("authority.open", "authority.rollover", "authority.adopt", "view.explain", "view.copy"),
    Scope.SCENARIO: (
        "scenario.choose",
        "view.explain",
        "plan.apply",
        "run.undo",
        "run.verify",
        "cluster.probe",
    ),
    Scope.REVIEW: (
        "plan.apply",
        "review.next",
        "review.tree",
        "review.leave-out",
        "review.split",
        "review.runbook",
        "review.expand",
    ),
    Scope.RUN: ("run.pause", "run.go-on", "run.undo", "run.log", "view.copy", "run.verify"),
    Scope.CERTIFICATES: (
        "certificates.open",
        "certificates.rotate",
        "view.search",
        "view.back",
        "certificates.sort-state",
        "view.copy",
        "cluster.probe",
    ),
    Scope.FINDINGS: (
        "findings.open",
        "findings.fix",
        "view.search",
        "view.back",
        "findings.sort-name",
        "view.copy",
        "cluster.probe",
    ),
    Scope.ROLLOVER: (
        "rollover.start",
        "rollover.mark",
        "rollover.next",
        "rollover.undo",
        "rollover.external",
        "rollover.leaked",
        "view.back",
    ),
    Scope.HISTORY: (
        "history.open",
        "history.report",
        "history.undo",
        "view.back",
        "view.search",
        "view.copy",
        "cluster.probe",
    ),
    Scope.ADOPTION: (
        "adoption.open",
        "adoption.take",
        "adoption.take-all",
        "adoption.file",
        "view.back",
        "view.search",
        "view.copy",
    ),
    Scope.SECURE: (
        "secure.open",
        "secure.set",
        "secure.new",
        "secure.remove",
        "view.back",
        "view.search",
        "cluster.probe",
    ),
    Scope.PASSWORDS: (
        "passwords.new",
        "passwords.mark",
        "passwords.type",
        "passwords.forgotten",
        "passwords.unlock",
        "view.back",
        "cluster.probe",
    ),
}
"""The actions that a focused pane shows; what does not fit the width is left to help and palette."""

OPENED_BY: Mapping[Scope, str] = {
    Scope.CERTIFICATES: "open.certificates",
    Scope.FINDINGS: "open.findings",
    Scope.ROLLOVER: "open.rollover",
    Scope.HISTORY: "open.history",
    Scope.ADOPTION: "open.adoption",
    Scope.SECURE: "open.secure",
    Scope.PASSWORDS: "open.passwords",
}
"""The action that opens a view; its first key stands before the view's title."""
VIEW_SCOPES = tuple(OPENED_BY)
"""Screens of their own, which have none of the main screen's keys."""
ALONE = (Scope.DIALOG, Scope.PAGE, Scope.DOCUMENT)
"""What lies beneath them gets no keys."""


def beside(scope: Scope) -> tuple[Scope, ...]:
    """The scopes whose keys work where those of this one do."""
    if scope is Scope.DOCUMENT:
        return (scope, Scope.PAGE, Scope.MOVE)
    if scope in ALONE:
        return (scope, Scope.MOVE)
    main = () if scope in VIEW_SCOPES else (Scope.MAIN,)
    return (scope, *main, Scope.VIEWS, Scope.APP, Scope.MOVE)


_SHOWN = {
    "question_mark": "?",
    "slash": "/",
    "colon": ":",
    "escape": "esc",
    "pagedown": "pgdn",
    "pageup": "pgup",
    "left": "←",
    "right": "→",
    "up": "↑",
    "down": "↓",
    "shift+tab": "shift+tab",
    "ctrl+@": "^space",
}


def key_text(key: str) -> str:
    """A key as it is written on the screen: `?`, `^p`, `esc`."""
    if key in _SHOWN:
        return _SHOWN[key]
    return "^" + key.removeprefix("ctrl+") if key.startswith("ctrl+") else key


@dataclass(frozen=True)
class Keymap:
    """The table with a user's own keys laid over it."""

    own: Mapping[str, str]
    """Keys by action id, comma-separated."""

    def keys(self, action: str) -> tuple[str, ...]:
        given = self.own.get(action, BY_ID[action].keys)
        return tuple(key.strip() for key in given.split(",") if key.strip())

    def text(self, action: str) -> str:
        """All keys of an action, as they are written."""
        return " ".join(key_text(key) for key in self.keys(action))

    def first(self, action: str) -> str:
        keys = self.keys(action)
        return key_text(keys[0]) if keys else ""

    def last(self, action: str) -> str:
        keys = self.keys(action)
        return key_text(keys[-1]) if keys else ""


def problems(own: Mapping[str, str]) -> list[str]:
    """What is wrong with a user's keys: Textual passes over unknown ids and clashes in silence."""
    found = [f"no action is called {action}" for action in own if action not in BY_ID]
    keymap = Keymap({action: keys for action, keys in own.items() if action in BY_ID})
    for scope in Scope:
        taken: dict[str, str] = {}
        together = beside(scope)
        for each in KEYS:
            if each.scope not in together:
                continue
            for key in keymap.keys(each.id):
                if taken.setdefault(key, each.id) != each.id:
                    found.append(f"{key_text(key)} is both {taken[key]} and {each.id}")
    return list(dict.fromkeys(found))


def bindings(*scopes: Scope, action: str = "screen.do") -> list[Binding]:
    """Textual's bindings for these scopes; all lead to one dispatcher, which knows the reasons against."""
    return [
        Binding(key.keys, f"{action}('{key.id}')", key.word, show=False, tooltip=key.tooltip, id=key.id)
        for key in keys_of(scopes)
        if key.keys
    ]


def markdown() -> str:
    """The table of `docs/keys.md`, one section per scope."""
    keymap = Keymap({})
    lines: list[str] = []
    for scope in Scope:
        lines += [f"**{scope.value.capitalize()}**", "", "| key | does | action |", "|---|---|---|"]
        shown = [(each, keymap.text(each.id).split()) for each in keys_of([scope])]
        lines += [
            f"| {' '.join(f'`{key}`' for key in keys)} | {each.tooltip} | `{each.id}` |" for each, keys in shown if keys
        ]
        lines.append("")
    return "\n".join(lines)


def keys_of(scopes: Iterable[Scope]) -> list[Key]:
    wanted = tuple(scopes)
    return [key for key in KEYS if key.scope in wanted]
