"""The token ids that the model is fed and scored on, from the windows that `tokenize` wrote."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from byheart.contracts.selection import choose_control_sample
from byheart.contracts.settings import Settings
from byheart.contracts.window_files import read_selection, read_token_ids, read_windows
from byheart.contracts.windows import Tokenization


@dataclasses.dataclass(frozen=True, kw_only=True, eq=False)
class ModelInput:
    """The model input of W windows: the BOS if any, then the tokens up to the last scored one.

    All windows have their last tokens scored, equally many; or each says which:

        [BOS][The][ fer][ry][man][ did][ not]       its scored tokens begin at 4 and are 3
        [BOS][ferry][man][ did][ not][ 0 ][ 0 ]     theirs begin at 3 and are 2; no score depends on the ids 0
    """

    token_ids: np.ndarray
    """int32 [W, T]"""
    scored: np.ndarray | None = None
    """int32 [W, 2]: the column of the first scored token, and how many are scored; None: the last ones of all."""

    def __len__(self) -> int:
        return len(self.token_ids)

    def count_scored(self, otherwise: int) -> int:
        """The most scored tokens of a window; `otherwise` where the windows do not say it."""
        return otherwise if self.scored is None else int(self.scored[:, 1].max(initial=1))

    def select(self, rows: np.ndarray) -> "ModelInput":
        """Some of the windows."""
        return dataclasses.replace(
            self, token_ids=self.token_ids[rows], scored=None if self.scored is None else self.scored[rows]
        )

    @classmethod
    def join(cls, inputs: Sequence["ModelInput"]) -> "ModelInput":
        """The windows of several, with as many tokens as the longest has."""
        most = max(each.token_ids.shape[1] for each in inputs)
        scored = [each.scored for each in inputs if each.scored is not None]
        return cls(
            token_ids=np.concatenate([each.pad(0, most).token_ids for each in inputs]),
            scored=np.concatenate(scored) if scored else None,
        )

    def pad(self, windows: int, tokens: int = 0) -> "ModelInput":
        """The same with more windows, which mean nothing, and with more tokens behind the last.

        Args:
            windows, tokens: how many there are then, if there are fewer.
        """
        missing = max(windows - len(self), 0)
        columns = max(tokens - self.token_ids.shape[1], 0)
        return ModelInput(
            token_ids=np.pad(self.token_ids, ((0, missing), (0, columns))),
            scored=None if self.scored is None else np.pad(self.scored, ((0, missing), (0, 0)), mode="edge"),
        )


def read_model_input(windows: str, book: str, settings: Settings, tokenization: Tokenization) -> ModelInput:
    """The model input of a book's windows.

    Args:
        windows: the folder of all books' windows.
    """
    return make_model_input(*read_token_ids(windows, book), settings.window.prompt_tokens, tokenization)


def make_model_input(
    token_ids: np.ndarray,
    prompt_tokens: np.ndarray,
    suffix_tokens: np.ndarray,
    all_prompts: int,
    tokenization: Tokenization,
) -> ModelInput:
    """The model input of windows.

    Args:
        token_ids, prompt_tokens, suffix_tokens: the columns of `Windows`.
        all_prompts: the prompt tokens of all windows, where they do not differ.
    """
    bos_id = tokenization.bos_id
    scored = None
    if tokenization.is_padded:
        ids = np.maximum(token_ids[:, : (prompt_tokens + suffix_tokens).max(initial=0)], 0)
        scored = np.stack([prompt_tokens + (bos_id is not None), suffix_tokens], axis=1).astype(np.int32)
    else:
        ids = token_ids[:, : all_prompts + tokenization.scored_tokens]
    return ModelInput(token_ids=ids if bos_id is None else np.insert(ids, 0, bos_id, axis=1), scored=scored)


def read_control_input(windows: str, book: str, settings: Settings, tokenization: Tokenization) -> ModelInput:
    """The model input of a book's control sample: a window's prompt, then another window's suffix."""
    inputs = read_model_input(windows, book, settings, tokenization)
    measured = read_selection(windows, book).numbers()
    sample = choose_control_sample(read_windows(windows, book), settings.control.control_sample, measured)
    return join_halves(inputs, sample.prompt_window, sample.suffix_window, tokenization.scored_tokens)


def join_halves(inputs: ModelInput, prompts: np.ndarray, suffixes: np.ndarray, scored_tokens: int) -> ModelInput:
    """The model input of N windows, each of which has the prompt of one window and the suffix of another.

    Args:
        prompts, suffixes: int64 [N], the rows of these windows.
        scored_tokens: of all windows, where they do not differ.
    """
    before, behind = inputs.token_ids[prompts], inputs.token_ids[suffixes]
    if inputs.scored is None:
        return ModelInput(token_ids=np.concatenate([before[:, :-scored_tokens], behind[:, -scored_tokens:]], axis=1))
    first, (begin, count) = inputs.scored[prompts, :1], np.split(inputs.scored[suffixes], 2, axis=1)
    place = np.arange((first + count).max(initial=0))
    from_suffix = np.clip(place - first + begin, 0, behind.shape[1] - 1)
    from_prompt = np.broadcast_to(np.minimum(place, before.shape[1] - 1), from_suffix.shape)
    ids = np.where(
        place < first,
        np.take_along_axis(before, from_prompt, axis=1),
        np.take_along_axis(behind, from_suffix, axis=1),
    )
    ids = np.where(place < first + count, ids, 0)
    return ModelInput(token_ids=ids.astype(np.int32), scored=np.concatenate([first, count], axis=1).astype(np.int32))
