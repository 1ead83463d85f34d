"""The command `byheart compare`."""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from byheart.components.compare.run import FILES, PAGE, TABLE, run
from byheart.components.compare.sentences import answer, choose_level
from byheart.contracts.errors import SettingsError
from byheart.launch.parameters import parse_location
from byheart.launch.publication import publish
from byheart.measures.comparison.comparison import ModelComparison


def compare(addresses: Sequence[str], out: str = "comparison", reference: str = "") -> ModelComparison:
    """Compare the results at these addresses, write the comparison's folder, and print what it says.

    The files of an earlier comparison in `out` are replaced once all new ones are there.

    Raises:
        ByheartError: the results cannot be read or compared, or `out` cannot be written.
    """
    results = [parse_location("results", address) for address in addresses]
    folder = Path(parse_location("out", out))
    if "://" in out:
        raise SettingsError(f"out must be a folder of this machine, found {out}: name one", parameter="out")
    with tempfile.TemporaryDirectory(prefix="byheart-") as work:
        comparison = run(
            results=results, out=work, reference=parse_location("reference", reference) if reference else ""
        )
        with publish(folder, FILES, mark=TABLE) as publication:
            publication.take_files(Path(work))
    _say(comparison, folder)
    return comparison


def _say(comparison: ModelComparison, folder: Path) -> None:
    print(answer(comparison, choose_level(comparison)))
    for sentence in comparison.limits:
        print(f"May not be compared as it stands: {sentence}")
    print(f"\n{folder / PAGE} sets the models side by side")
    others = ", ".join(name for name in FILES if name != PAGE)
    print(f"{others} in {folder} are for papers and programs")
