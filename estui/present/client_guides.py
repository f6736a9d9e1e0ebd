"""What to change at clients that estui does not manage, so that they talk to this cluster: one guide for each kind.

Settings and options are Elastic's own (elastic-stack-security.md §4.6 to §4.8, §6.8); hosts, CA and fingerprint are
this cluster's. Nothing here is a secret: passwords stand for themselves as `...`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

from estui.decide.client_way import LIBRARIES, ClientWay
from estui.model.goal import Demand
from estui.model.reference import ReferenceKind, SearchResult
from estui.present.escapes import escaped
from estui.present.lines import Kind, Line, count

CA_FILE = "elasticsearch-ca.crt"
"""What the guides call the file that a client trusts."""
_LOGSTASH_CLUSTER = ["monitor", "manage_index_templates", "manage_ilm", "read_ilm"]
_LOGSTASH_INDEX = {"names": ["logstash-*"], "privileges": ["write", "create", "create_index", "manage", "manage_ilm"]}


def _title(text: str) -> Line:
    return Line(Kind.TITLE, text)


def _say(*lines: str) -> list[Line]:
    return [Line(Kind.NOTE, each) for each in lines]


def _write(*lines: str) -> list[Line]:
    """What is to be typed or to be written into a file."""
    return [Line(Kind.TEXT, f"  {each}") for each in lines]


def _urls(way: ClientWay) -> tuple[str, ...]:
    return tuple(f"https://{host}" for host in way.hosts) or ("https://HOST:9200",)


def _listed(way: ClientWay) -> str:
    return json.dumps(list(_urls(way)))


def _pin(way: ClientWay) -> str:
    """The fingerprint that a client can pin; empty where a pin would not do."""
    return way.authorities[0].certificate.sha256 if len(way.authorities) == 1 and way.sends_authority else ""


def cluster_lines(way: ClientWay) -> list[Line]:
    """What every client needs: addresses, the CA file, its fingerprint, whether a certificate is asked for."""
    lines = [_title(f"{way.cluster}: what every client needs")]
    if not way.https:
        lines += _say("the nodes still speak plain HTTP; this is the way from `estui apply https` on")
    lines += _write(*_urls(way))
    for each in way.authorities:
        facts = each.certificate
        name = f"CA {each.name}" if each.name else "CA (not in the workspace: estui adopt)"
        lines += _write(escaped(f"{name}: {facts.subject}, ends {facts.not_after:%Y-%m-%d}"))
        lines += _write(f"  SHA-256 {facts.sha256}")
    return [*lines, *_trust_lines(way), *_demand_lines(way)]


def _trust_lines(way: ClientWay) -> list[Line]:
    named = [each.name for each in way.authorities if each.name]
    if not way.authorities:
        return _say("there is no HTTP CA yet: `estui ca create http` makes it, or `estui apply https` with the rest")
    if len(named) == 1:
        return [*_say("its file, for whoever trusts it:"), *_write(f"estui ca export {named[0]} --to {CA_FILE}")]
    if named:
        files = [f"{name}.crt" for name in named]
        exports = [f"estui ca export {name} --to {file}" for name, file in zip(named, files, strict=True)]
        return [
            *_say("during a rollover a client trusts both, in one file; a pinned fingerprint names one only:"),
            *_write(*exports, f"cat {' '.join(files)} > {CA_FILE}"),
        ]
    return []


def _demand_lines(way: ClientWay) -> list[Line]:
    if way.demand is Demand.NONE:
        return []
    words = "asks for" if way.demand is Demand.OPTIONAL else "demands"
    return [*_say(f"each node {words} a client certificate:"), *_write("estui client new NAME --to DIR --role ROLE")]


def logstash_lines(way: ClientWay) -> list[Line]:
    """Logstash: outputs, inputs and filters `elasticsearch`, its monitoring, role and user."""
    old = way.version is not None and way.version.major < 8
    on, authority = ("ssl", "cacert") if old else ("ssl_enabled", "ssl_certificate_authorities")
    file = f"/etc/logstash/{CA_FILE}"
    pin = [f'  # or: ca_trusted_fingerprint => "{_pin(way)}"'] if _pin(way) else []
    shown = ['  ssl_certificate => "/etc/logstash/client.crt"', '  ssl_key => "/etc/logstash/client.key"']
    return [
        _title("Logstash"),
        *_say("in each elasticsearch output, input and filter of a pipeline:"),
        *_write(
            "output { elasticsearch {",
            f"  hosts => {_listed(way)}",
            f"  {on} => true",
            f'  {authority} => "{file}"' if old else f'  {authority} => ["{file}"]',
            *pin,
            *(shown if way.demand is not Demand.NONE and not old else []),
            '  user => "logstash_internal"   password => "${ES_PWD}"',
            "} }",
        ),
        *_say("the password goes into its keystore, as the user of the service:"),
        *_write("bin/logstash-keystore add ES_PWD"),
        *_say("where it sends figures or takes pipelines from here, in logstash.yml:"),
        *_write(
            f"xpack.monitoring.elasticsearch.hosts: {_listed(way)}",
            f"xpack.monitoring.elasticsearch.ssl.certificate_authority: {file}",
            f"xpack.management.elasticsearch.hosts: {_listed(way)}",
            f"xpack.management.elasticsearch.ssl.certificate_authority: {file}",
        ),
        *_say("role and user, the index names being yours; logstash_system is for monitoring only:"),
        *_role("logstash_writer", _LOGSTASH_CLUSTER, [_LOGSTASH_INDEX], "logstash_internal"),
        *_say("a refused login stops the whole pipeline; it is restarted after a change of logstash.yml"),
    ]


def _role(role: str, cluster: list[str], indices: list[dict[str, list[str]]], user: str) -> list[Line]:
    body = json.dumps({"cluster": cluster, "indices": indices})
    return _write(
        f"PUT /_security/role/{role} {body}",
        f'PUT /_security/user/{user} {{"password":"...","roles":["{role}"]}}',
    )


def fleet_lines(way: ClientWay) -> list[Line]:
    """Fleet Server, agents that Fleet manages, and standalone Elastic Agents."""
    first, file = _urls(way)[0], f"/etc/elastic-agent/{CA_FILE}"
    pin = _pin(way)
    names = "--fleet-server-es-cert=FILE --fleet-server-es-cert-key=FILE" if way.demand is not Demand.NONE else ""
    return [
        _title("Fleet and Elastic Agent"),
        *_say("Fleet Server, enrolled again with the CA; with two CAs both files, parted by a comma:"),
        *_write(
            "POST /_security/service/elastic/fleet-server/credential/token/NAME",
            f"elastic-agent enroll --fleet-server-es={first} --fleet-server-es-ca={file} \\",
            f"  --fleet-server-service-token=... --fleet-server-policy=... {names}".rstrip(),
        ),
        *_say("agents that Fleet manages: Kibana, Fleet, Settings, the output of type Elasticsearch:"),
        *_write(f"Hosts: {', '.join(_urls(way))}"),
        *(
            _write(f"Elasticsearch CA trusted fingerprint: {pin}")
            if pin
            else _say("no fingerprint there: one CA only can be pinned, and only where every node sends it along;")
        ),
        *_say("or, with a file that is there on every agent's host, in its advanced YAML:"),
        *_write(f'ssl.certificate_authorities: ["{file}"]'),
        *_say("a standalone agent, in elastic-agent.yml:"),
        *_write(
            "outputs.default:",
            "  type: elasticsearch",
            f"  hosts: {_listed(way)}",
            '  api_key: "ID:KEY"',
            f'  ssl.certificate_authorities: ["{file}"]',
            *([f"  # or: ssl.ca_trusted_fingerprint: {pin}"] if pin else []),
        ),
        *_say(
            "its API key or user: cluster monitor; auto_configure and create_doc on logs-*-*, metrics-*-*, traces-*-*",
            "a Fleet Server that enrolls again appears as a new agent; with Elastic Defend certificates have to be RSA",
        ),
    ]


def curl_lines(way: ClientWay) -> list[Line]:
    """curl, scripts, cron jobs, exporters."""
    first = _urls(way)[0]
    shown = " --cert client.crt --key client.key" if way.demand is not Demand.NONE else ""
    return [
        _title("curl, scripts, exporters, Hadoop"),
        *_write(
            f"curl --cacert {CA_FILE}{shown} -u USER {first}/",
            f"wget --ca-certificate={CA_FILE} --user=USER --ask-password {first}/",
            f"elasticsearch_exporter --es.uri={first} --es.ca={CA_FILE}",
            "es.net.ssl=true es.net.ssl.truststore.location=file:///.../truststore.jks   (Hadoop, Spark)",
        ),
        *_say(
            "never -k or --insecure: it gives the password to whoever answers; a user of its own with the least role,",
            "or an API key: -H 'Authorization: ApiKey ...'",
        ),
    ]


def library_lines(way: ClientWay) -> list[Line]:
    """Programs with one of Elastic's client libraries."""
    first, pin = _urls(way)[0], _pin(way)
    lines = [
        _title("programs with a client library"),
        *_write(
            f'Python      Elasticsearch({_listed(way)}, ca_certs="{CA_FILE}", api_key="...")',
            f'JavaScript  new Client({{ node: "{first}", tls: {{ ca: readFileSync("{CA_FILE}") }}, auth: ... }})',
            f'Java        TransportUtils.sslContextFromHttpCaCrt(new File("{CA_FILE}"))',
            f'Go          elasticsearch.Config{{ Addresses: ..., CACert: os.ReadFile("{CA_FILE}") }}',
            f'PHP         ClientBuilder::create()->setHosts(...)->setCABundle("{CA_FILE}")',
            f'Ruby        transport_options: {{ ssl: {{ ca_file: "{CA_FILE}" }} }}',
        ),
    ]
    if pin:
        lines += _say("or with the fingerprint of the CA:")
        lines += _write(
            f'JavaScript  caFingerprint: "{pin}"',
            f'Java        TransportUtils.sslContextFromCaFingerprint("{pin}")',
            f'Go          CertificateFingerprint: "{pin}"',
            f'.NET        .CertificateFingerprint("{pin}")',
        )
    return [*lines, *_say("a pool of connections keeps the old trust until the program starts anew")]


