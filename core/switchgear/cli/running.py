"""The gateway that runs, for the commands that need one: its address, the management key, and what went wrong if not.

Every command first makes sure, without the key, that a gateway of ours answers there: the key goes to nobody else.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from switchgear.cli.no_config import NoConfigError
from switchgear.cli.options import config_option
from switchgear.cli.tables import plain
from switchgear.errors import SwitchgearError
from switchgear.secret import Secret

if TYPE_CHECKING:
    import httpx2

    from switchgear.config import Config

KEY_VARIABLE = "SWITCHGEAR_MANAGEMENT_KEY"
CONNECT_S = 3.0
ANSWER_S = 60.0
"""How long an answer may take: a reading of quotas asks upstreams."""

_F = TypeVar("_F", bound=Callable[..., Any])

_ADD_KEY = f"""add this line to it, set the variable where the gateway starts and here, and start the gateway again:

management-key: env:{KEY_VARIABLE}   # make one with: switchgear keys new"""


class GatewayError(SwitchgearError):
    """The running gateway could not be asked; the message says what to do."""


class NoGatewayError(GatewayError):
    """Nothing listens there."""


class StrangerError(GatewayError):
    """Something else than a gateway of this program answers there."""


class NoManagementKeyError(GatewayError):
    """There is no key to present, or it is not the gateway's."""


