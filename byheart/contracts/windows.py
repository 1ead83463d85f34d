"""The windows of a book, and how they were tokenized."""

import dataclasses

import numpy as np

from byheart.contracts import parquet
from byheart.contracts.errors import DamagedError
from byheart.contracts.model import TokenizerIdentity

_COLUMNS = (
    *("cursor", "start", "suffix_start", "stop", "prompt_tokens", "suffix_tokens", "flagged", "spill"),
    *("token_ids", "token_stops"),
)


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """The windows of one book, in the order of their cursors; W windows of T tokens.

    Positions count the book's characters; spans are half-open.

        cursor = start     suffix_start            stop
          |                     |                   |
          v  prompt tokens      v  scored tokens    v
        ..[T][he ][fer][ryman ] [did][ not][ ans][wer].. the slice goes on

    With `suffix_characters`, windows have as many tokens as their characters take. Then T is the most of any window,
    and behind the tokens of a shorter one are ids -1, at its stop.
    """

    cursor: np.ndarray
    """int64 [W]: where the slice begins."""
    start: np.ndarray
    """int64 [W]: where the first token begins."""
    suffix_start: np.ndarray
    """int64 [W]: where the last prompt token stops."""
    stop: np.ndarray
    """int64 [W]: where the last scored token stops."""
    prompt_tokens: np.ndarray
    """int32 [W]: how many tokens the prompt has."""
    suffix_tokens: np.ndarray
    """int32 [W]: how many tokens are scored."""
    flagged: np.ndarray
    """bool [W]: whether, with `suffix_characters`, prompt or suffix does not stop at a common boundary: there is none
    in reach, or this tokenizer does not cut there."""
    spill: np.ndarray
    """int32 [W]: of such a window, how many characters prompt and suffix go beyond where they were to stop."""
    token_ids: np.ndarray
    """int32 [W, T]: without the BOS; -1 behind a shorter window."""
    token_stops: np.ndarray
    """int64 [W, T]: where each token stops; never decreases along a window."""
    dropped_tail: int
    """Cursors without a window because the book ends before the slice has enough tokens."""
    dropped_inside: int
    """Cursors without a window although the slice has its full length."""

    def __len__(self) -> int:
        return len(self.cursor)

    def columns(self) -> dict[str, np.ndarray]:
        """The arrays by name, in the order of `windows.parquet`."""
        return {name: getattr(self, name) for name in _COLUMNS}

    def find_suffix_columns(self, most: int) -> tuple[np.ndarray, np.ndarray]:
        """Which columns of the tokens are scored: int64 [W, S], and bool [W, S], false behind a shorter suffix.

        Behind a shorter suffix, a column repeats its last one.

        Args:
            most: S.
        """
        place = np.arange(most)
        columns = self.prompt_tokens[:, None] + np.minimum(place, self.suffix_tokens[:, None] - 1)
        return columns.astype(np.int64), place < self.suffix_tokens[:, None]

    def count_unknown(self, unknown_id: int | None) -> np.ndarray:
        """int32 [W]: how many of each window's tokens are the unknown one; 0 if there is none."""
        if unknown_id is None:
            return np.zeros(len(self), np.int32)
        return (self.token_ids == unknown_id).sum(axis=1, dtype=np.int32)

    def select(self, numbers: np.ndarray) -> "Windows":
        """The windows with these numbers; `dropped_tail` and `dropped_inside` stay those of the whole book."""
        return dataclasses.replace(self, **{name: values[numbers] for name, values in self.columns().items()})

    def to_bytes(self) -> bytes:
        """The windows as one Parquet file."""
        dropped = {"dropped_tail": self.dropped_tail, "dropped_inside": self.dropped_inside}
        return parquet.to_bytes(self.columns(), dropped)

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str) -> "Windows":
        """The windows in the bytes that `to_bytes` returned; `name` is for an error's message."""
        columns, dropped = parquet.from_bytes(data, name=name)
        try:
            return cls(
                **columns, dropped_tail=int(dropped["dropped_tail"]), dropped_inside=int(dropped["dropped_inside"])
            )
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DamagedError(
                f"{name} must hold windows, found other columns or numbers ({type(error).__name__}): run again"
            ) from None


@dataclasses.dataclass(frozen=True, kw_only=True)
class Tokenization:
    """How the books of a run were tokenized."""

    tokenizer_sha256: str
    """The SHA-256 of tokenizer.json."""
    tokenizers: str
    """The release of the library `tokenizers` that was used."""
    bos_id: int | None
    """The id of the BOS before each window; None without a BOS."""
    scored_tokens: int
    """S, suffix tokens scored in each window; with `suffix_characters` at least the most of any."""
    unknown_id: int | None = None
    """The id of the token that stands for text that the tokenizer does not know; None if it knows all."""
    tokenizer: TokenizerIdentity | None = None
    """Where the tokenizer is from, if it is not the model's own."""
    prompt_tokens: int = 0
    """With `suffix_characters`, at least the most prompt tokens of any window; 0 without."""

    @property
    def is_padded(self) -> bool:
        """Whether windows differ in their numbers of tokens, so that the model's input is padded."""
        return self.prompt_tokens > 0

    def count_positions(self, prompt_tokens: int) -> int:
        """The number of tokens that the model is fed: the BOS, the prompt, and all scored tokens but the last.

        Args:
            prompt_tokens: the setting.
        """
        return (self.bos_id is not None) + (self.prompt_tokens or prompt_tokens) + self.scored_tokens - 1
