"""Texts in English syntax whose words nobody has met, so that no model can know them from elsewhere.

A text has a subject: names and words of its own that it repeats, some texts more than others. So texts differ in how
easy they are, as real ones do.
"""

from collections.abc import Sequence

import numpy as np

_ONSETS = "b br c ch cl d dr f fl g gr h j k l m n p pl qu r s sh sl st t th tr v w"
_VOWELS = "a a e e i o o u ai ea ee oo ou"
_CODAS = "b ck d ft g l ll lm m n nd ng nt p r rd rn s sk st t th x"
_CLASSES = {
    "noun": (300, 1, 2),
    "verb": (150, 1, 2),
    "adjective": (150, 1, 2),
    "name": (100, 2, 3),
    "adverb": (40, 1, 2),
}
"""How many words each class has, and their syllables at least and at most."""
_OWN_WORDS = {"noun": 10, "verb": 6, "adjective": 6, "name": 3, "adverb": 3}
_DETERMINERS = ("the", "the", "the", "a", "his", "her", "no", "every", "that")
_PLACES = ("in", "on", "under", "behind", "near", "over", "through", "against", "beside", "from")
_LINKS = ("and", "but", "while", "because", "so", "until")
_OPENINGS = ("When", "Before", "After", "Since", "Though", "Once")


class Language:
    """Words, the frequent ones first, and the sentences that are made of them."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        self._syllables = tuple(letters.split() for letters in (_ONSETS, _VOWELS, _CODAS))
        met: set[str] = set()
        self._words = {name: self._make_words(*shape, met) for name, shape in _CLASSES.items()}
        self._words["name"] = [word.capitalize() for word in self._words["name"]]
        self._words["adverb"] = [f"{word}ly" for word in self._words["adverb"]]
        self._own: dict[str, list[str]] = {}
        self._own_share = 0.0

    def write(self, characters: int) -> str:
        """A text of exactly so many characters; its last sentence is cut."""
        self._own_share = self._random.uniform(0.1, 0.5)
        self._own = {name: [self._draw_word(name) for _ in range(count)] for name, count in _OWN_WORDS.items()}
        sentences: list[str] = []
        length = 0
        while length <= characters:  # one more than the text has, since a space follows each sentence
            sentences.append(self._make_sentence())
            length += len(sentences[-1]) + 1
        return " ".join(sentences)[:characters]

    def _make_words(self, count: int, least: int, most: int, met: set[str]) -> list[str]:
        onsets, vowels, codas = self._syllables
        words: list[str] = []
        while len(words) < count:
            syllables = range(int(self._random.integers(least, most + 1)))
            word = "".join(self._pick(onsets) + self._pick(vowels) for _ in syllables) + self._pick(codas)
            if word not in met:
                met.add(word)
                words.append(word)
        return words

    def _pick(self, options: Sequence[str]) -> str:
        return options[int(self._random.random() * len(options))]

    def _draw_word(self, name: str) -> str:
        """A word of a class; the chance of the n-th most frequent is about proportional to 1/n."""
        words = self._words[name]
        return words[int((len(words) + 1) ** self._random.random()) - 1]

    def _word(self, name: str) -> str:
        return self._pick(self._own[name]) if self._random.random() < self._own_share else self._draw_word(name)

    def _chance(self, chance: float) -> bool:
        return bool(self._random.random() < chance)

    def _make_thing(self) -> str:
        if self._chance(0.3):
            return self._word("name")
        adjective = f"{self._word('adjective')} " if self._chance(0.4) else ""
        more = f" of {self._make_thing()}" if self._chance(0.15) else ""
        return f"{self._pick(_DETERMINERS)} {adjective}{self._word('noun')}{more}"

    def _make_clause(self) -> str:
        adverb = f" {self._word('adverb')}" if self._chance(0.2) else ""
        place = f" {self._pick(_PLACES)} {self._make_thing()}" if self._chance(0.4) else ""
        thing = "" if self._chance(0.25) else f" {self._make_thing()}"
        if self._chance(0.15):
            return f"{self._make_thing()} was {self._word('adjective')}{place}"
        return f"{self._make_thing()}{adverb} {self._word('verb')}ed{thing}{place}"

    def _make_sentence(self) -> str:
        clause = self._make_clause()
        if self._chance(0.35):
            clause = f"{clause}, {self._pick(_LINKS)} {self._make_clause()}"
        elif self._chance(0.2):
            clause = f"{self._pick(_OPENINGS)} {clause}, {self._make_clause()}"
        sentence = clause[0].upper() + clause[1:]
        return f'"{sentence}," said {self._word("name")}.' if self._chance(0.1) else f"{sentence}."
