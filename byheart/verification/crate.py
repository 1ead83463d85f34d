"""RO-Crate metadata of finished results: what the files are, and the run, model, texts and settings that made them.

Source: RO-Crate 1.2 (https://w3id.org/ro/crate/1.2) and its profile Process Run Crate.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from byheart.contracts.books import BOOK
from byheart.measures.results import Results

METADATA = "ro-crate-metadata.json"
_PROFILE = "1.2"
_FORMATS = {
    ".csv": "text/csv",
    ".html": "text/html",
    ".json": "application/json",
    ".md": "text/markdown",
    ".parquet": "application/vnd.apache.parquet",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".yaml": "application/yaml",
}


def library_version() -> str:
    """The release of the library that writes the metadata."""
    return version("rocrate")


def render_metadata(results: Results, files: Mapping[str, tuple[str, int]], licence: str) -> bytes:
    """The content of ro-crate-metadata.json; equal results give equal bytes.

    Args:
        files: the SHA-256 and the size in bytes of every other file, by name.
        licence: an address or a name; empty names none.
    """
    provenance, crate = results.provenance, ROCrate(version=_PROFILE)
    titles = ", ".join(book.called for book in provenance.books.values() if book.role == BOOK)
    crate.name = f"How much of {titles} does {provenance.label} know by heart?"
    crate.description = "Results of byheart. Check them with `byheart verify` and this file."
    crate.datePublished = provenance.created
    if licence:
        crate.license = licence
    if provenance.registration:
        crate.root_dataset["identifier"] = provenance.registration.digest
    entities = [
        crate.add_file(
            dest_path=name,
            properties={
                "name": name,
                "contentSize": str(size),
                "sha256": digest,
                "encodingFormat": next((kind for end, kind in _FORMATS.items() if name.endswith(end)), "text/plain"),
            },
        )
        for name, (digest, size) in sorted(files.items())
    ]

    def add(at: str, kind: str, **properties: Any) -> Any:
        filled = {name: value for name, value in properties.items() if value is not None}
        return crate.add(ContextEntity(crate, at, properties={"@type": kind, **filled}))

    code, model = provenance.code, provenance.model
    program = add("#byheart", "SoftwareApplication", name="byheart", version=code.version, identifier=code.commit)
    inputs = [
        add("#model", "CreativeWork", name=provenance.label, version=model.commit, sha256=model.weights_sha256),
        *(
            add(f"#{book.role}-{name}", "CreativeWork", name=book.called, additionalType=book.role, sha256=book.sha256)
            for name, book in provenance.books.items()
        ),
        *(
            add(f"#setting-{name}", "PropertyValue", name=name, value=value)
            for name, value in provenance.settings.by_name().items()
        ),
    ]
    crate.add_action(
        program,
        identifier="#run",
        object=inputs,
        result=entities,
        properties={"name": "byheart run", "endTime": provenance.created},
    )
    return (json.dumps(crate.metadata.generate(), indent=2, ensure_ascii=False) + "\n").encode()


def read_licence(metadata: bytes) -> str:
    """The licence in the content of ro-crate-metadata.json; empty without one, or if no run wrote the content."""
    try:
        graph = json.loads(metadata)["@graph"]
        root = next(entity for entity in graph if entity["@id"] == "./")
        licence = root.get("license", "")
    except (ValueError, KeyError, TypeError, AttributeError, StopIteration, RecursionError):
        return ""
    licence = licence.get("@id", "") if isinstance(licence, dict) else licence
    return licence if isinstance(licence, str) else ""
