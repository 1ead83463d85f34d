"""What differs between the runs of a comparison, and what it forbids to compare."""

import dataclasses
from collections.abc import Sequence

from byheart.contracts.errors import SettingsError
from byheart.measures.comparison.models import ComparedModel
from byheart.measures.provenance import Provenance

_OF_TOKENS, _OF_CHARACTERS = ("chunk_size", "prompt_tokens", "max_length"), ("suffix_characters", "prompt_characters")
_SETTINGS = (*_OF_TOKENS, *_OF_CHARACTERS, "slice_length", "cursor_inc", "only", "windows")
"""The settings on which windows depend, beside the tokenizer."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Something that is not the same in all runs."""

    what: str
    """The setting, or `tokenizer`, `BOS`, `precision`, `controls`."""
    values: tuple[str, ...]
    """Its value in each run, as text."""


def check_windows(models: Sequence[ComparedModel]) -> None:
    """Check that all windows are of tokens, or all of characters.

    Raises:
        SettingsError: they are not.
    """
    grids = [model for model in models if model.provenance.settings.window.suffix_characters]
    others = [model for model in models if not model.provenance.settings.window.suffix_characters]
    if not grids or not others:
        return
    characters = grids[0].provenance.settings.window.suffix_characters
    raise SettingsError(
        f"results must all be of windows of tokens, or all of characters, found {others[0].provenance.window_size} of "
        f"{others[0].name} and {grids[0].provenance.window_size} of {grids[0].name}: measure {others[0].name} "
        f"with suffix_characters={characters} too, or leave one of them out",
        parameter="results",
    )


def list_disagreements(models: Sequence[ComparedModel]) -> list[Disagreement]:
    """What is not the same in all runs, of all that the numbers depend on beside model and text."""
    columns = [_describe(model) for model in models]
    rows = {what: tuple(column[what] for column in columns) for what in columns[0]}
    return [Disagreement(what=what, values=values) for what, values in rows.items() if len(set(values)) > 1]


def state_limits(disagreements: Sequence[Disagreement], *, differ: bool, all_differ: bool) -> list[str]:
    """What may and may not be compared, in sentences; empty where everything may.

    Args:
        differ: whether any two models have other windows of the same text.
        all_differ: whether that is so of every text and every two models.
    """
    names = {disagreement.what for disagreement in disagreements}
    sentences = []
    if differ:
        causes = [name for name in ("tokenizer", *_SETTINGS) if name in names]
        because = f" (different {', '.join(causes)})" if causes else ""
        some = "" if all_differ else "some of "
        sentences.append(
            f"The windows of {some}these models are not the same{because}: each was asked for other suffixes, and a "
            "suffix of as many tokens is longer text under one tokenizer than under another. Bits per character and "
            "bands may be compared. Coverage, longest passages and the characters that both know are of other "
            "suffixes: compare them with care. Windows may not be compared one by one, so these pairs have no test "
            "and no interval, and there is no contrast between them. With suffix_characters=200 all models are asked "
            "for the same characters."
        )
    if names & {*_OF_TOKENS, *_OF_CHARACTERS}:
        sentences.append(
            "Prompts or suffixes have other numbers of tokens or characters: longer prompts help a model and longer "
            "suffixes are harder, so not even bits per character say which model knows more."
        )
    if "controls" in names:
        sentences.append(
            "The models were measured with other controls: each band is by a model's own, so compare bands with care."
        )
    if "precision" in names:
        sentences.append("Precisions differ, which moves log_p_z by some hundredths of a nat.")
    return sentences


def _describe(model: ComparedModel) -> dict[str, str]:
    provenance: Provenance = model.provenance
    settings, bos = provenance.settings.by_name(), provenance.tokenization.bos_id
    settings |= dict.fromkeys(_OF_TOKENS if settings["suffix_characters"] else _OF_CHARACTERS, "")
    controls = sorted(book.book.sha256 for book in model.controls)
    return {
        "tokenizer": f"sha256 {provenance.tokenization.tokenizer_sha256[:12]}",
        **{name: str(settings[name]) or "–" for name in _SETTINGS},
        "BOS": "none" if bos is None else str(bos),
        "precision": provenance.arithmetic,
        "controls": f"{len(controls):,}: {', '.join(sha256[:8] for sha256 in controls)}" if controls else "none",
        "band_share, band_rank": f"{settings['band_share']:g}, {settings['band_rank']}",
    }
