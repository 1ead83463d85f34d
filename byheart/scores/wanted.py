"""What a run wants of each window and does not find in the store: its scores, and its logits if it keeps any."""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from byheart.scores.logits import LogitsStore
from byheart.scores.parts import Missing, Part
from byheart.scores.store import Reuse, ScoreStore

_NONE = np.empty(0, np.int32)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Wanted:
    """The windows of some parts that lack scores, and those that lack logits."""

    score_store: ScoreStore
    logits_store: LogitsStore | None
    """None if a run keeps no logits."""
    parts: Sequence[Part]
    scores: Mapping[Part, np.ndarray]
    """int32, ascending: the windows whose scores are missing, by part; a part that lacks none is absent."""
    logits: Mapping[Part, np.ndarray]
    """The same of logits; with `force` also the windows whose scores are computed again."""

    @classmethod
    def find(
        cls,
        parts: Iterable[Part],
        asked: Mapping[str, np.ndarray],
        reuse: Reuse,
        score_store: ScoreStore,
        logits_store: LogitsStore | None,
        with_logits: Collection[str],
    ) -> "Wanted":
        """What is missing of these parts.

        Args:
            asked: the selected windows by address, ascending; an address that is absent has all windows selected.
            with_logits: the addresses whose logits are kept.
        """
        parts = list(parts)
        scores = {item.part: item.windows for item in score_store.find_missing(parts, asked, reuse)}
        logits: dict[Part, np.ndarray] = {}
        if logits_store:
            kept = [part for part in parts if part.address in with_logits]
            logits = {item.part: item.windows for item in logits_store.find_missing(kept, asked)}
            if reuse.run:  # `extract` writes a window's logits before its scores: with these, those are this run's too
                again = {part: np.union1d(logits.get(part, _NONE), scores.get(part, _NONE)) for part in kept}
                logits = {part: windows for part, windows in again.items() if len(windows)}
        return cls(score_store=score_store, logits_store=logits_store, parts=parts, scores=scores, logits=logits)

    @property
    def missing_scores(self) -> list[Missing]:
        """The windows whose scores are missing."""
        return [Missing(part=part, windows=windows) for part, windows in self.scores.items()]

    @property
    def missing(self) -> list[Missing]:
        """The windows that lack either, in the order of the parts."""
        either = {
            part: np.union1d(self.scores.get(part, _NONE), self.logits.get(part, _NONE)).astype(np.int32)
            for part in self.parts
        }
        return [Missing(part=part, windows=windows) for part, windows in either.items() if len(windows)]

    @property
    def logits_bytes(self) -> int:
        """The bytes of the logits that are missing."""
        if not self.logits_store:
            return 0
        return self.logits_store.kept.window_bytes * sum(map(len, self.logits.values()))

    def find_still_missing(self, missing: Missing, reuse: Reuse) -> np.ndarray:
        """The windows, of some that lacked either, that still do."""
        part, windows = missing.part, missing.windows
        scores = Missing(part=part, windows=np.intersect1d(windows, self.scores.get(part, _NONE)))
        still = self.score_store.find_still_missing(scores, reuse) if len(scores.windows) else _NONE
        if self.logits_store:
            logits = Missing(part=part, windows=np.intersect1d(windows, self.logits.get(part, _NONE)))
            still = np.union1d(still, self.logits_store.find_still_missing(logits))
        return still.astype(np.int32)
