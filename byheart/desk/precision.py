"""Compares the scores of a model on this machine in 32 and in 16 bits."""

import dataclasses

import numpy as np

from byheart.components.download.gguf.find import find_gguf
from byheart.components.download.model import bring_model
from byheart.components.extract.rounding import ALLOWED, count_crossings, measure_shift
from byheart.components.extract.trial import Trial, find_own_accelerator
from byheart.components.tokenize.run import find_bos_id
from byheart.components.tokenize.tokenizer import load_tokenizer
from byheart.components.tokenize.windows import slide
from byheart.contracts.errors import BookError, ModelError
from byheart.contracts.progress import read_by_people
from byheart.contracts.setting_groups import ScoreSettings, WindowSettings
from byheart.desk.check import FLOOR, FULL, HALF, SAMPLES, describe_machine, format_share, score_in_precision
from byheart.models.adapted import open_described_model
from byheart.models.adapter import is_adapter_at
from byheart.models.address import HubAddress
from byheart.models.folder import ModelFolder, open_model
from byheart.store import open_store

_BOOK = "the-soap-winter.txt"
_LEAST = 1e-6
"""Nats: what is nearer than that is not called nearer still."""
_AS_FAST = 0.95
"""A speed over another from which on the two are called equal: rates of a second vary by some percent."""


def compare_precisions(
    model: str, *, book: str, windows: int, window: WindowSettings, score: ScoreSettings, store: str
) -> None:
    """Score windows of a text in 32 and in 16 bits on this machine, and print how much they differ.

    Args:
        model: a folder or a GGUF file, local or at gs://, a name of models.yaml, or a repository on the Hub.
        book: a text file in UTF-8, local or at gs://; empty for the sample's.
        windows: about how many are scored, evenly spread over the text.
        store: where a model from the Hub is kept.

    Raises:
        BookError: the text cannot be read, or is too short for a window.
        ModelError: the model cannot be used, or does not fit in float32.
    """
    accelerator = find_own_accelerator()
    with read_by_people():
        is_brought = HubAddress.parse(model) or find_gguf(model) or is_adapter_at(open_store(model, "model"))
        brought = bring_model(model, store) if is_brought else None
    address = brought.address if brought else model
    folder = open_described_model(brought) if brought else open_model(address)
    folder.check_tensors()
    token_ids, scored_tokens = _make_windows(book or str(SAMPLES / _BOOK), folder, address, windows, window)
    print(describe_machine(accelerator))
    print(f"{len(token_ids):,} windows of {book or 'the sample'} under {model}: log p_z against {FULL}, in nats")
    exact = score_in_precision(folder, token_ids, accelerator, score, FULL, scored_tokens)
    rows, trials = [_format_row(exact, exact)], {}
    for precision in ALLOWED:
        try:
            trials[precision] = score_in_precision(folder, token_ids, accelerator, score, precision, scored_tokens)
            rows.append(_format_row(trials[precision], exact))
        except ModelError as error:  # float16 ends at 65,504, which some models exceed
            rows.append(f"| {precision} | {error.message} |||||||| ".rstrip())
    print(
        f"| precision | median | 95% | largest | p_z crosses {FLOOR} | crosses {HALF} | p_z ≥ {FLOOR} | p_z ≥ {HALF} "
        "| windows/s |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    print(*rows, sep="\n")
    if "bfloat16" in trials:
        print(advise(exact, trials["bfloat16"], trials.get("float16")))


def advise(exact: Trial, bfloat16: Trial, float16: Trial | None) -> str:
    """Whether float16 does better for a model than bfloat16, in a line.

    Args:
        float16: None where its scores were not finite.
    """
    if float16 is None:
        return "float16 does not do for this model: its numbers end at 65,504, and here the model's go beyond"
    near, far = (measure_shift(exact.log_p_z, trial.log_p_z) for trial in (float16, bfloat16))
    speed = float16.windows_per_second / bfloat16.windows_per_second
    if not (near.median < far.median and near.largest < far.largest):
        return "float16 is no nearer to float32 than bfloat16 is"
    nearer = f"float16 is {far.median / max(near.median, _LEAST):.1f} times nearer to float32 than bfloat16 is (median)"
    if speed < _AS_FAST:
        return f"{nearer}, at {speed:.0%} of its speed"
    return (
        f"{nearer}, and as fast: precision=float16 does better. A run stops where a number goes beyond 65,504: none of "
        "these windows came to that"
    )


def _format_row(trial: Trial, exact: Trial) -> str:
    shift = measure_shift(exact.log_p_z, trial.log_p_z)
    cells = [
        trial.precision,
        *(f"{nats:.1g}" for nats in (shift.median, shift.most, shift.largest)),
        *(f"{count_crossings(exact.log_p_z, trial.log_p_z, threshold):,}" for threshold in (FLOOR, HALF)),
        *(format_share(trial.log_p_z, threshold) for threshold in (FLOOR, HALF)),
        f"{trial.windows_per_second:,.3g}",
    ]
    return f"| {' | '.join(cells)} |"


def _make_windows(
    book: str, model: ModelFolder, address: str, wanted: int, settings: WindowSettings
) -> tuple[np.ndarray, int]:
    """The model input of windows spread over a text, int32 [W, T], and the number of scored tokens in each."""
    text = _read_text(book)
    tokenizer = load_tokenizer(address)
    bos_id = find_bos_id(settings.bos, model, tokenizer)
    scored_tokens = settings.count_scored_tokens(has_bos=bos_id is not None)
    spread = dataclasses.replace(settings, cursor_inc=max(1, len(text) // wanted))
    rows = slide(text, tokenizer.encode, spread, scored_tokens=scored_tokens, cuts=tokenizer.cuts).token_ids
    if not len(rows):
        raise BookError(f"{book} must be long enough for a window, found {len(text):,} characters: name a longer one")
    rows = rows[:, : settings.prompt_tokens + scored_tokens]
    return rows if bos_id is None else np.insert(rows, 0, bos_id, axis=1), scored_tokens


def _read_text(book: str) -> str:
    folder, slash, name = book.rpartition("/")
    store = open_store(folder or slash or ".", "books")
    if not store.find(name):
        raise BookError(f"{book} must be a text file, found none: check its name", parameter="books")
    try:
        return store.read(name).decode()
    except UnicodeDecodeError:
        raise BookError(f"{book} must be text in UTF-8, found other bytes: convert it", parameter="books") from None