class RefusedError(GatewayError):
    """The gateway said no.

    Attributes:
        status: the HTTP status.
        code: the refusal's code, see docs/failures.md.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        super().__init__(message)


def gateway_options(command: _F) -> _F:
    """``--config`` and ``--url``, as the parameters ``config_path`` and ``url``."""
    help_ = f"Where the gateway is, if not where the file says. The key is then the one in {KEY_VARIABLE}, if set."
    return config_option(click.option("--url", metavar="URL", help=help_)(command))


@dataclass(frozen=True, slots=True)
class _Target:
    """``key_problem`` says why there is no ``key``."""

    url: str
    key: Secret | None
    key_problem: str


class Running:
    """The gateway that runs. Methods give the JSON object it answers with, and raise :class:`GatewayError`."""

    def __init__(self, client: httpx2.Client, target: _Target) -> None:
        self._client = client
        self._target = target
        self.url = target.url

    @staticmethod
    @contextmanager
    def open(config_path: Path, url: str | None = None) -> Iterator[Running]:
        """The gateway that runs on ``config_path``, or at ``url``.

        Raises:
            NoConfigError: there is no such file, and no ``url``.
            NoGatewayError: nothing listens there.
            StrangerError: something else does.
            GatewayError: where it is cannot be told, or it does not answer.
        """
        import httpx2  # what is imported in functions here, `--help` does without

        from switchgear.upstream import tls_context

        target = _target(config_path, url)
        with httpx2.Client(
            base_url=target.url,
            trust_env=False,
            verify=tls_context(),
            timeout=httpx2.Timeout(ANSWER_S, connect=CONNECT_S),
        ) as client:
            running = Running(client, target)
            if running.client_get("/").get("service") != "switchgear":
                raise _stranger(target.url)
            yield running

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """``GET /v0`` and ``path``."""
        return self._managed("GET", path, query)

    def post(self, path: str, body: Mapping[str, Any], timeout_s: float = ANSWER_S) -> dict[str, Any]:
        """``POST`` a JSON object."""
        return self._managed("POST", path, {}, body, timeout_s)

    def patch(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """``PATCH`` with a JSON object."""
        return self._managed("PATCH", path, {}, body)

    def delete(self, path: str, **query: str) -> dict[str, Any]:
        """``DELETE``."""
        return self._managed("DELETE", path, query)

    def client_get(self, path: str, **query: str) -> dict[str, Any]:
        """A public route, such as ``/health``: no key goes with it."""
        return self._send("GET", path, query, {}, None, ANSWER_S)

    def _managed(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: Mapping[str, Any] | None = None,
        timeout_s: float = ANSWER_S,
    ) -> dict[str, Any]:
        key = self._target.key
        if key is None:
            raise NoManagementKeyError(self._target.key_problem)
        headers = {"authorization": f"Bearer {key.reveal()}"}
        return self._send(method, f"/v0{path}", query, headers, body, timeout_s)

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        body: Mapping[str, Any] | None,
        timeout_s: float,
    ) -> dict[str, Any]:
        import httpx2

        timeout = httpx2.Timeout(timeout_s, connect=CONNECT_S)
        try:
            response = self._client.request(method, path, params=query, headers=headers, json=body, timeout=timeout)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            if (problem := _tls_problem(error)) is not None:
                raise GatewayError(f"no secure connection to {self.url}: {problem}") from None
            raise NoGatewayError(f"no gateway runs at {self.url}; start it with: switchgear serve") from None
        except httpx2.TimeoutException:
            raise GatewayError(
                f"the gateway at {self.url} did not answer within {timeout_s:g} s; is it busy?"
            ) from None
        except httpx2.HTTPError:
            raise GatewayError(
                f"the connection to {self.url} broke off: the gateway there is about to stop, or it is none"
            ) from None
        answer = _object(response)
        if answer is None:
            raise _stranger(self.url)
        if not response.is_success:
            raise self._refused(response.status_code, answer)
        return answer

    def _refused(self, status: int, answer: Mapping[str, Any]) -> GatewayError:
        error = answer.get("error")
        if not isinstance(error, dict) or not isinstance(error.get("message"), str):
            return _stranger(self.url)
        code, message = str(error.get("code")), error["message"]
        if code == "invalid_management_key":
            return NoManagementKeyError(
                f"the gateway at {self.url} does not take this management key. It knows the management-key of the file "
                f"it was started on: name that file with --config, or set {KEY_VARIABLE}. Five wrong keys lock you out "
                "for fifteen minutes"
            )
        if code == "management_off":
            return NoManagementKeyError(
                f"the gateway at {self.url} has no management-key in its config.yaml; {_ADD_KEY}"
            )
        return RefusedError(status, code, f"the gateway at {self.url} says no: {plain(message)}")


def _target(path: Path, url: str | None) -> _Target:
    from switchgear.config import read_config
    from switchgear.loading import installed

    if url is not None and not _usable(url):
        raise GatewayError(f"--url {plain(url)} is none of a gateway; write it as http://HOST:PORT")
    given = _given()
    if url is not None and given is not None:  # the file's own key is for the file's gateway
        return _Target(url, given, "")
    if not path.exists():
        if url is None:
            raise NoConfigError(f"there is no {path}; name the file with --config, or the gateway with --url")
        problem = f"there is no {path} to read a management-key from; name it with --config, or set {KEY_VARIABLE}"
        return _Target(url, None, problem)
    raw = read_config(path, installed=installed().keys())
    wrong = {problem.key: problem for problem in raw.problems}  # what else is wrong may not keep the operator out
    if url is None and wrong.keys() & {"host", "port"}:
        raise GatewayError(f"where the gateway is cannot be told; {wrong.get('host') or wrong.get('port')}")
    configured = raw.config.management_key
    if "management-key" in wrong:
        problem = f"{wrong['management-key']}; or set {KEY_VARIABLE} to the key"
    elif configured is None:
        problem = f"{path} has no management-key, and this needs one; {_ADD_KEY}"
    else:
        problem = f"{path} holds only a digest of the management-key; set {KEY_VARIABLE} to the key itself"
    own = None if configured is None else configured.secret
    return _Target(url or _address(raw.config), own or given, problem)


def _given() -> Secret | None:
    key = os.environ.get(KEY_VARIABLE, "").strip()
    return Secret(key) if key else None


def _usable(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _address(config: Config) -> str:
    from switchgear.config.address import local_url

    url = local_url(config)
    if url is None:
        raise GatewayError("the file says port: 0, a free one; name where the gateway is with --url")
    return url


def _tls_problem(error: BaseException | None) -> str | None:
    while error is not None:
        if isinstance(error, ssl.SSLError):
            return plain(getattr(error, "verify_message", "") or error.reason or "it speaks no TLS")
        error = error.__cause__ or error.__context__
    return None


def _object(response: httpx2.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _stranger(url: str) -> StrangerError:
    return StrangerError(
        f"what answers at {url} is no gateway of this program; look at host and port in config.yaml, or name the "
        "gateway with --url"
    )
