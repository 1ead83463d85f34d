"""What goes wrong, and when."""

import dataclasses
import random
import re
import threading
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "status",  # answered with `status`, and nothing is done
    "reset_before",  # the connection is reset before the body is read, and nothing is done
    "reset_halfway",  # the same after half of the body; a resumable upload keeps what came, in whole 256 KiB
    "reset_after",  # the same after all of the body
    "delay",  # answered as ever, `seconds` late
    "lost_reply",  # all is done, and the connection is reset before the answer
    "keep_half",  # a resumable upload keeps half of the chunk, in whole 256 KiB, and says so
    "cut",  # half of a download's body, and the connection is closed
    "corrupt",  # one bit of a download's body is another
]
KINDS: tuple[Kind, ...] = get_args(Kind)
STATUSES = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    It strikes calls whose method is `method` ("*" is any) and in whose path and query `url`, a regular expression, is
    found: of these from the `nth` on so many `times` (0 is for ever), or, where `rate` is given, each with that
    probability. A `cut` and a `corrupt` strike downloads alone, a `keep_half` the chunks of resumable uploads.
    """

    kind: Kind = "status"
    method: str = "*"
    url: str = ""
    nth: int = 1
    times: int = 1
    rate: float | None = None
    status: int = 503
    reason: str = ""
    seconds: float = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}, found {self.kind!r}")

    def matches(self, method: str, url: str) -> bool:
        """Whether it is about such a call."""
        if self.kind in ("cut", "corrupt") and not (method == "GET" and "alt=media" in url):
            return False
        if self.kind == "keep_half" and not (method == "PUT" and "upload_id=" in url):
            return False
        return self.method in ("*", method) and re.search(self.url, url) is not None


@dataclass(kw_only=True)
class Rule:
    """A fault that is switched on, and what it did: how many calls it was about, how many it struck."""

    fault: Fault
    draw: str
    matched: int = 0
    injected: int = 0

    def strikes(self) -> bool:
        """Whether the call that was just counted is struck.

        What is drawn depends on the seed and on how many calls came before, so that a run can be repeated.
        """
        fault = self.fault
        if fault.rate is not None:
            return random.Random(f"{self.draw}:{self.matched}").random() < fault.rate
        return self.matched >= fault.nth and (fault.times == 0 or self.matched < fault.nth + fault.times)


class Faults:
    """The faults that are switched on; a call is struck by the first that strikes it, and counted by all it is like."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._added = 0

    def add(self, fault: Fault) -> Rule:
        """Switch it on; what comes back counts what it does."""
        with self._lock:
            rule = Rule(fault=fault, draw=f"{self.seed}:{self._added}")
            self._added += 1
            self._rules.append(rule)
            return rule

    def storm(self, rate: float) -> list[Rule]:
        """Switch on every kind that a caller can get over by asking again, at about `rate` of all calls in all."""
        kinds: list[Kind] = ["reset_before", "reset_halfway", "reset_after", "lost_reply", "cut"]
        faults = [Fault(status=status) for status in STATUSES] + [Fault(kind=kind) for kind in kinds]
        return [self.add(dataclasses.replace(fault, rate=rate / len(faults))) for fault in faults]

    def clear(self) -> None:
        """Switch all off."""
        with self._lock:
            self._rules.clear()

    def strike(self, method: str, url: str) -> Fault | None:
        """The fault of a call that has just come in."""
        with self._lock:
            struck = None
            for rule in self._rules:
                if rule.fault.matches(method, url):
                    rule.matched += 1
                    if struck is None and rule.strikes():
                        rule.injected += 1
                        struck = rule.fault
            return struck

    def report(self) -> list[dict[str, object]]:
        """Every fault that is on, with its counts."""
        with self._lock:
            return [
                dataclasses.asdict(rule.fault) | {"matched": rule.matched, "injected": rule.injected}
                for rule in self._rules
            ]


@dataclass(frozen=True, kw_only=True)
class Call:
    """A line of the journal.

    `range` is the Range that was asked for or the Content-Range that was sent; `status` is None where no answer went
    out; bytes are those of the bodies.
    """

    method: str
    url: str
    range: str | None
    status: int | None
    fault: str | None
    received_bytes: int
    sent_bytes: int