def beats_lines(way: ClientWay) -> list[Line]:
    """A Beat that the inventory does not have."""
    return [
        _title("Beats that estui does not manage"),
        *_say("better in estui.yaml (`beats:`), where a plan carries them along; by hand, with the Beat's own name:"),
        *_write(
            f"output.elasticsearch.hosts: {_listed(way)}",
            f'output.elasticsearch.ssl.certificate_authorities: ["/etc/BEAT/{CA_FILE}"]',
            "output.elasticsearch.username: BEAT_writer",
            'output.elasticsearch.password: "${ES_PWD}"      (BEAT keystore add ES_PWD)',
        ),
        *_role(
            "BEAT_writer",
            ["monitor", "read_ilm"],
            [{"names": ["BEAT-*"], "privileges": ["create_doc", "auto_configure", "view_index_metadata"]}],
            "BEAT_writer",
        ),
        *_say("the same ssl settings in monitoring.elasticsearch, and in modules.d/*.yml that ask these nodes"),
    ]


def kibana_lines(way: ClientWay) -> list[Line]:
    """A Kibana that the inventory does not have."""
    return [
        _title("Kibana that estui does not manage"),
        *_say("better in estui.yaml (`kibana:`), where a plan carries it along; by hand, in kibana.yml:"),
        *_write(
            f"elasticsearch.hosts: {_listed(way)}",
            f'elasticsearch.ssl.certificateAuthorities: ["/etc/kibana/{CA_FILE}"]',
            "bin/kibana-keystore add elasticsearch.password",
        ),
    ]


