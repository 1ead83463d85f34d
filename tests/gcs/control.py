"""Faults, journal and permissions from outside, for a server in another process.

POST /_test/faults     [{"kind": "lost_reply", "method": "POST"}, ...] or {"rate": 0.1}: switch on
GET /_test/faults      those that are on, with their counts
DELETE /_test/faults   switch all off
GET /_test/calls       the journal
POST /_test/access     {"BUCKET": "read_only"}
"""

import dataclasses
import json
from collections.abc import Sequence

from tests.gcs.messages import Answer, Call, Refusal, Request, answer_json
from tests.gcs.objects import Access, Storage
from tests.servers.faults import Fault, Faults

PREFIX = "/_test/"


def answer_control(request: Request, storage: Storage, faults: Faults, calls: Sequence[Call]) -> Answer:
    """What is asked for; calls to here are not in the journal and no fault strikes them."""
    match request.method, request.path.removeprefix(PREFIX):
        case "POST", "faults":
            wanted = json.loads(request.body)
            if isinstance(wanted, dict):
                faults.storm(wanted["rate"])
            else:
                for row in wanted:
                    faults.add(Fault(**row))
        case "DELETE", "faults":
            faults.clear()
        case "GET", "faults":
            pass
        case "GET", "calls":
            return answer_json([dataclasses.asdict(call) for call in calls])
        case "POST", "access":
            storage.access |= {bucket: Access(access) for bucket, access in request.json().items()}
            return answer_json({bucket: access.value for bucket, access in storage.access.items()})
        case _:
            raise Refusal(404, "notFound", __doc__ or "")
    return answer_json(faults.report())
