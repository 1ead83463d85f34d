"""The token ids that the model is fed and scored on, from the windows that `tokenize` wrote."""

import numpy as np

from byheart.contracts.settings import Settings
from byheart.contracts.windows import Tokenization, choose_control_sample, read_selection, read_token_ids, read_windows


def read_model_input(windows: str, book: str, settings: Settings, tokenization: Tokenization) -> np.ndarray:
    """The model input of a book's windows, int32 [W, T]: the BOS if any, then the tokens up to the last scored one.

    Args:
        windows: the folder of all books' windows.
    """
    ids = read_token_ids(windows, book)[:, : settings.window.prompt_tokens + tokenization.scored_tokens]
    return ids if tokenization.bos_id is None else np.insert(ids, 0, tokenization.bos_id, axis=1)


def read_control_input(windows: str, book: str, settings: Settings, tokenization: Tokenization) -> np.ndarray:
    """The model input of a book's control sample, int32 [N, T]: a window's prompt, then another window's suffix."""
    inputs = read_model_input(windows, book, settings, tokenization)
    measured = read_selection(windows, book).numbers()
    sample = choose_control_sample(read_windows(windows, book), settings.control.control_sample, measured)
    prompts, suffixes = inputs[sample.prompt_window], inputs[sample.suffix_window]
    return np.concatenate([prompts[:, : -tokenization.scored_tokens], suffixes[:, -tokenization.scored_tokens :]], 1)
