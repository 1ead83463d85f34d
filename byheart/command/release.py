"""Commands that write or build what a cluster runs: compile, images, manifests."""

from pathlib import Path
from typing import Annotated, Any

import typer

from byheart.command.options import Choices


def add_commands(app: typer.Typer) -> None:
    """Add these commands to the app."""
    app.command("compile")(compile_)
    app.command()(images)
    app.command()(manifests)


Jax = Annotated[str, typer.Option(envvar="BYHEART_JAX", help="The flavour of extract's image: tpu, cuda12 or cpu.")]


def compile_(
    pipeline: Annotated[Path, typer.Argument(help="The YAML file to write.")] = Path("build/pipeline.yaml"),
    jax: Jax = "tpu",
    queue: Annotated[
        str, typer.Option(envvar="BYHEART_QUEUE", help="Kueue's LocalQueue for the pods that score.")
    ] = "",
    timeout_hours: Annotated[
        int, typer.Option(envvar="BYHEART_TIMEOUT_HOURS", help="The most hours that one attempt to score may take.")
    ] = 24,
    deadline_hours: Annotated[
        int, typer.Option(envvar="BYHEART_DEADLINE_HOURS", help="The most hours that a run may take; 0 for no limit.")
    ] = 0,
    retries: Annotated[int, typer.Option(envvar="BYHEART_RETRIES", help="How often scoring is tried again.")] = 30,
    tmp_size: Annotated[str, typer.Option(envvar="BYHEART_TMP_SIZE", help="The size of each pod's /tmp.")] = "4Gi",
    run_as: Annotated[
        int,
        typer.Option(
            envvar="BYHEART_RUN_AS",
            help="The user of the container that scores; 0 is root, which Kubeflow after 2.17.0 refuses.",
        ),
    ] = 65532,
    choices: Choices = True,
) -> None:
    """Write the pipeline for Kubeflow."""
    from byheart.launch.compile import compile_pipeline
    from byheart.launch.images import describe_outdated_push
    from byheart.pipeline import Fixed

    fixed: dict[str, Any] = {"queue": queue, "timeout_hours": timeout_hours, "deadline_hours": deadline_hours}
    compile_pipeline(pipeline, Fixed(**fixed, retries=retries, tmp_size=tmp_size, run_as=run_as), jax, choices=choices)
    print(f"wrote {pipeline}")
    if outdated := describe_outdated_push():
        print(f"note: {outdated}")


def images(
    jax: Jax = "tpu",
    base: Annotated[str, typer.Option(help="The image to build them on.", show_default="the Dockerfile's")] = "",
    push: Annotated[str, typer.Option(metavar="REGISTRY", help="Push them there, and write images/digests.json.")] = "",
) -> None:
    """Build the stages' images, and push them.

    It needs Docker, and a checkout, whose commit becomes their tag.
    """
    from byheart.launch.images import build_images, push_images

    if push:
        push_images(push, jax, base)
    else:
        build_images(jax, base)


def manifests(
    pipeline: Annotated[Path, typer.Option(help="What `byheart compile` wrote, which the Jobs submit.")] = Path(
        "build/pipeline.yaml"
    ),
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail if a manifest is not current.")] = False,
) -> None:
    """Write the manifests that GitOps applies.

    These are a Job for each run file in k8s/runs of a checkout, and the pipeline itself.
    """
    from byheart.launch.manifests import check_manifests, write_manifests

    (check_manifests if check else write_manifests)(pipeline)
