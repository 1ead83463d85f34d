"""Says in one sentence why a pod has ended, or what it waits for.

Argo's message of a pod that failed is Kubernetes' own (`Pod was active on the node longer than the specified
deadline`), `pod deleted`, or

    CONTAINER: REASON (exit code N): TEXT

where TEXT is what a stage wrote (contracts/termination.py). REASON is Error, or OOMKilled. Kubeflow's launcher, which
starts the stage, ends with 1 whatever the code of the stage; its own last words are in the log alone.
"""

import dataclasses
import re

from byheart.contracts.progress import StageLine, parse_line
from byheart.contracts.termination import REFUSED

_CONTAINER = re.compile(r"(?P<container>[\w-]+): (?P<reason>\w+) \(exit code (?P<code>\d+)\)(?:: (?P<text>.*))?")
_LAST_WORDS = re.compile(r"(?:failed to execute component|KFP driver): (.+)")
_EXIT = re.compile(r"(?:failed to execute component: )?(?:exit status (\d+)|signal: (\w+))$")
_KILLED = "137"  # 128 + SIGKILL

_SCORES = "extract"
"""The only task whose memory a run chooses."""
_MORE_MEMORY, _FEWER_BOOKS = "set memory=, such as memory=64Gi", "measure fewer books in a run"
_REMEDIES = (
    ("longer than the specified deadline", "it took longer than --timeout-hours of `byheart compile`"),
    ("Step exceeded its deadline", "the run took longer than --deadline-hours of `byheart compile`"),
    ("The node was low on resource", "the pod was evicted"),
    ("pod deleted", "somebody deleted it, or its node was taken away"),
    ("exceeded quota", "the pod starts when others have ended, or with a larger quota"),
    ("ImagePullBackOff", "check the image and the right of the nodes to read it"),
    ("ErrImagePull", "check the image and the right of the nodes to read it"),
    ("InvalidImageName", "check the image"),
)
"""What to do, by words of Kubernetes or Argo."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class LastWords:
    """What the end of a pod's log says about its end."""

    is_read: bool = False
    """Whether there was a log that may be read."""
    error: StageLine | None = None
    """The last error of its stage."""
    launcher: str = ""
    """The last words of Kubeflow's launcher or driver."""


def find_last_words(log: str) -> LastWords:
    """The last words in a log."""
    errors = [said for said in map(parse_line, log.split("\n")) if said and said.is_error]
    launcher = _LAST_WORDS.findall(log)
    return LastWords(
        is_read=True,
        error=errors[-1] if errors else None,
        launcher=" ".join(launcher[-1].split()) if launcher else "",
    )


def describe_end(message: str, task: str, words: LastWords) -> str:
    """Why a pod has ended.

    Args:
        message: Argo's.
        task: the pod's task.
        words: those in its log; they count only if Argo does not know.
    """
    ended = _CONTAINER.fullmatch(message)
    if not ended:
        return add_remedy(message) or "it ended without a word"
    if ended["reason"] == "OOMKilled":
        return f"out of memory (OOMKilled): {_MORE_MEMORY if task == _SCORES else _FEWER_BOOKS}"
    if text := ended["text"]:
        return str(text).removeprefix(REFUSED).lstrip()
    if words.error:
        return words.error.message
    exited = _EXIT.fullmatch(words.launcher)
    if words.launcher and not exited:
        return f"Kubeflow's own part failed: {words.launcher}"
    code, signal = exited.groups() if exited else (ended["code"], None)
    if code == _KILLED or signal == "killed":
        return f"it was killed (exit code {_KILLED}), most often for memory"
    silence = "without a word" if words.is_read else "its log is gone, or may not be read from here"
    return f"it ended with exit code {code or ended['code']}, {silence}"


def needs_log(message: str) -> bool:
    """Whether only the log can say why a pod with this message of Argo's has ended."""
    ended = _CONTAINER.fullmatch(message)
    return bool(ended and ended["reason"] != "OOMKilled" and not ended["text"])


def may_pass(message: str) -> bool:
    """Whether a further attempt may succeed: the retry policy repeats all but what has the mark."""
    return REFUSED not in message


def add_remedy(message: str) -> str:
    """Kubernetes' or Argo's message about a pod that waits or has ended, and what to do."""
    remedy = next((remedy for words, remedy in _REMEDIES if words in message), "")
    return f"{message.rstrip('.')}: {remedy}" if remedy else message
