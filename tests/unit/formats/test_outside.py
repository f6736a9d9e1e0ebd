"""Settings from outside the yml: named as the container image names them, merged over the file, kept in estui.yaml."""

from __future__ import annotations

import pytest

from estui.errors import SettingsError
from estui.formats.inventory import parse_inventory, write_inventory
from estui.formats.inventory_edit import with_node, without_node
from estui.formats.outside import holds_secret, setting_of_variable, with_outside
from estui.formats.yml import parse_settings
from estui.model.inventory import Inventory, NodeEntry, StatedSetting

KEPT = b"""\
cluster: logs
nodes:
  - config: /mnt/es-1/config   # in a container
    settings_elsewhere:        # the unit file
      http.port: 9299
      xpack.security.http.ssl.enabled: {value: true, where: /etc/systemd/system/elasticsearch.service.d/a.conf}
    environment:
      ES_SETTING_XPACK_SECURITY_ENABLED: true   # docker-compose.yml
      ES_HOST: 10.0.0.5
  - /mnt/es-2/config
"""


def node(content: bytes = KEPT) -> NodeEntry:
    return parse_inventory(content, "/ws/estui.yaml", "/ws").nodes[0]


def merged(yml: bytes, entry: NodeEntry) -> dict[str, str]:
    return {key: each.text for key, each in with_outside(parse_settings(yml, "e.yml"), entry).items()}


@pytest.mark.parametrize(
    ("variable", "setting"),
    [
        ("ES_SETTING_XPACK_SECURITY_ENABLED", "xpack.security.enabled"),
        ("ES_SETTING_BOOTSTRAP_MEMORY__LOCK", "bootstrap.memory_lock"),
        ("discovery.seed_hosts", "discovery.seed_hosts"),
        ("ES_JAVA_OPTS", None),
        ("node", None),
        ("HOSTNAME", None),
    ],
)
def test_a_variable_is_the_setting_that_the_image_makes_of_it(variable: str, setting: str | None) -> None:
    assert setting_of_variable(variable) == setting


def test_what_is_set_outside_wins_over_the_yml_and_says_where_it_is_stated() -> None:
    settings = with_outside(parse_settings(b"http.port: 9200\nxpack.security.enabled: false\n", "e.yml"), node())
    assert {key: each.text for key, each in settings.items()} == {
        "http.port": "9299",
        "xpack.security.enabled": "true",
        "xpack.security.http.ssl.enabled": "true",
    }
    assert settings["http.port"].source == "/ws/estui.yaml:5: nodes[0].settings_elsewhere.http.port"
    assert settings["xpack.security.http.ssl.enabled"].source.startswith("/etc/systemd/system/elasticsearch.service.d")


def test_an_argument_wins_over_a_variable() -> None:
    entry = NodeEntry(
        "/c",
        settings_elsewhere=(StatedSetting("http.port", "1"),),
        environment=(StatedSetting("ES_SETTING_HTTP_PORT", "2"), StatedSetting("ES_SETTING_CLUSTER_NAME", "")),
    )
    assert merged(b"", entry) == {"http.port": "1"}


def test_placeholders_take_the_variables_that_are_stated_and_stay_otherwise() -> None:
    yml = b"network.host: ${ES_HOST}\nnode.name: ${NAME:none}\ndiscovery.seed_hosts: [a, '${ES_HOST}:9300']\n"
    found = merged(yml, node())
    assert (found["network.host"], found["node.name"]) == ("10.0.0.5", "${NAME:none}")
    assert found["discovery.seed_hosts"] == "a, 10.0.0.5:9300"


def test_without_statements_nothing_changes() -> None:
    settings = parse_settings(b"network.host: ${ES_HOST}\n", "e.yml")
    assert with_outside(settings, NodeEntry("/c")) is settings


@pytest.mark.parametrize(
    "name", ["ELASTIC_PASSWORD", "xpack.security.http.ssl.keystore.password", "API_KEY", "a.secure_x"]
)
def test_a_secret_is_refused_with_its_line(name: str) -> None:
    assert holds_secret(name)
    content = f"cluster: c\nnodes:\n- config: /c\n  environment:\n    {name}: hunter2\n".encode()
    with pytest.raises(SettingsError) as caught:
        parse_inventory(content, "estui.yaml", "/")
    assert caught.value.location is not None
    assert caught.value.location.line == 5
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["[a, b]", "text", "{http.port: {valu: 1}}", "{http.port: [1]}", "{http.port: {where: x}}"]
)
def test_another_form_is_refused_with_the_key(value: str) -> None:
    with pytest.raises(SettingsError) as caught:
        parse_inventory(f"cluster: c\nnodes:\n- config: /c\n  settings_elsewhere: {value}\n".encode(), "e", "/")
    assert "settings_elsewhere" in str(caught.value.location)


