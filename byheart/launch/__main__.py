"""The command line.

    python -m byheart.launch compile PIPELINE --queue scores
    python -m byheart.launch images --jax tpu --push europe-docker.pkg.dev/project/folder
    python -m byheart.launch run PIPELINE --books book.txt --model folder --store build/store --out out --set top_k=20
    python -m byheart.launch plan --model llama-3.1-8b --accelerator v6e-2x4 --books book.txt --set mesh_shape=1x8
    python -m byheart.launch submit k8s/runs/novels.yaml --wait
    python -m byheart.launch submit books='["gs://bucket/book.txt"]' model=llama-3.1-8b store=gs://bucket/byheart
    python -m byheart.launch manifests PIPELINE --check
    python -m byheart.launch store ls | show ADDRESS | rm ADDRESS  --store build/store

`make compile`, `make images`, `make push`, `make run`, `make plan`, `make submit`, `make manifests` and `make store`
call it.
"""

import argparse
import signal
import sys
import time
from pathlib import Path
from typing import Any

from byheart.contracts.errors import ByheartError, IncompleteError, SettingsError


def main() -> int:
    """Run one command; the exit code, which is the command's where it has one."""
    parser = argparse.ArgumentParser(prog="python -m byheart.launch", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    compiling = commands.add_parser("compile", help="write the compiled pipeline", argument_default=argparse.SUPPRESS)
    compiling.add_argument("pipeline", type=Path, help="the YAML file to write")
    compiling.add_argument("--jax", default="tpu", help="the flavour of extract's image: tpu, cuda12 or cpu")
    compiling.add_argument("--queue", help="Kueue's LocalQueue for the pods that score")
    compiling.add_argument("--timeout-hours", type=int, help="of an attempt to score")
    compiling.add_argument("--retries", type=int, help="how often scoring is tried again")
    compiling.add_argument("--tmp-size", help="of each pod's /tmp")
    compiling.add_argument("--run-as", type=int, help="the user that scores; 0 is root")
    compiling.set_defaults(command=_compile)

    building = commands.add_parser("images", help="build the stages' images, and push them")
    building.add_argument("--jax", default="tpu", help="the flavour of extract's image: tpu, cuda12 or cpu")
    building.add_argument("--base", default="", help="the image to build them on")
    building.add_argument("--push", metavar="REGISTRY", help="push them there, and write images/digests.json")
    building.set_defaults(command=_images)

    running = commands.add_parser("run", help="run a compiled pipeline on this machine")
    running.add_argument("pipeline", type=Path, help="the compiled YAML file")
    running.add_argument("--books", nargs="+", required=True, help="files, folders, globs, @lists (docs/books.md)")
    running.add_argument("--controls", nargs="*", default=[], help="books that the model cannot have seen")
    running.add_argument("--model", required=True, help="on the Hub, in models.yaml, or a folder (docs/models.md)")
    running.add_argument("--store", required=True, help="the folder, or gs://bucket/prefix, for models and scores")
    running.add_argument("--out", required=True, help="the folder for the results")
    running.add_argument("--set", nargs="*", default=[], metavar="name=value", help="parameters of the pipeline")
    running.set_defaults(command=_run)

    planning = commands.add_parser("plan", help="say what fits on an accelerator, how fast it is and what it costs")
    planning.add_argument("--model", required=True, help="a folder with config.json, in models.yaml, or on the Hub")
    planning.add_argument("--accelerator", default="", help="generation and topology, such as v6e-2x4; none compares")
    planning.add_argument("--books", nargs="*", default=[], help="files, folders, globs; none is a book of some length")
    planning.add_argument("--set", nargs="*", default=[], metavar="name=value", help="parameters, and mesh_shape")
    planning.add_argument("--order", type=Path, help="a file to write for a compilation ahead of time, where it fits")
    planning.set_defaults(command=_plan)

    submitting = commands.add_parser("submit", help="submit a run to Kubeflow Pipelines")
    submitting.add_argument("what", nargs="+", metavar="RUN_FILE | name=value", help="one run file, or parameters")
    submitting.add_argument("--pipeline", type=Path, default=Path("build/pipeline.yaml"), help="the compiled YAML file")
    submitting.add_argument("--experiment", default="", help="where it stands in the UI; byheart")
    submitting.add_argument("--name", default="", help="the run's name; the file's, or one with the time")
    submitting.add_argument("--host", default="", help="such as http://localhost:8080; else KF_PIPELINES_ENDPOINT")
    submitting.add_argument("--namespace", default="", help="of your profile, where Kubeflow has several users")
    submitting.add_argument("--wait", action="store_true", help="say what the tasks do, and fail if the run fails")
    submitting.add_argument("--every", type=_seconds, default=10.0, metavar="SECONDS", help="how often --wait looks")
    submitting.add_argument("--once", action="store_true", help="submit a run file's content once and never again")
    submitting.add_argument(
        "--patience", type=_seconds, default=120.0, metavar="SECONDS", help="how long --once waits for another attempt"
    )
    submitting.set_defaults(command=_submit)

    writing = commands.add_parser("manifests", help="write what GitOps applies: a Job for each run file")
    writing.add_argument("pipeline", type=Path, help="the compiled YAML file")
    writing.add_argument("--check", action="store_true", help="write nothing; fail where it is not current")
    writing.set_defaults(command=_manifests)

    storing = commands.add_parser("store", help="see what a store holds, and remove it")
    storing.add_argument("action", choices=("ls", "show", "rm"))
    storing.add_argument("address", nargs="?", default="", help="the beginning of an address, for show and rm")
    storing.add_argument("--store", required=True, help="a folder or gs://bucket/prefix")
    storing.add_argument("--yes", action="store_true", help="remove without asking")
    storing.set_defaults(command=_store)

    chosen = parser.parse_args()
    try:
        return chosen.command(chosen) or 0
    except ByheartError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as stop:
        going_on = (
            str(stop)
            or "what was scored is kept: run the same command again to go on (with force=true, from the start)"
        )
        print(f"\ninterrupted; {going_on}", file=sys.stderr)
        return 130


def _compile(chosen: argparse.Namespace) -> None:
    from byheart.launch.compile import compile_pipeline
    from byheart.launch.images import changed_since_push
    from byheart.pipeline import Fixed

    fixed = {name: value for name, value in vars(chosen).items() if name not in ("pipeline", "command", "jax")}
    compile_pipeline(chosen.pipeline, Fixed(**fixed), chosen.jax)
    print(f"wrote {chosen.pipeline}")
    if pushed := changed_since_push():
        print(f"note: the images are of commit {pushed:.12}, and the stages have changed since: make push builds anew")


def _images(chosen: argparse.Namespace) -> None:
    from byheart.launch.images import build_images, push_images

    if chosen.push is None:
        build_images(chosen.jax, chosen.base)
    else:
        push_images(chosen.push, chosen.jax, chosen.base)


def _run(chosen: argparse.Namespace) -> None:
    from byheart.launch.compiled import read_compiled
    from byheart.launch.local import run_local
    from byheart.launch.parameters import parse_place, parse_values
    from byheart.launch.results import show_results

    started = time.monotonic()
    compiled = read_compiled(chosen.pipeline)
    values: dict[str, Any] = {
        **parse_values(chosen.set, compiled),
        "books": [parse_place("books", book) for book in chosen.books],
        "controls": [parse_place("controls", book) for book in chosen.controls],
        "model": parse_place("model", chosen.model),
        "store": parse_place("store", chosen.store),
    }
    if "://" in chosen.out:
        raise SettingsError(f"out must be a local folder, found {chosen.out}: choose one and copy it there afterwards")
    out = Path(parse_place("out", chosen.out))
    try:
        run_local(values, out)
    except IncompleteError:
        show_results(out, time.monotonic() - started)
        raise
    show_results(out, time.monotonic() - started)


def _plan(chosen: argparse.Namespace) -> int:
    from byheart.launch.plan import plan

    return 0 if plan(chosen.model, chosen.accelerator, chosen.books, chosen.set, chosen.order) else 1


def _submit(chosen: argparse.Namespace) -> None:
    from byheart.launch.submit import submit

    submit(
        chosen.what,
        pipeline=chosen.pipeline,
        experiment=chosen.experiment,
        name=chosen.name,
        host=chosen.host,
        namespace=chosen.namespace,
        once_seconds=chosen.patience if chosen.once else None,
        wait_seconds=chosen.every if chosen.wait else None,
    )


def _manifests(chosen: argparse.Namespace) -> None:
    from byheart.launch.manifests import check_manifests, write_manifests

    (check_manifests if chosen.check else write_manifests)(chosen.pipeline)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < 86_400:
        raise argparse.ArgumentTypeError(f"must be some seconds, found {text}")
    return seconds


def _store(chosen: argparse.Namespace) -> None:
    from byheart.launch.store import list_scores, remove_scores, show_scores

    if chosen.action != "ls" and not chosen.address:
        raise SettingsError(f"store {chosen.action} needs an address, found none: `store ls` lists them")
    if chosen.action == "ls":
        list_scores(chosen.store)
    elif chosen.action == "show":
        show_scores(chosen.store, chosen.address)
    else:
        remove_scores(chosen.store, chosen.address, sure=chosen.yes)


if __name__ == "__main__":
    for signalled in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits SIGINT ignored
        signal.signal(signalled, signal.default_int_handler)
    sys.exit(main())
