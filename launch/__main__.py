"""The command line.

    python -m launch compile PIPELINE
    python -m launch run PIPELINE --books book.txt --model folder --store build/store --out out --set top_k=20
    python -m launch store ls | show ADDRESS | rm ADDRESS  --store build/store

`make compile`, `make run` and `make store` call it.
"""

import argparse
import json
import signal
import sys
import time
from pathlib import Path
from typing import Any

from components.contracts.errors import ByheartError, SettingsError
from components.contracts.progress import duration


def main() -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m launch", description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    compiling = commands.add_parser("compile", help="write the compiled pipeline")
    compiling.add_argument("pipeline", type=Path, help="the YAML file to write")
    compiling.set_defaults(command=_compile)

    running = commands.add_parser("run", help="run a compiled pipeline on this machine")
    running.add_argument("pipeline", type=Path, help="the compiled YAML file")
    running.add_argument("--books", nargs="+", required=True, help="text files, or folders of .txt files")
    running.add_argument("--controls", nargs="*", default=[], help="books that the model cannot have seen")
    running.add_argument("--model", required=True, help="a Hugging Face model folder")
    running.add_argument("--store", required=True, help="the folder, or gs://bucket/prefix, where scores are kept")
    running.add_argument("--out", required=True, help="the folder for the results")
    running.add_argument("--set", nargs="*", default=[], metavar="name=value", help="parameters of the pipeline")
    running.set_defaults(command=_run)

    storing = commands.add_parser("store", help="see what a store holds, and remove it")
    storing.add_argument("action", choices=("ls", "show", "rm"))
    storing.add_argument("address", nargs="?", default="", help="the beginning of an address, for show and rm")
    storing.add_argument("--store", required=True, help="a folder or gs://bucket/prefix")
    storing.add_argument("--yes", action="store_true", help="remove without asking")
    storing.set_defaults(command=_store)

    chosen = parser.parse_args()
    try:
        chosen.command(chosen)
    except ByheartError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\ninterrupted; finished parts are kept: run the same command again to go on", file=sys.stderr)
        return 130
    return 0


def _compile(chosen: argparse.Namespace) -> None:
    from launch.compile import compile_pipeline

    compile_pipeline(chosen.pipeline)
    print(f"wrote {chosen.pipeline}")


def _run(chosen: argparse.Namespace) -> None:
    from launch.local import run_local
    from launch.parameters import parse_place, parse_values, read_parameters

    started = time.monotonic()
    arguments: dict[str, Any] = {
        **parse_values(chosen.set, read_parameters(chosen.pipeline)),
        "books": [parse_place("books", book) for book in chosen.books],
        "controls": [parse_place("controls", book) for book in chosen.controls],
        "model": parse_place("model", chosen.model),
        "store": parse_place("store", chosen.store),
    }
    if "://" in chosen.out:
        raise SettingsError(f"out must be a local folder, found {chosen.out}: choose one and copy it there afterwards")
    out = Path(parse_place("out", chosen.out))
    run_local(chosen.pipeline, arguments, out)
    _show(out, time.monotonic() - started)


def _store(chosen: argparse.Namespace) -> None:
    from launch.store import list_scores, remove_scores, show_scores

    if chosen.action != "ls" and not chosen.address:
        raise SettingsError(f"store {chosen.action} needs an address, found none: `store ls` lists them")
    if chosen.action == "ls":
        list_scores(chosen.store)
    elif chosen.action == "show":
        show_scores(chosen.store, chosen.address)
    else:
        remove_scores(chosen.store, chosen.address, sure=chosen.yes)


def _show(out: Path, seconds: float) -> None:
    """Print where the results are, and the headline of each book."""
    provenance = json.loads((out / "provenance.json").read_text(encoding="utf-8"))
    for name, book in provenance["books"].items():
        numbers = json.loads((out / name / "statistics.json").read_text(encoding="utf-8"))
        headline, characters, plain = numbers["headline"], numbers["characters"], numbers["plain"]
        covered, found = plain["coverage_at"]["suffix"]["0.5"], plain["windows_at"]["0.001"]
        measurable = characters["suffix"]["measurable"] / characters["count"]
        print(f"\n{name}, {book['role']}, {book['characters']:,} characters, under {provenance['model']['source']}")
        what = f"of measurable characters ({measurable:.1%} of all) have p_z ≥ 0.5"
        print(f"  {covered['share_of_measurable']:7.1%}  {what}{_beside(covered)}")
        print(f"  {found['share']:7.1%}  of windows have p_z ≥ 0.001{_beside(found)}")
        print(f"  {headline['longest_passage_characters_at_0.5']:7,}  characters in the longest passage at p_z ≥ 0.5")
        print(f"  {out / name / 'heat_map.png'}, and {len(list((out / name).iterdir())) - 1} files beside it")
    print(f"\n{out / 'summary.csv'} sets the books side by side")
    print(f"{out / 'methods.md'} says what was measured, for a paper")
    print(f"{out / 'provenance.json'} says how; {duration(seconds)} in all")


def _beside(rate: dict[str, Any]) -> str:
    """A rate's interval and the control's rate, as far as there are any."""
    interval = f"95% interval {rate['interval'][0]:.0%} to {rate['interval'][1]:.0%}" if rate["interval"] else ""
    control = f"control {rate['control']:.1%}" if rate["control"] is not None else ""
    said = ", ".join(filter(None, (interval, control)))
    return f"; {said}" if said else ""


if __name__ == "__main__":
    for signalled in (signal.SIGINT, signal.SIGTERM):  # a shell's background job inherits SIGINT ignored
        signal.signal(signalled, signal.default_int_handler)
    sys.exit(main())
