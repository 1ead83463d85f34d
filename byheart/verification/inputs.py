"""Checks what a run measured: its registration, its texts, its model and its tokenizer."""

from collections.abc import Mapping

from byheart.components.tokenize.tokenizer import Tokenizer, load_tokenizer
from byheart.contracts.errors import ByheartError
from byheart.contracts.json_files import from_json
from byheart.contracts.plan import Registration
from byheart.contracts.progress import format_count
from byheart.measures.results import Results
from byheart.scores.registration import FOLDER as REGISTERED
from byheart.store import open_store
from byheart.verification.checks import FAILED, NOT_VERIFIED, Checks
from byheart.verification.means import Means
from byheart.verification.model import compute_weights_hash, find_model, find_tokenizer
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


def check_model(results: Results, means: Means, checks: Checks) -> str | None:
    """The address of the model, if it is there and is the one of the results."""
    provenance = results.provenance
    try:
        address = None
        if not means.without_model:
            address = find_model(
                provenance,
                given=means.model,
                store=means.store,
                remembered=means.remembered,
                tokenizer=_find_other_tokenizer(results, means),
            )
        found = compute_weights_hash(address, provenance.model.ignored_fields) if address else ""
    except ByheartError as error:
        checks.add("model", FAILED, error.message)
        return None
    if not address:
        commit = f"@{provenance.model.commit}" if provenance.model.commit else ""
        missing = "was left out" if means.without_model else "is not on this machine: give --model"
        checks.add("model", NOT_VERIFIED, f"{provenance.model.source}{commit} {missing}")
        return None
    expected = provenance.model.weights_sha256
    wrong = f"{address} has the hash {found[:12]}..., provenance.json says {expected[:12]}..."
    says = f"{address} has the hash of provenance.json"
    return address if checks.compare("model", [] if found == expected else [wrong], says) else None


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
