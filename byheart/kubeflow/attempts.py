"""Says how each attempt at the tasks of a run has ended."""

from byheart.kubeflow.nodes import Node, Workflow
from byheart.kubeflow.pods import read_last_words
from byheart.kubeflow.reasons import LastWords, describe_end, needs_log


def describe_attempt(workflow: Workflow, attempt: Node, run_id: str, namespace: str | None) -> str:
    """A failed attempt in one line: its number, why it ended, and whether there will be another."""
    words = read_last_words(run_id, namespace, attempt.id) if needs_log(attempt.message) else LastWords()
    again = "; trying again" if workflow.is_tried_again(attempt) else ""
    return f"attempt {attempt.attempt} failed: {describe_end(attempt.message, attempt.task, words)}{again}"