GUIDES: Mapping[str, Callable[[ClientWay], list[Line]]] = {
    "logstash": logstash_lines,
    "fleet": fleet_lines,
    "curl": curl_lines,
    LIBRARIES: library_lines,
    "beats": beats_lines,
    "kibana": kibana_lines,
}
"""Every guide by its name, in the order in which they are shown."""


def guide_lines(way: ClientWay, names: tuple[str, ...] = ()) -> list[Line]:
    """What every client needs, then the guides of these names; all of them without any."""
    lines = cluster_lines(way)
    for name in names or tuple(GUIDES):
        lines += [Line(Kind.TEXT, ""), *GUIDES[name](way)]
    return lines


_WORDS = {
    ReferenceKind.CERTIFICATE: "holds the certificate of CA {}",
    ReferenceKind.FINGERPRINT: "pins CA {} by its fingerprint",
    ReferenceKind.PATH: "names {}, which holds such a certificate",
    ReferenceKind.PLAIN_URL: "talks plain HTTP to {}",
}


def search_lines(found: SearchResult, authorities: Sequence[str]) -> list[Line]:
    """Places by file and line, and what was not looked into."""
    names = ", ".join(authorities) or "no CA"
    title = (
        f"{count(len(found.references), 'place')} in {count(found.files, 'file')}: CA {names}, http:// of the cluster"
    )
    lines = [_title(title)]
    for each in found.references:
        where = f"{each.file}:{each.line}" if each.line else each.file
        lines.append(Line(Kind.WARN, escaped(f"{where}: {_WORDS[each.kind].format(each.what)}")))
    asides = (
        ("a PKCS#12 store, closed: keytool -list -v -keystore it, and look for the CA", found.stores),
        ("could not be read", found.unread),
        ("larger than a configuration, not looked into", found.large),
    )
    lines += [Line(Kind.NOTE, escaped(f"{file}: {words}")) for words, files in asides for file in files]
    if found.cut:
        lines.append(Line(Kind.WARN, "ended early: name the folders one by one"))
    if not found.references:
        return [*lines, Line(Kind.GOOD, "nothing that was looked into means them")]
    return [*lines, Line(Kind.NOTE, "what to write instead: estui client guide")]
