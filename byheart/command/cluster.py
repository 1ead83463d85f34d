"""Commands that begin and follow runs on Kubeflow Pipelines."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byheart.command.options import Controls, Model, Pipeline, StoreOfCluster, Words
from byheart.command.parameters import MeasuringCommand, tell_apart

if TYPE_CHECKING:
    from byheart.kubeflow.client import Cluster

Run = Annotated[str, typer.Argument(help="The run's id, its beginning, the run's name, or its address in the UI.")]
Host = Annotated[
    str,
    typer.Option(
        envvar="KF_PIPELINES_ENDPOINT",
        help="The address of Kubeflow's UI or API, such as http://localhost:8080.",
        show_default="a pod's own Kubeflow, or that of your kubeconfig",
    ),
]
Namespace = Annotated[str, typer.Option(help="Your profile's namespace, where Kubeflow has several users.")]
Every = Annotated[float, typer.Option(min=0.01, max=86_400, help="How often to look, in seconds.")]
Root = Annotated[
    str, typer.Option(help="Where Kubeflow keeps artifacts, as gs://bucket/kubeflow.", show_default="as the run says")
]


def add_commands(app: typer.Typer) -> None:
    """Add them to the app."""
    app.command(cls=MeasuringCommand)(submit)
    for command in (status, wait, logs, cancel, fetch):
        app.command()(command)


def submit(
    words: Words = None,
    model: Model = "",
    control: Controls = None,
    store: StoreOfCluster = "",
    pipeline: Pipeline = None,
    name: Annotated[
        str, typer.Option(help="The run's name.", show_default="the run file's, or one with the time")
    ] = "",
    experiment: Annotated[
        str, typer.Option(help="Where the run stands in the UI.", show_default="the run file's, or byheart")
    ] = "",
    host: Host = "",
    namespace: Namespace = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Say what its tasks do, and end with 1 if the run fails.")
    ] = False,
    every: Every = 10.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Send nothing: say what would be sent, and what it would cost.")
    ] = False,
    price: Annotated[float | None, typer.Option(min=0, help="Of a chip-hour, in any currency, for --dry-run.")] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Submit a run file's content once, however often this is called.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0.01, max=86_400, help="How long --once waits for another attempt, in seconds.")
    ] = 120.0,
) -> None:
    """Submit a run to Kubeflow Pipelines.

    Its words are those of `byheart run`; books, model and store must be where the cluster reaches them.
    """
    from byheart.launch.pipeline_file import declared_by, open_pipeline
    from byheart.launch.submission import Submission

    request = tell_apart(words, model=model, controls=control, store=store)
    submission = Submission.of(request, declared_by(pipeline), name=name, experiment=experiment)
    with open_pipeline(pipeline, submission) as file:
        if dry_run:
            from byheart.launch.dry_run import dry_run as say_what_would_be

            say_what_would_be(submission, pipeline=file, price=price)
            return
        from byheart.launch.submit import submit as send

        send(
            submission,
            pipeline=file,
            host=host,
            namespace=namespace,
            once_seconds=patience if once else None,
            wait_seconds=every if wait else None,
        )


def status(run: Run, host: Host = "", namespace: Namespace = "") -> None:
    """Say what a run does."""
    from byheart.kubeflow.status import status as say_status

    say_status(_connect(host, namespace), run)


def wait(run: Run, host: Host = "", namespace: Namespace = "", every: Every = 10.0) -> None:
    """Follow a run to its end.

    It ends with 1 if the run fails.
    """
    from byheart.kubeflow.runs import find_run
    from byheart.kubeflow.watch import wait as follow

    cluster = _connect(host, namespace)
    follow(cluster, find_run(cluster, run), every)


def logs(
    run: Run,
    task: Annotated[str, typer.Option(help="A stage, such as extract.", show_default="all")] = "",
    host: Host = "",
    namespace: Namespace = "",
    root: Root = "",
) -> None:
    """Show what a run's stages said."""
    from byheart.kubeflow.logs import logs as show_logs
    from byheart.launch.story import Story

    with Story() as story:
        show_logs(_connect(host, namespace), run, task, show=story.show, root=root)


def cancel(run: Run, host: Host = "", namespace: Namespace = "") -> None:
    """End a run.

    What it has scored stays in the store.
    """
    from byheart.kubeflow.cancel import cancel as end

    end(_connect(host, namespace), run)


def fetch(
    run: Run,
    out: Annotated[Path, typer.Argument(help="The folder for the results.")],
    host: Host = "",
    namespace: Namespace = "",
    root: Root = "",
) -> None:
    """Bring the results of a run that has ended."""
    from byheart.launch.fetch import fetch as bring

    bring(_connect(host, namespace), run, out.expanduser(), root=root)
    print(f"results are in {out}")


def _connect(host: str, namespace: str) -> "Cluster":
    from byheart.kubeflow.client import Cluster

    return Cluster(host, namespace)
