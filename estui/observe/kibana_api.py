"""Whether a Kibana instance is up, by its own status page. Reads only."""

from __future__ import annotations

from dataclasses import dataclass

from estui.errors import ProbeError
from estui.model.version import Version
from estui.observe.es_api import as_mapping, mapping_in, text_in
from estui.observe.http import Answer, Client

UP = "up"
"""Level of an instance that wants a login before it tells more."""


@dataclass(frozen=True)
class KibanaStatus:
    """`GET /api/status`: the overall level, and the version where it is told to anonymous callers."""

    level: str
    version: Version | None = None


def kibana_status(client: Client, base_path: str = "") -> str:
    """Level of the instance: `available`, `degraded`, `unavailable`, `critical`; `green`, `yellow`, `red` before 8.0;
    `up` where it asks for a login. `base_path` is `server.basePath` where Kibana itself expects it.

    Raises ProbeError: no answer, or not Kibana's.
    """
    return read_status(client, base_path).level


def read_status(client: Client, base_path: str = "") -> KibanaStatus:
    """As `kibana_status`, with the version. Raises ProbeError likewise.

    Source: Kibana `src/core/server/status/routes/status.ts`; 503 comes with the same body as 200.
    """
    answer = client.request("GET", f"{base_path}/api/status")
    if answer.status in (301, 302, 303, 307, 308, 401, 403):
        return KibanaStatus(UP)
    return _status(answer)


def _status(answer: Answer) -> KibanaStatus:
    try:
        body = as_mapping(answer.json())
    except ProbeError as exc:
        # "Kibana server is not ready yet" is plain text, HTTP 503.
        raise ProbeError(f"no status yet (HTTP {answer.status})" if answer.status == 503 else exc.summary) from exc
    overall = mapping_in(mapping_in(body, "status"), "overall")
    level = text_in(overall, "level") or text_in(overall, "state")
    if not level:
        raise ProbeError(f"answers HTTP {answer.status}, but not as Kibana does")
    return KibanaStatus(level, Version.parse(text_in(mapping_in(body, "version"), "number")))
