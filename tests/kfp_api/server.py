"""The HTTP surface: reads requests, injects faults, keeps the journal, answers."""

import json
import traceback
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.kfp_api.pods import Kubernetes
from tests.kfp_api.published import Published, published
from tests.kfp_api.refusals import Refused
from tests.kfp_api.runs import Runs
from tests.servers.faults import Fault, Faults
from tests.servers.listener import Connection, Listener

RUNS = "/apis/v2beta1/runs"
_CODES = {400: 3, 401: 16, 403: 7, 404: 5, 409: 6, 429: 8, 503: 14}
"""What gRPC calls a status of HTTP; 13 is any other."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A line of the journal; `status` is None where no answer went out."""

    method: str
    url: str
    status: int | None
    fault: str | None


class KfpServer(Listener):
    """The server, on 127.0.0.1; it serves from `with` to the end of the block.

    `runs` holds experiments and runs, `faults` what goes wrong, `calls` the journal, `violations` what was asked or
    answered against the published API: all may be used while it serves.
    """

    def __init__(self, port: int = 0, *, several_users: bool = False, token: str = "") -> None:
        super().__init__(port, _Handler)
        self.several_users, self.token = several_users, token
        self.runs = Runs()
        self.kubernetes = Kubernetes()
        self.faults = Faults()
        self.calls: list[Call] = []
        self.violations: list[str] = []
        self._published: Published = published()

    def answer(self, method: str, url: str, body: bytes, authorization: str) -> tuple[int, Any]:
        """Status and body where nothing goes wrong on the way."""
        try:
            if urlsplit(url).path.startswith(("/api/v1/", "/apis/argoproj.io/")):
                answer = self.kubernetes.answer(self.runs.list_pods, self.runs.list_workflows, url)
                self.violations += [one for one in self.kubernetes.violations if one not in self.violations]
                return answer
            if self.token and authorization != f"Bearer {self.token}":
                raise Refused(401, 16, "Request header error: there is no valid user identity")
            return 200, self._answer(method, url, body)
        except Refused as refused:
            return refused.status, _status(refused.code, refused.message)
        except Exception:  # noqa: BLE001 - a bug here must not look like a service that is busy
            self.violations.append(traceback.format_exc())
            return 501, _status(12, "the server of the tests has failed")

    def _answer(self, method: str, url: str, body: bytes) -> Any:
        path = urlsplit(url).path
        found = self._published.operation(method, path)
        if found is None:
            return self._refuse([f"{method} {path} is not published, or not in tests/published"])
        operation, names = found
        if wrong := [*operation.wrong_query(url), *operation.wrong_body(body)]:
            return self._refuse(wrong)
        query = dict(parse_qsl(urlsplit(url).query))
        asked = json.loads(body) if body else {}
        answer = self._do(operation.id, [unquote(name) for name in names], query, asked)
        if wrong := operation.wrong_answer(answer):
            return self._refuse(wrong)
        return answer

    def _do(self, operation: str, names: list[str], query: dict[str, str], asked: dict[str, Any]) -> Any:
        match operation:
            case "HealthzService_GetHealthz":
                return {"multi_user": self.several_users, "pipeline_store": "database"}
            case "ExperimentService_ListExperiments":
                place = query.get("namespace", "")
                there = [row for row in self.runs.experiments.values() if row.get("namespace", "") == place]
                found = self.runs.select(there, query.get("filter", ""))
                return {"experiments": found, "total_size": len(found)} if found else {}
            case "ExperimentService_CreateExperiment":
                return self.runs.make_experiment(asked, self.several_users)
            case "RunService_CreateRun":
                return self.runs.make(asked)
            case "RunService_GetRun":
                return self.runs.find(names[0]).told()
            case "RunService_ListRuns":
                if self.several_users and not {"experiment_id", "namespace"} & query.keys():
                    raise Refused(400, 3, "Invalid input error: ListRuns must filter by namespace in multi-user mode")
                return self.runs.listed(query)
            case "RunService_TerminateRun":
                self.runs.find(names[0]).terminate()
                return {}
        raise AssertionError(f"{operation} is in tests/published, and not answered")

    def _refuse(self, wrong: list[str]) -> Any:
        self.violations += wrong
        raise Refused(501, 12, "; ".join(wrong))


class _Handler(Connection):
    """One connection, for as many requests as come."""

    server: KfpServer

    def _serve(self) -> None:
        """Read one request, and answer it or not."""
        server, request = self.server, self.read_request()
        if request is None:
            return
        fault = server.faults.strike(self.command, self.path, is_download=False)
        answer = self._answer(fault, request.body)
        kind = None if fault is None else fault.kind
        status = None if answer is None else answer[0]
        server.calls.append(Call(method=self.command, url=self.path, status=status, fault=kind))
        if answer is None:
            self.reset()
        else:
            self._send(*answer)

    do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the base class looks for these

    def _answer(self, fault: Fault | None, body: bytes) -> tuple[int, Any] | None:
        """Status and body; None where the connection is reset instead."""
        server = self.server

        def answer() -> tuple[int, Any]:
            return server.answer(self.command, self.path, body, self.headers.get("Authorization", ""))

        match fault.kind if fault is not None else None:
            case "status" if fault is not None:
                said = fault.reason or "injected"
                return fault.status, said if said.startswith("<") else _status(_CODES.get(fault.status, 13), said)
            case "reset_before" | "reset_halfway" | "reset_after":
                return None
            case "lost_reply":
                answer()
                return None
            case "delay" if fault is not None:
                given = answer()
                server.stopping.wait(fault.seconds)
                return given
            case _:
                return answer()

    def _send(self, status: int, value: Any) -> None:
        body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(value, str) else "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _status(code: int, message: str) -> dict[str, Any]:
    """An error as the service's gateway writes it."""
    return {"error": message, "code": code, "message": message, "details": []}
