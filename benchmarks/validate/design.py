"""What each of two models is trained on: every passage is planted in one of them, and the other has filler there.

    places of the training text    1      2      3      4      5    ...
    model A                        p7     filler p2     p7     filler
    model B                        filler p5     filler filler p5

p7 and p2 belong to the half that A sees, p5 to B's. So each passage is its own control: the same words under the same
settings, in a model that has seen as many tokens at the same places, and not these. A passage of dose 0 belongs to a
half too, which nothing depends on: what it shows is the noise of the comparison.
"""

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.validate.language import Language

MODELS = ("A", "B")
CURSOR_INC = 80
PASSAGE = 8 * CURSOR_INC
"""Characters of a passage with its end: some 150 tokens, in which three windows of 100 tokens lie, or four."""
CONTROLS = 19
"""With as many, a claim at 5% is possible: 1 in 20."""
_DOCUMENT = (8, 16)
"""The fewest cursors in a document that is not planted, and the most: lengths differ, as they do among books."""
_FOR_TOKENIZER = 200
"""Texts that the tokenizer is made of; none is planted or measured."""
END = "\n\n"
"""Comes after each text, in training and in the files that are measured."""
_MORE = 1.5
"""So much longer is a filler written than its passage, so that it has enough tokens."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is measured."""

    documents: dict[int, int]
    """Of each seed, how many are never planted and stand for books in the count of false alarms."""
    doses: tuple[int, ...]
    """How often passages are planted, ascending; the first is 0."""
    passages: int
    """Of each dose and seed."""


FULL = Scale(documents={0: 668, 1: 666, 2: 666}, doses=(0, 1, 4, 16, 64), passages=128)
QUICK = Scale(documents={0: 200}, doses=(0, 64), passages=32)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Passage:
    """A text that is planted, or could have been."""

    name: str
    text: str
    dose: int
    seen_by: str
    """The model in which it is planted."""


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Design:
    """The texts of one seed. Which text is which depends on the seed alone."""

    seed: int
    passages: tuple[Passage, ...]
    controls: dict[str, str]
    """By name; no model sees them."""
    documents: dict[str, str]
    """By name; no model sees them."""
    for_tokenizer: tuple[str, ...]
    language: Language
    """Goes on to write fillers."""

    @classmethod
    def draw(cls, seed: int, scale: Scale) -> "Design":
        """The texts of a seed."""
        language = Language(np.random.default_rng([seed, 0]))
        random = np.random.default_rng([seed, 1])

        def write_documents(kind: str, count: int) -> dict[str, str]:
            lengths = CURSOR_INC * random.integers(_DOCUMENT[0], _DOCUMENT[1] + 1, count) - len(END)
            return {f"{kind}-{number:03}": language.write(int(length)) for number, length in enumerate(lengths)}

        return cls(
            seed=seed,
            passages=tuple(
                Passage(
                    name=f"passage-{dose:02}-{number:03}",
                    text=language.write(PASSAGE - len(END)),
                    dose=dose,
                    seen_by=MODELS[number % len(MODELS)],
                )
                for dose in scale.doses
                for number in range(scale.passages)
            ),
            controls=write_documents("control", CONTROLS),
            documents=write_documents("document", scale.documents[seed]),
            for_tokenizer=tuple(language.write(PASSAGE) for _ in range(_FOR_TOKENIZER)),
            language=language,
        )

    def write_training(self, encode: Callable[[Sequence[str]], list[list[int]]]) -> dict[str, np.ndarray]:
        """int32: the tokens that each model is trained on, in this order; the models' are equally many.

        Args:
            encode: the tokens of each of several texts.
        """
        passages = encode([passage.text + END for passage in self.passages])
        places = np.repeat(np.arange(len(self.passages)), [passage.dose for passage in self.passages])
        np.random.default_rng([self.seed, 2]).shuffle(places)
        fillers = encode([self.language.write(int(_MORE * PASSAGE)) + END for _ in places])

        def fill(place: int, index: int, model: str) -> list[int]:
            if self.passages[index].seen_by == model:
                return passages[index]
            filler, length = fillers[place], len(passages[index])
            if len(filler) < length:
                raise ValueError(f"a filler of {len(filler)} tokens must be cut to {length}: write longer ones")
            return [*filler[: length - 1], passages[index][-1]]  # which ends the text

        return {
            model: np.concatenate(
                [np.array(fill(place, int(index), model), np.int32) for place, index in enumerate(places)]
            )
            for model in MODELS
        }
