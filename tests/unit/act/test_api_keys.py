"""API keys of clients: announced before they are made, proven by their rights, taken back once."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from estui.act import api_keys, credentials
from estui.act.context import Context
from estui.errors import ApplyError
from estui.model.plan import IndexRights, IssueKey
from estui.observe.http import Answer

KEY = IssueKey("beat/mb", "es-1", "estui-mb", ("monitor",), (IndexRights(("mb-*",), ("create_doc",)),), "publishes")


class Journal:
    """The records of one run."""

    def __init__(self) -> None:
        self.records: list[tuple[str, dict[str, str]]] = []

    def write(self, act: str, **fields: str) -> None:
        self.records.append((act, fields))

    def find(self, act: str) -> list[Any]:
        class Record:
            def __init__(self, fields: dict[str, str]) -> None:
                self.text = fields.__getitem__

        return [Record(fields) for name, fields in self.records if name == act]


class Cluster:
    """A node that makes keys; what it was asked is kept."""

    def __init__(self, made: int = 200, may: bool = True, gone: int = 200) -> None:
        self.answers: dict[str, tuple[int, object]] = {
            "POST /_security/api_key": (made, {"id": "abc", "api_key": "s-3cret"}),
            "POST /_security/user/_has_privileges": (200, {"has_all_requested": may}),
            "DELETE /_security/api_key": (gone, {}),
        }
        self.calls: list[tuple[str, Any]] = []

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def request(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Answer:
        self.calls.append((f"{method} {path}", body))
        status, content = self.answers[f"{method} {path}"]
        return Answer(status, {}, json.dumps(content).encode())


class Run:
    """What of a run's context is used."""

    def __init__(self) -> None:
        self.run, self.journal = "run-7", Journal()
        self.said: list[str] = []
        self.credentials = ("elastic", "pw")
        self.workspace = self

    def audit(self, *_: object, **fields: object) -> None:
        pass

    def evidence(self, *texts: str, **_: object) -> None:
        self.said.append(texts[-1])

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(api_keys, "SETTLE_S", 0.0)
    return Run()


def serve(monkeypatch: pytest.MonkeyPatch, cluster: Cluster) -> Cluster:
    class Peers:
        def __init__(self, _: object) -> None:
            pass

        def client(self, *_: object) -> Cluster:
            return cluster

    for module in (api_keys, credentials):
        monkeypatch.setattr(module, "Peers", Peers)
    return cluster


def test_a_key_has_the_rights_of_the_plan_and_the_name_of_its_run(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = serve(monkeypatch, Cluster())
    assert api_keys.issue(cast(Context, run), KEY).reveal() == "abc:s-3cret"
    body = cluster.calls[0][1]
    assert body["name"] == "estui-mb-run-7"
    assert body["role_descriptors"] == {
        "estui-mb": {"cluster": ["monitor"], "indices": [{"names": ["mb-*"], "privileges": ["create_doc"]}]}
    }
    (made,) = credentials.announced(cast(Any, run.journal), credentials.API_KEYS)
    assert (made.name, made.node) == ("estui-mb-run-7", "es-1")
    assert "s-3cret" not in str(run.journal.records) + str(run.said)


@pytest.mark.parametrize(
    ("cluster", "words"), [(Cluster(made=403), "was made"), (Cluster(may=False), "may not do what it should")]
)
def test_a_key_that_is_refused_or_lacks_a_right_is_an_error_and_stays_announced(
    run: Run, monkeypatch: pytest.MonkeyPatch, cluster: Cluster, words: str
) -> None:
    serve(monkeypatch, cluster)
    with pytest.raises(ApplyError, match=words):
        api_keys.issue(cast(Context, run), KEY)
    assert credentials.announced(cast(Any, run.journal), credentials.API_KEYS)


def test_keys_of_a_run_that_switched_nothing_go_and_only_once(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = serve(monkeypatch, Cluster())
    api_keys.issue(cast(Context, run), KEY)
    credentials.drop_unused(cast(Context, run), credentials.API_KEYS)
    assert cluster.calls[-1] == ("DELETE /_security/api_key", {"name": "estui-mb-run-7"})
    asked = len(cluster.calls)
    credentials.drop_unused(cast(Context, run), credentials.API_KEYS)
    assert len(cluster.calls) == asked


def test_a_key_that_cannot_be_taken_back_is_told_with_the_call_that_does_it(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(monkeypatch, Cluster(gone=403))
    api_keys.issue(cast(Context, run), KEY)
    credentials.drop_unused(cast(Context, run), credentials.API_KEYS)
    assert 'DELETE /_security/api_key {"name": "estui-mb-run-7"}' in run.said[-1]
