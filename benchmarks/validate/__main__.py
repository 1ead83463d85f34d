"""Trains, measures, writes docs/validation.md and its picture, and says what held: `make validate`."""

import argparse
import dataclasses
import math
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.tables import format_power, format_table
from benchmarks.validate.claims import Check, conclude, judge
from benchmarks.validate.design import CURSOR_INC, FULL, MODELS, QUICK, Design
from benchmarks.validate.measure import BUILD, Measured, measure, measure_alone, train
from benchmarks.validate.numbers import Alarms, Dose, calibrate_passage, count_alarms, measure_doses
from benchmarks.validate.oracle import Oracle
from benchmarks.validate.picture import draw
from byheart.measures.calibration.calibrate import Calibration

DOCS = Path(__file__).parents[2] / "docs"
_PLACE = re.compile(r"(<!-- (doses|seeds|held), by `make validate` -->\n).*?(<!-- end -->)", re.DOTALL)
_ORACLE_PASSAGES, _ALONE = 5, 2
"""Of each dose: how many passages float64 NumPy scores, and how many are measured as files of their own."""


def main() -> int:
    """0 if everything held."""
    parser = argparse.ArgumentParser(prog="make validate", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed and two doses; writes no page")
    is_quick = parser.parse_args().quick
    scale, build = (QUICK, BUILD / "quick") if is_quick else (FULL, BUILD / "full")
    started = time.monotonic()
    doses: list[Dose] = []
    alarms = Alarms(documents=0, p_all=0, census=0)
    check = Check(windows=0, nats=0.0, files=0, unequal=())
    for seed in scale.documents:
        design, folder = Design.draw(seed, scale), build / f"seed-{seed}"
        trained = train(design, folder)
        models = [measure(design, model, trained[model], folder) for model in MODELS]
        doses += measure_doses(design, models)
        alarms = sum((count_alarms(design, measured) for measured in models), alarms)
        if not check.windows:
            check = check_by_other_means(design, models[0], folder)
        print(f"seed {seed}: done, {(time.monotonic() - started) / 60:.0f} minutes in all", flush=True)
    claims = judge(doses, alarms, check)
    last = conclude(claims)
    tables = {"doses": format_doses(doses), "seeds": format_seeds(doses), "held": f"> {last}\n"}
    print(*tables.values(), sep="\n")
    if not is_quick:
        page = DOCS / "validation.md"
        text = page.read_text(encoding="utf-8")
        page.write_text(_PLACE.sub(lambda found: f"{found[1]}{tables[found[2]]}{found[3]}", text), encoding="utf-8")
        draw(doses, DOCS / "pictures" / "validation.png")
        print(f"written: {page} and its picture")
    print(last)
    return int(not all(claim.holds for claim in claims))


def check_by_other_means(design: Design, measured: Measured, folder: Path) -> Check:
    """Some windows of each dose by float64 NumPy, and some passages as files of their own."""
    by_dose = {
        dose: [each for each in design.passages if each.dose == dose] for dose in (p.dose for p in design.passages)
    }
    oracle, differences = Oracle(measured.folder), []
    for passage in (passage for some in by_dose.values() for passage in some[:_ORACLE_PASSAGES]):
        document = measured.texts[passage.name]
        for number, log_p_z in zip(document.number.tolist(), document.log_p_z.tolist(), strict=True):
            differences.append(abs(oracle.score(passage.text, number * CURSOR_INC) - log_p_z))
    alone = {passage.name: passage.text for some in by_dose.values() for passage in some[:_ALONE]}
    results = measure_alone(alone, design.controls, measured.folder, folder)
    unequal = []
    for book in results.books:
        if book.book.name in alone:
            expected = calibrate_passage(design, measured, book.book.name)
            if not np.allclose(_list_claims(book.read_calibration()), _list_claims(expected), rtol=1e-6):
                unequal.append(book.book.name)
    return Check(windows=len(differences), nats=max(differences), files=len(alone), unequal=tuple(unequal))


def _list_claims(calibration: Calibration | None) -> list[float]:
    if calibration is None or calibration.windows_t is None or calibration.bands is None:
        raise ValueError("a passage must be calibrated against its controls, found that it is not")
    bits = calibration.book.numbers.bits_per_character or math.nan
    counts = dataclasses.astuple(calibration.bands.stretch_windows)
    return [calibration.p_all, calibration.windows_t.value, bits, *counts]


def format_doses(doses: Sequence[Dose]) -> str:
    """The table of doses, of all seeds together."""
    header = (
        *("copies", "passages", "median p_z, seen", "not seen", "windows with p_z ≥ 0.001", "bits a character, seen"),
        *("not seen", "AUC", "windows above the controls", "extractable", "claimed at 5%", "not seen"),
    )
    rows = []
    for copies in sorted({dose.copies for dose in doses}):
        some = [dose for dose in doses if dose.copies == copies]
        seen, unseen = (np.concatenate([getattr(dose, name) for dose in some]) for name in ("seen", "unseen"))
        windows = np.concatenate([dose.window_log10_p_z for dose in some])
        above, extractable = (sum(getattr(dose, name) for dose in some) for name in ("above_controls", "extractable"))
        claimed, claimed_unseen = (
            np.concatenate([getattr(dose, name) for dose in some]).mean() for name in ("claimed", "claimed_unseen")
        )
        rows.append(
            (
                f"{copies}",
                f"{len(seen)}",
                format_power(float(np.median(seen[:, 0]))),
                format_power(float(np.median(unseen[:, 0]))),
                f"{(windows >= -3).mean():.0%}",
                f"{seen[:, 2].mean():.2f}",
                f"{unseen[:, 2].mean():.2f}",
                f"{np.mean([dose.auc for dose in some]):.2f}",
                f"{above / len(windows):.0%}",
                f"{extractable / len(windows):.0%}",
                f"{claimed:.0%}",
                f"{claimed_unseen:.0%}",
            )
        )
    return format_table(header, rows)


def format_seeds(doses: Sequence[Dose]) -> str:
    """The table of seeds: what having seen a passage saves, and AUC."""
    seeds = sorted({dose.seed for dose in doses})
    rows = []
    for copies in sorted({dose.copies for dose in doses}):
        some = {dose.seed: dose for dose in doses if dose.copies == copies}
        gains = [some[seed].gain for seed in seeds]
        rows.append(
            (
                f"{copies}",
                *(f"{gain:.3f} ± {error:.3f}".replace("-", "−") for gain, error in gains),
                *(f"{some[seed].auc:.3f}" for seed in seeds),
            )
        )
    header = ("copies", *(f"bits saved, seed {seed}" for seed in seeds), *(f"AUC, seed {seed}" for seed in seeds))
    return format_table(header, rows)


if __name__ == "__main__":
    raise SystemExit(main())
