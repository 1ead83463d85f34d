"""Says in one sentence why a pod has ended, or what it waits for.

Argo's message of a pod that failed is Kubernetes' own (`Pod was active on the node longer than the specified
deadline`), `pod deleted`, or

    CONTAINER: REASON (exit code N): TEXT

where TEXT is what a stage wrote (contracts/termination.py). REASON is Error, or OOMKilled. Kubeflow's launcher, which
starts the stage, ends with 1 whatever the code of the stage; its own last words are in the log alone.
"""

import re

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
    ("The node was low on resource", "the pod was evicted"),
    ("pod deleted", "somebody deleted it, or its node was taken away"),
    ("exceeded quota", "the pod starts when others have ended, or with a larger quota"),
    ("ImagePullBackOff", "check the image and the right of the nodes to read it"),
    ("ErrImagePull", "check the image and the right of the nodes to read it"),
    ("InvalidImageName", "check the image"),
)
"""What to do, by words of Kubernetes."""


def describe_end(message: str, task: str, *, said: str = "", launcher: str = "", is_read: bool = True) -> str:
    """Why a pod has ended.

    Args:
        message: Argo's.
        task: the pod's task.
        said: the stage's own error in the log, if it was read.
        launcher: the last words of Kubeflow's launcher or driver in the log.
        is_read: whether there was a log to read.
    """
    ended = _CONTAINER.fullmatch(message)
    if not ended:
        return _remedy(message) or "it ended without a word"
    if ended["reason"] == "OOMKilled":
        return f"out of memory (OOMKilled): {_MORE_MEMORY if task == _SCORES else _FEWER_BOOKS}"
    if text := ended["text"]:
        return str(text).removeprefix(REFUSED).lstrip()
    if said:
        return said
    exited = _EXIT.fullmatch(launcher)
    if launcher and not exited:
        return f"Kubeflow's own part failed: {launcher}"
    code, signal = exited.groups() if exited else (ended["code"], None)
    if code == _KILLED or signal == "killed":
        return f"it was killed (exit code {_KILLED}), most often for memory"
    silence = "without a word" if is_read else "its log is gone, or may not be read from here"
    return f"it ended with exit code {code or ended['code']}, {silence}"


def needs_log(message: str) -> bool:
    """Whether only the log can say why a pod with this message of Argo's has ended."""
    ended = _CONTAINER.fullmatch(message)
    return bool(ended and ended["reason"] != "OOMKilled" and not ended["text"])


def is_refused(message: str) -> bool:
    """Whether a stage has said that no further attempt can succeed."""
    ended = _CONTAINER.fullmatch(message)
    return bool(ended and (ended["text"] or "").startswith(REFUSED))


def describe_wait(message: str) -> str:
    """What a pod waits for, in Kubernetes' words."""
    return _remedy(message)


def find_last_words(log: str) -> str:
    """The last words of Kubeflow's launcher or driver in a log; empty without any."""
    found = _LAST_WORDS.findall(log)
    return " ".join(found[-1].split()) if found else ""


def _remedy(message: str) -> str:
    remedy = next((remedy for words, remedy in _REMEDIES if words in message), "")
    return f"{message.rstrip('.')}: {remedy}" if remedy else message
