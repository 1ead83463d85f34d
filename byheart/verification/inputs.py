"""Checks what a run measured: its registration, its texts, its model and its tokenizer."""

import dataclasses
from collections.abc import Mapping

from byheart.components.tokenize.tokenizer import Tokenizer, load_tokenizer
from byheart.contracts.errors import ByheartError
from byheart.contracts.json_files import from_json
from byheart.contracts.plan import Registration
from byheart.contracts.progress import format_count
from byheart.measures.provenance import Provenance
from byheart.measures.results import Results
from byheart.scores.registration import FOLDER as REGISTERED
from byheart.store import open_store
from byheart.verification.checks import FAILED, NOT_VERIFIED, Checks
from byheart.verification.means import Means
from byheart.verification.model import (
    compute_weights_hash,
    find_adapter,
    find_model,
    find_tokenizer,
    name_recorded_base,
)
from byheart.verification.texts import list_text_differences


def check_registration(results: Results, means: Means, checks: Checks) -> None:
    """Check that what was measured is what was registered."""
    name, record = "registration", results.provenance.registration
    if record is None:
        checks.add(name, NOT_VERIFIED, "the run registered nothing before it scored")
        return
    differences = []
    if results.provenance.compute_digest() != record.digest:
        differences.append("provenance.json says that something else was registered than was measured")
    with checks.catch(name):
        place = open_store(means.store) if means.store else None
        stored = f"{REGISTERED}/{record.digest}.json"
        of_store = "; the store has no record of it" if means.store else ""
        if place and place.find(stored):
            kept = from_json(place.read(stored), Registration, name=place.locate(stored))
            of_store = ", as the store's record says"
            if kept != record and means.is_runs_store:
                differences.append(f"{place.locate(stored)} says otherwise than provenance.json")
            elif kept != record:  # another run of the same measurement, with another store
                of_store = f"; this machine's store has it from {kept.registered}"
        before = "before any window was scored"
        if record.scored:
            before = f"when {record.scored:,} of {record.windows:,} windows were scored"
        checks.compare(name, differences, f"{record.digest}, at {record.registered}, {before}{of_store}")


def check_texts(results: Results, texts: Mapping[str, str], checks: Checks) -> None:
    """Check the texts by the book's name; the hash of each was checked when it was read."""
    missing = [item.book.name for item in results.books if item.book.name not in texts]
    differences = list_text_differences(results, dict(texts))
    if missing and not differences:
        report = results.provenance.settings.report.report_text
        checks.add(
            "texts",
            NOT_VERIFIED,
            f"report_text={report} keeps the text of {', '.join(missing[:3])} out of the results: give --text",
        )
        return
    checks.compare(
        "texts", differences, f"{format_count(len(texts), 'text')} with the hash and the chapters that the results say"
    )


@dataclasses.dataclass(frozen=True, kw_only=True)
class FoundModel:
    """The folders of a model."""

    address: str
    adapter: str = ""
    """The folder of the adapter that is merged into it; empty without any."""


def check_model(results: Results, means: Means, checks: Checks) -> FoundModel | None:
    """The model, if it is there and is the one of the results."""
    provenance = results.provenance
    recorded = provenance.model.adapter
    address, adapter = None, ""
    try:
        if not means.without_model:
            if recorded:
                found = find_adapter(provenance, given=means.model, store=means.store, remembered=means.remembered)
                adapter = found or ""
            address = find_model(
                provenance,
                given=means.base if recorded else means.model,
                store=means.store,
                remembered=means.remembered_base if recorded else means.remembered,
                tokenizer=_find_other_tokenizer(results, means),
            )
        is_whole = adapter or not recorded
        digest = (
            compute_weights_hash(address, provenance.model.ignored_fields, adapter=adapter)
            if address and is_whole
            else ""
        )
    except ByheartError as error:
        checks.add("model", FAILED, error.message)
        return None
    if not address or not is_whole:
        checks.add("model", NOT_VERIFIED, _name_missing(provenance, means, is_base=bool(recorded and not address)))
        return None
    expected = provenance.model.weights_sha256
    what = f"{address} with {adapter}" if adapter else address
    wrong = f"{what} has the hash {digest[:12]}..., provenance.json says {expected[:12]}..."
    says = f"{what} has the hash of provenance.json"
    held = checks.compare("model", [] if digest == expected else [wrong], says)
    return FoundModel(address=address, adapter=adapter) if held else None


def _name_missing(provenance: Provenance, means: Means, *, is_base: bool) -> str:
    """What is missing of a model, and what to do."""
    commit = f"@{provenance.model.commit}" if provenance.model.commit else ""
    if means.without_model:
        return f"{provenance.model.source}{commit} was left out"
    if is_base:
        return f"{name_recorded_base(provenance)}, the adapter's base, is not on this machine: give --base"
    return f"{provenance.model.source}{commit} is not on this machine: give --model"


def check_tokenizer(results: Results, address: str, means: Means, checks: Checks) -> Tokenizer | None:
    """The tokenizer of a run, if it is there and is the one of the results.

    Args:
        address: the model's folder, whose tokenizer it is if the run named no other.
    """
    tokenization = results.provenance.tokenization
    if recorded := tokenization.tokenizer:
        found = _find_other_tokenizer(results, means)
        if not found:
            commit = f"@{recorded.commit}" if recorded.commit else ""
            missing = f"{recorded.source}{commit} is not on this machine: give --tokenizer"
            checks.add("tokenizer", NOT_VERIFIED, missing)
            return None
        address = found
    tokenizer = load_tokenizer(address)
    wrong = []
    if tokenizer.sha256 != tokenization.tokenizer_sha256:
        wrong.append(f"{address} has another tokenizer.json than provenance.json says")
    elif tokenization.bos_id not in (None, tokenizer.bos_id):
        wrong.append(f"provenance.json has the BOS {tokenization.bos_id}, the tokenizer {tokenizer.bos_id}")
    held = checks.compare("tokenizer", wrong, "it has the hash of provenance.json")
    return tokenizer if held else None


def _find_other_tokenizer(results: Results, means: Means) -> str | None:
    """The folder of the tokenizer that the run took in place of the model's own; None if it took that, or if the other
    is nowhere."""
    provenance = results.provenance
    if not provenance.tokenization.tokenizer:
        return None
    return find_tokenizer(provenance, given=means.tokenizer, store=means.store)
