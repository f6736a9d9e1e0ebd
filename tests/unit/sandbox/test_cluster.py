"""The sandbox as a whole: folders as packages have them, processes that come, go, and never stay behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from estui.errors import UsageError
from estui.formats.es_keystore import read_header
from estui.formats.yml import parse_settings
from estui.sandbox.cluster import DOCUMENTS, INDEX, KIBANA, Sandbox, inventory, open_sandbox
from estui.sandbox.pids import Started, is_running
from estui.sandbox.processes import StartFailedError, running

from .makers import ask, until


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox of two nodes and a Kibana of which nothing runs yet."""
    sandbox = Sandbox.create(tmp_path / "sandbox", nodes=2, start=False, owner=os.getpid())
    yield sandbox
    sandbox.down()


def test_folders_look_like_those_of_packages(written: Sandbox) -> None:
    config = written.config("es-1")
    assert config.stat().st_mode & 0o7777 == 0o2750
    names = ["elasticsearch.keystore", "elasticsearch.yml", "users", "users_roles"]
    assert sorted(path.name for path in config.iterdir()) == names
    assert {path.stat().st_mode & 0o777 for path in config.iterdir()} == {0o660}
    assert read_header((config / "elasticsearch.keystore").read_bytes(), "").version == 7
    settings = parse_settings((config / "elasticsearch.yml").read_bytes(), "elasticsearch.yml")
    assert settings["xpack.security.enabled"].text == "false"
    assert settings["cluster.initial_master_nodes"].items == ("es-1", "es-2")


def test_the_inventory_names_folders_and_commands(written: Sandbox) -> None:
    found = inventory(written)
    assert [node.config for node in found.nodes] == [str(written.config("es-1")), str(written.config("es-2"))]
    stop = found.nodes[1].commands.stop
    assert stop[1:] == ("-m", "estui", "sandbox", "stop", "es-2", "--folder", str(written.folder))
    assert [entry.config for entry in found.kibana] == [str(written.config(KIBANA))]


def test_a_folder_with_a_sandbox_is_not_written_again(written: Sandbox) -> None:
    with pytest.raises(UsageError, match="there is a sandbox"):
        Sandbox.create(written.folder, start=False)


def test_a_folder_without_a_sandbox_is_no_sandbox(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no sandbox"):
        open_sandbox(tmp_path)


def test_another_process_finds_it_again(written: Sandbox) -> None:
    again = open_sandbox(written.folder)
    assert (again.names, again.ports) == (written.names, written.ports)
    assert again.status() == {"es-1": "stopped", "es-2": "stopped", "kibana": "stopped"}


def test_a_name_that_is_no_service_is_refused(written: Sandbox) -> None:
    with pytest.raises(UsageError, match="no es-9"):
        written.start("es-9")


def test_a_start_that_is_refused_fails_with_the_nodes_own_words(written: Sandbox) -> None:
    yml = written.config("es-1") / "elasticsearch.yml"
    yml.write_text(yml.read_text() + "xpack.security.transport.ssl.key: k\n")
    with pytest.raises(StartFailedError, match=r"cannot specify \[key\] without also setting \[certificate\]"):
        written.start("es-1")
    assert written.status()["es-1"].startswith("failed: org.elasticsearch.ElasticsearchSecurityException: ")
    assert "fatal exception while booting Elasticsearch" in written.log("es-1").read_text()


def test_a_stale_process_id_is_not_taken_for_the_node(written: Sandbox) -> None:
    service = written.service("es-1")
    (service.run / "pid").write_text(f"{os.getpid()}:1")
    assert running(service) is None
    written.stop("es-1")  # and nobody else is stopped


@pytest.mark.slow
def test_a_cluster_comes_up_with_documents_restarts_and_goes_down(tmp_path: Path) -> None:
    sandbox = Sandbox.create(tmp_path / "sandbox", owner=os.getpid())
    try:
        port = sandbox.ports["es-2"]["http"]
        assert ask(port, f"/{INDEX}/_count").body["count"] == DOCUMENTS
        assert ask(port, "/_cluster/health").body["number_of_nodes"] == 3
        kibana = sandbox.ports[KIBANA]["http"]
        until(lambda: accepts(kibana) and ask(kibana, "/api/status").status == 200)
        before = running(sandbox.service("es-1"))
        sandbox.restart("es-1")
        assert running(sandbox.service("es-1")) != before
        first = sandbox.ports["es-1"]["http"]
        until(lambda: accepts(first))
        assert ask(first, "/_cluster/health?wait_for_nodes=3&wait_for_status=green").status == 200
        sandbox.stop("es-1")
        assert not accepts(first)
        until(lambda: ask(port, "/_cluster/health").body["number_of_nodes"] == 2)
        sandbox.start("es-1")
        sandbox.start("es-1")  # starting what runs changes nothing
        found = [running(sandbox.service(name)) for name in sandbox.names]
    finally:
        sandbox.down()
    assert all(process is not None and not is_running(process) for process in found)
    assert set(sandbox.status().values()) == {"stopped"}


def test_nothing_is_left_behind_when_the_owner_is_killed(tmp_path: Path) -> None:
    owner = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    sandbox = Sandbox.create(tmp_path / "sandbox", nodes=1, start=False, owner=owner.pid)
    try:
        sandbox.start("es-1")
        process = running(sandbox.service("es-1"))
        assert process is not None
        assert os.getsid(process.pid) == process.pid
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        until(lambda: not is_running(process))
    finally:
        sandbox.down()


def test_a_process_that_ended_and_waits_to_be_collected_does_not_run() -> None:
    child = os.posix_spawn("/bin/true", ["true"], os.environ)
    started = Started.of(child)
    end = time.monotonic() + 5
    while is_running(started):
        assert time.monotonic() < end
    assert not is_running(started)


def accepts(port: int) -> bool:
    try:
        ask(port, "/", timeout=2)
    except ConnectionRefusedError:
        return False
    return True
