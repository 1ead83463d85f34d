"""Commands for runs on Kubeflow Pipelines: submit, status, wait, logs, cancel, fetch."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from byheart.command.options import Choices, Controls, Models, Pipeline, StoreOfCluster, Words
from byheart.command.parameters import MeasuringCommand, read_request

if TYPE_CHECKING:
    from byheart.kubeflow.client import Cluster

Run = Annotated[str, typer.Argument(help="The run's id, its beginning, the run's name, or its address in the UI.")]
Host = Annotated[
    str,
    typer.Option(
        envvar="KF_PIPELINES_ENDPOINT",
        help="The address of Kubeflow's UI or API, such as http://localhost:8080.",
        show_default="the Kubeflow of this pod or of your kubeconfig",
    ),
]
Namespace = Annotated[str, typer.Option(help="Your profile's namespace, where Kubeflow has several users.")]
Every = Annotated[float, typer.Option(min=0.01, max=86_400, help="How often to look, in seconds.")]
Root = Annotated[
    str, typer.Option(help="Where Kubeflow keeps artifacts, as gs://bucket/kubeflow.", show_default="as the run says")
]


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command(cls=MeasuringCommand)(submit)
    for command in (status, wait, logs, cancel, fetch):
        app.command()(command)


def submit(
    words: Words = None,
    model: Models = None,
    control: Controls = None,
    store: StoreOfCluster = "",
    pipeline: Pipeline = None,
    choices: Choices = True,
    name: Annotated[
        str, typer.Option(help="The run's name.", show_default="the run file's, or one with the time")
    ] = "",
    experiment: Annotated[
        str, typer.Option(help="Where the run stands in the UI.", show_default="the run file's, or byheart")
    ] = "",
    host: Host = "",
    namespace: Namespace = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Print what its tasks do, and end with exit code 1 if it fails.")
    ] = False,
    every: Every = 10.0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Submit nothing: print what would be sent, and its cost.")
    ] = False,
    price: Annotated[
        float | None, typer.Option(min=0, help="For --dry-run: the price of a chip-hour, in any currency.")
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Submit a run file's content at most once, however often this is called.")
    ] = False,
    patience: Annotated[
        float, typer.Option(min=0.01, max=86_400, help="How long --once waits for another attempt, in seconds.")
    ] = 120.0,
) -> None:
    """Submit a run to Kubeflow Pipelines.

    It takes the words of `byheart run`; the cluster must be able to reach the books, the model and the store.
    """
    from byheart.launch.pipeline_file import open_pipeline, read_declared
    from byheart.launch.submission import Submission

    request = read_request(words, model=model, controls=control, store=store)
    submission = Submission.of(request, read_declared(pipeline), name=name, experiment=experiment)
    with open_pipeline(pipeline, submission, choices=choices) as file:
        if dry_run:
            from byheart.launch.dry_run import print_dry_run

            print_dry_run(submission, pipeline=file, price=price)
            return
        from byheart.launch.submit import submit_run

        submit_run(
            submission,
            pipeline=file,
            host=host,
            namespace=namespace,
            once_seconds=patience if once else None,
            wait_seconds=every if wait else None,
        )


def status(run: Run, host: Host = "", namespace: Namespace = "") -> None:
    """Print the state of a run and of its tasks."""
    from byheart.kubeflow.status import print_status

    print_status(_connect(host, namespace), run)


def wait(run: Run, host: Host = "", namespace: Namespace = "", every: Every = 10.0) -> None:
    """Follow a run to its end.

    It ends with exit code 1 if the run fails.
    """
    from byheart.kubeflow.runs import find_run
    from byheart.kubeflow.watch import wait as follow

    cluster = _connect(host, namespace)
    follow(cluster, find_run(cluster, run).run_id, every)


def logs(
    run: Run,
    task: Annotated[str, typer.Option(help="A stage, such as extract.", show_default="all")] = "",
    host: Host = "",
    namespace: Namespace = "",
    root: Root = "",
) -> None:
    """Print what a run's stages said."""
    from byheart.kubeflow.logs import show_logs
    from byheart.launch.display import Display

    with Display() as display:
        show_logs(_connect(host, namespace), run, task, show=display.show, root=root)


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
    """Download the results of a run that has ended."""
    from byheart.launch.fetch import fetch_run

    fetch_run(_connect(host, namespace), run, out.expanduser(), root=root)
    print(f"results are in {out}")


def _connect(host: str, namespace: str) -> "Cluster":
    from byheart.kubeflow.client import Cluster

    return Cluster(host, namespace)
