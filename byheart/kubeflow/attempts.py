"""Says how each attempt at the tasks of a run has ended."""

from byheart.kubeflow.nodes import Node, Workflow
from byheart.kubeflow.pods import read_last_words
from byheart.kubeflow.reasons import describe_end, needs_log


def describe_attempt(workflow: Workflow, attempt: Node, run_id: str, namespace: str | None) -> str:
    """A failed attempt in one line: its number, why it ended, and whether there will be another."""
    again = "; trying again" if workflow.is_tried_again(attempt) else ""
    return f"attempt {attempt.attempt} failed: {explain_attempt(attempt, run_id, namespace)}{again}"


def explain_attempt(attempt: Node, run_id: str, namespace: str | None) -> str:
    """Why an attempt failed; its log is read only if Argo does not know."""
    if not needs_log(attempt.message):
        return describe_end(attempt.message, attempt.task)
    words = read_last_words(run_id, namespace, attempt.id)
    said = words.error.message if words.error else ""
    return describe_end(attempt.message, attempt.task, said=said, launcher=words.launcher)