def test_a_fresh_inventory_with_statements_reads_back_equal() -> None:
    entry = NodeEntry(
        "/c",
        settings_elsewhere=(StatedSetting("http.port", "9299", 'a "b": c'), StatedSetting("x.y", "a, b")),
        environment=(StatedSetting("ES_HOST", "{10}"),),
    )
    inventory = Inventory("c", (entry,))
    assert parse_inventory(write_inventory(inventory), "e", "/") == inventory


@pytest.mark.parametrize("content", [KEPT, KEPT.replace(b"\n", b"\r\n")])
def test_editing_the_list_leaves_statements_and_their_comments_to_the_byte(content: bytes) -> None:
    new = NodeEntry("/mnt/es-3/config", settings_elsewhere=(StatedSetting("http.port", "1", "unit file"),))
    added = with_node(content, new, "estui.yaml", "/ws")
    assert added.startswith(content)
    assert parse_inventory(added, "estui.yaml", "/ws").nodes[2] == new
    assert without_node(added, new.config, "estui.yaml", "/ws") == content


def test_a_node_with_statements_goes_as_a_whole() -> None:
    rest = without_node(KEPT, "/mnt/es-1/config", "estui.yaml", "/ws")
    assert rest == b"cluster: logs\nnodes:\n  - /mnt/es-2/config\n"


def test_a_list_in_one_line_takes_a_node_with_statements() -> None:
    new = NodeEntry("/b", environment=(StatedSetting("ES_SETTING_HTTP_PORT", "1"),))
    added = with_node(b"cluster: c\nnodes: [/a]\n", new, "e", "/")
    assert parse_inventory(added, "e", "/").nodes[1] == new


KIBANA = b"""\
cluster: logs
nodes: [/mnt/es-1]
kibana:
  - config: /mnt/kibana
    logs: /mnt/kibana-log
    settings_elsewhere: {server.port: 5699}
    environment:
      SERVER_SSL_ENABLED: {value: "true", where: docker-compose.yml}
      ELASTICSEARCH_SSL_CERTIFICATEAUTHORITIES: /usr/share/kibana/config/ca.crt
      ELASTICSEARCH_HOSTS: '["https://es-1:9200", "https://es-2:9200"]'
      NODE_OPTIONS: --max-old-space-size=4096
      ES: es-9
"""


def test_kibanas_variables_are_its_settings_and_win_over_its_yml() -> None:
    entry = parse_inventory(KIBANA, "/ws/estui.yaml", "/ws").kibana[0]
    yml = b"server.ssl.enabled: false\nserver.name: ${ES}\n"
    settings = with_outside(parse_settings(yml, "kibana.yml"), entry)
    assert settings["server.ssl.enabled"].is_true
    assert settings["server.ssl.enabled"].source.startswith("docker-compose.yml")
    assert settings["elasticsearch.hosts"].items == ("https://es-1:9200", "https://es-2:9200")
    assert settings["elasticsearch.ssl.certificateAuthorities"].items == ("/usr/share/kibana/config/ca.crt",)
    assert (settings["server.port"].text, settings["server.name"].text) == ("5699", "es-9")
    assert len(settings) == 5


def test_what_is_stated_of_kibana_and_beats_is_kept_in_a_fresh_inventory() -> None:
    inventory = parse_inventory(KIBANA + b"beats: [{config: /mnt/beat, logs: /mnt/beat-log}]\n", "estui.yaml", "/ws")
    assert parse_inventory(write_inventory(inventory), "estui.yaml", "/ws") == inventory


def test_a_secret_of_kibanas_environment_is_refused() -> None:
    with pytest.raises(SettingsError, match="a secret does not belong here"):
        parse_inventory(KIBANA + b"      ELASTICSEARCH_PASSWORD: x\n", "estui.yaml", "/ws")
