"""Every parser of foreign bytes: one that is new joins the rows of its kind."""

from pathlib import Path

from tests.fuzz import of_models, of_results, of_scores, of_servers, of_texts

PARSERS = {
    parser.name: parser
    for parser in (*of_models.PARSERS, *of_texts.PARSERS, *of_scores.PARSERS, *of_results.PARSERS, *of_servers.PARSERS)
}
_CORPUS = Path(__file__).with_name("corpus")


def list_corpus(name: str) -> list[bytes]:
    """The inputs that once did harm to a parser."""
    return [path.read_bytes() for path in sorted(_CORPUS.glob(f"{name}/*"))]
