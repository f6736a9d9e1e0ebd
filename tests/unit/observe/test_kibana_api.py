"""Whether Kibana is up, whatever it thinks of anonymous callers."""

from __future__ import annotations

import pytest

from estui.errors import ProbeError
from estui.model.version import Version
from estui.observe.http import Client
from estui.observe.kibana_api import kibana_status, read_status
from tests.unit.observe.servers import answer, http, server

AVAILABLE = b'{"name":"kb","version":{"number":"9.1.0"},"status":{"overall":{"level":"available"}}}'


@pytest.mark.parametrize(
    ("whole", "level"),
    [
        (answer(AVAILABLE), "available"),
        (answer(b'{"status":{"overall":{"level":"critical"}}}', "503 Service Unavailable"), "critical"),
        (answer(b'{"status":{"overall":{"state":"green"}}}'), "green"),
        (answer(b"", "401 Unauthorized"), "up"),
        (answer(b"", "302 Found", "location: /login"), "up"),
    ],
)
def test_the_level_is_told(whole: bytes, level: str) -> None:
    with server(http(lambda path, request: whole)) as address, Client(address, None) as client:
        assert kibana_status(client) == level


def test_the_version_is_told_with_it() -> None:
    with server(http(lambda path, request: answer(AVAILABLE))) as address, Client(address, None) as client:
        assert read_status(client).version == Version(9, 1, 0)


def test_the_base_path_goes_in_front() -> None:
    def respond(path: str, request: bytes) -> bytes:
        return answer(AVAILABLE) if path == "/kibana/api/status" else answer(b"{}", "404 Not Found")

    with server(http(respond)) as address, Client(address, None) as client:
        assert kibana_status(client, "/kibana") == "available"
        with pytest.raises(ProbeError, match="not as Kibana does"):
            kibana_status(client)


def test_an_instance_that_still_starts_has_no_status_yet() -> None:
    whole = answer(b"Kibana server is not ready yet", "503 Service Unavailable")
    with (
        server(http(lambda path, request: whole)) as address,
        Client(address, None) as client,
        pytest.raises(ProbeError, match="no status yet"),
    ):
        kibana_status(client)
