"""What goes wrong, and when: the same words for every server here."""

import dataclasses
import random
import re
import threading
from dataclasses import dataclass
from typing import Literal

Kind = Literal[
    "status",  # answered with `status`, and nothing is done
    "reset_before",  # the connection is reset before the body is read, and nothing is done
    "reset_halfway",  # the same after half of the body; tests.gcs and tests.hub each say what comes of the half
    "reset_after",  # the same after all of the body
    "delay",  # answered as ever, `seconds` late
    "lost_reply",  # all is done, and the connection is reset before the answer
    "keep_half",  # a resumable upload keeps half of the chunk, in whole 256 KiB, and says so
    "cut",  # half of a download's body, and the connection is closed
    "corrupt",  # one bit of a download's body is another
]
STATUSES = (408, 429, 500, 502, 503, 504)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    It strikes calls whose method is `method` ("*" is any) and in whose path and query `url`, a regular expression, is
    found: of these from the `nth` on so many `times` (0 is for ever), or, where `rate` is given, each with that
    probability. A `cut` and a `corrupt` strike downloads alone, a `keep_half` the chunks of resumable uploads of
    tests.gcs. What `reason` and `seconds` add to a `status` is the server's to say.
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

    def matches(self, method: str, url: str, is_download: bool) -> bool:
        """Whether it is about such a call; a download is one whose answer's body is content."""
        if self.kind in ("cut", "corrupt") and not is_download:
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

    def strike(self, method: str, url: str, is_download: bool) -> Fault | None:
        """The fault of a call that has just come in."""
        with self._lock:
            struck = None
            for rule in self._rules:
                if rule.fault.matches(method, url, is_download):
                    rule.matched += 1
                    if struck is None and rule.strikes():
                        rule.injected += 1
                        struck = rule.fault
            return struck
