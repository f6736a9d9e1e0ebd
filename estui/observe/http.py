"""One HTTP client for the Elasticsearch and Kibana APIs: every request a fresh connection, bounded in time and size.

The one module that knows httpx, which is imported on first use. Which paths mean what is left to `es_api` and
`kibana_api`. Connections are not kept: an open one shows an old certificate for ever (real-elasticsearch.md §7), so
an answer over it would prove nothing about what is served now.
"""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Self

from estui import __version__
from estui.errors import ProbeError
from estui.model.certificate import CertificateFacts
from estui.model.inventory import Address
from estui.observe import sockets
from estui.observe.sockets import Deadline
from estui.secret import Secret

if TYPE_CHECKING:
    import httpx

USER_AGENT = f"estui/{__version__}"
"""Who we are to a node, which lists its clients (`_nodes/stats/http`)."""
BODY_LIMIT = 16 * 1024 * 1024
"""Bytes above which an answer is given up."""


@dataclass(frozen=True)
class ClientCertificate:
    """Names of PEM files with the certificate (and its chain) and the unencrypted key that a client shows."""

    certificate: str
    key: str


@dataclass(frozen=True)
class Tls:
    """Whom to trust. Without trusted certificates nothing is verified, and no credentials are sent."""

    trusted: tuple[CertificateFacts, ...] = ()
    check_name: bool = True
    server_name: str | None = None
    """Name that has to be in the certificate, where it is not the host that is connected to."""
    client: ClientCertificate | None = None

    @property
    def verified(self) -> bool:
        return bool(self.trusted) and self.check_name


@dataclass(frozen=True)
class Basic:
    """User name and password."""

    user: str
    password: Secret


@dataclass(frozen=True)
class ApiKey:
    """An API key, encoded as Elasticsearch hands it out, or as `id:api_key`."""

    key: Secret


@dataclass(frozen=True)
class Bearer:
    """A token of a service account."""

    token: Secret


Credentials = Basic | ApiKey | Bearer


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. Header names are in lower case; repeated headers are joined by `, `."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> object:
        """The body as JSON. Raises ProbeError: it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as exc:
            raise ProbeError(f"the answer (HTTP {self.status}) is not JSON") from exc


class Client:
    """Requests to one address. Not for use by several threads at once.

    `tls` None means plain HTTP. `timeout_s` bounds each request from the name look-up to the last byte.
    Raises ValueError: credentials with a TLS that is not verified, which is a mistake in the program.
    """

    def __init__(
        self, base: Address, tls: Tls | None, credentials: Credentials | None = None, timeout_s: float = 3.0
    ) -> None:
        if credentials is not None and tls is not None and not tls.verified:
            raise ValueError("credentials are never sent over TLS that is not verified")
        self.base = base
        self.tls = tls
        self.timeout_s = timeout_s
        self.authenticates = credentials is not None
        """Whether its requests carry credentials."""
        self._authorization = _authorization(credentials)
        self._client: httpx.Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def request(self, method: str, path: str, body: object = None, *, timeout_s: float | None = None) -> Answer:
        """The answer to one request; `body` is sent as JSON unless it is None. Redirects are not followed.

        Raises ProbeError: no answer (refused, timed out, TLS not trusted, …), or one that is too large.
        """
        deadline = Deadline.after(timeout_s or self.timeout_s)
        headers = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": USER_AGENT}
        if self._authorization:
            headers["Authorization"] = self._authorization.reveal()
        content = None if body is None else json.dumps(body).encode()
        if content is not None:
            headers["Content-Type"] = "application/json"
        with self._told(deadline):
            client = self._open()
            request = client.build_request(
                method, self.url(path), headers=headers, content=content, extensions={"estui_deadline": deadline}
            )
            response = client.send(request, stream=True)
            try:
                return Answer(response.status_code, _headers(response), _body(response))
            finally:
                response.close()

    def url(self, path: str) -> str:
        """Full URL of a path of this server."""
        return f"{'https' if self.tls else 'http'}://{self.base}{path}"

    def _open(self) -> httpx.Client:
        if self._client is None:
            import httpx  # 93 ms: only those who ask a server pay for it

            from estui.observe.http_pool import FreshConnections

            # verify=False: the context that counts is the pool's; httpx would load the system's CAs for nothing.
            self._client = httpx.Client(
                transport=FreshConnections(self._context(), self.tls.server_name if self.tls else None),
                trust_env=False,
                follow_redirects=False,
                verify=False,  # noqa: S501
            )
        return self._client

    def _context(self) -> ssl.SSLContext:
        if self.tls is None or not self.tls.trusted:
            context = sockets.unverifying_context()
        else:
            trusted = tuple(certificate.der for certificate in self.tls.trusted)
            context = sockets.verifying_context(trusted, check_name=self.tls.check_name)
        if self.tls is not None and self.tls.client is not None:
            _show(self.tls.client, context)
        return context

    @contextmanager
    def _told(self, deadline: Deadline) -> Iterator[None]:
        """Every failure of a request as a ProbeError in words."""
        import httpcore
        import httpx

        try:
            yield
        except (TimeoutError, httpcore.TimeoutException, httpx.TimeoutException) as exc:
            raise sockets.timed_out(deadline) from exc
        except (httpcore.RemoteProtocolError, httpx.RemoteProtocolError) as exc:
            raise ProbeError(f"the port does not speak HTTP{' over TLS' if self.tls else ''} as expected") from exc
        except (httpx.InvalidURL, httpcore.UnsupportedProtocol, httpx.UnsupportedProtocol) as exc:
            raise ProbeError(f"{self.base} cannot be asked") from exc
        except (httpcore.ProtocolError, httpcore.NetworkError, httpx.HTTPError, OSError) as exc:
            raise ProbeError("the connection ended before the answer was complete") from exc


def _authorization(credentials: Credentials | None) -> Secret | None:
    """Value of the `Authorization` header. Source: Elasticsearch `TokenService` and `ApiKeyService`, 7.x to 9.x."""
    if credentials is None:
        return None
    if isinstance(credentials, Basic):
        pair = f"{credentials.user}:{credentials.password.reveal()}"
        return Secret("Basic " + base64.b64encode(pair.encode()).decode())
    if isinstance(credentials, Bearer):
        return Secret(f"Bearer {credentials.token.reveal()}")
    key = credentials.key.reveal()
    return Secret("ApiKey " + (base64.b64encode(key.encode()).decode() if ":" in key else key))


def _show(certificate: ClientCertificate, context: ssl.SSLContext) -> None:
    def no_password() -> str:
        raise ProbeError(f"{certificate.key} is encrypted", hint="give a client key without a passphrase")

    try:
        context.load_cert_chain(certificate.certificate, certificate.key, password=no_password)
    except (OSError, ValueError) as exc:
        raise ProbeError(
            f"the client certificate {certificate.certificate} with key {certificate.key} cannot be used",
            hint="both have to be PEM files, and belong together",
        ) from exc


def _headers(response: httpx.Response) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _body(response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    for part in response.iter_raw():
        size += len(part)
        if size > BODY_LIMIT:
            raise ProbeError(f"the answer is larger than {BODY_LIMIT} bytes")
        parts.append(part)
    return b"".join(parts)
