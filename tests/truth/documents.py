"""Made-up documents that no model has seen: token costs of a two-state chain, a scale of their own, some quotations."""

import numpy as np

from byheart.measures.calibration.stretches import Document

SUFFIX, STEP, CHARACTERS = 50, 5, 2
"""Tokens of a suffix, tokens from cursor to cursor, characters of a token."""


def draw_documents(
    random: np.random.Generator, windows: np.ndarray, *, quotations: float = 0.5, scale: float = 1.0, planted: float = 0
) -> list[Document]:
    """A document for each number of `windows`.

    Tokens are easy (0.7 nats in the mean) or hard (3), and change with a chance of 1 in 12. A document's costs are
    multiplied by a scale of its own. A quotation is 60 to 120 tokens that cost next to nothing.

    Args:
        windows: int [D].
        quotations: how many there are in the mean in 1,000 tokens; Poisson.
        scale: multiplies the costs of all documents.
        planted: the share of windows that have p_z = 0.5, in runs of five.
    """
    longest = int(windows.max()) * STEP + SUFFIX
    shape = (len(windows), longest)
    is_hard = (random.integers(2, size=(len(windows), 1)) + np.cumsum(random.random(shape) < 1 / 12, axis=1)) % 2
    own = scale * np.exp(random.normal(0, 0.1, (len(windows), 1)))
    costs = own * random.exponential(np.where(is_hard, 3.0, 0.7))
    for row, count in enumerate(random.poisson(quotations * windows * STEP / 1000)):
        for start in random.integers(0, windows[row] * STEP, count):
            tokens = int(random.integers(60, 120))
            costs[row, start : start + tokens] = random.exponential(0.01, len(costs[row, start : start + tokens]))
        for start in STEP * random.integers(0, windows[row], round(planted * windows[row] / 5)):
            costs[row, start : start + SUFFIX + 4 * STEP] = np.log(2) / SUFFIX
    sums = np.concatenate([np.zeros((len(windows), 1)), np.cumsum(costs, axis=1)], axis=1)
    log_p_z = -(sums[:, SUFFIX:] - sums[:, :-SUFFIX])[:, ::STEP]
    return [make_document(str(name), log_p_z[name, :count]) for name, count in enumerate(windows)]


def make_document(name: str, log_p_z: np.ndarray) -> Document:
    """A document whose windows have these scores; its text does not matter."""
    start = np.arange(len(log_p_z)) * STEP * CHARACTERS
    return Document(
        name=name,
        text="x " * (int(start[-1]) // 2 + SUFFIX),
        number=np.arange(len(log_p_z)),
        start=start,
        suffix_start=start,
        stop=start + SUFFIX * CHARACTERS,
        log_p_z=log_p_z,
        repetitive=np.zeros(len(log_p_z), bool),
        book_overlap=np.zeros(len(log_p_z), np.float32),
    )
