"""The description of a run's model that the first stage hands to the others: its address and identity, no weights."""

import dataclasses
import posixpath
from pathlib import Path
from typing import Any

from byheart.contracts.json_files import read_json, write_json
from byheart.contracts.parameters import convert_value

_GGUF = ".gguf"


@dataclasses.dataclass(frozen=True, kw_only=True)
class AdapterIdentity:
    """What an adapter is, and the model that it was merged into."""

    title: str
    """Its kind and its rank, such as `LoRA of rank 8`."""
    sha256: str
    """A hash of adapter_config.json and adapter_model.safetensors."""
    base: str
    """The base: the repository's name on the Hub, or the folder or the GGUF file that the adapter or the user named."""
    base_commit: str | None
    """The base's full commit on the Hugging Face Hub; None for a folder."""

    @property
    def short_base(self) -> str:
        """What people call the base."""
        return _shorten(self.base, self.base_commit)


@dataclasses.dataclass(frozen=True, kw_only=True)
class ModelIdentity:
    """A model's source and content, but not its address."""

    source: str
    """The repository's name on the Hub, or the folder or the GGUF file that the user named; of an adapter, its own."""
    commit: str | None
    """The full commit on the Hugging Face Hub; None for a folder."""
    model_type: str
    """The family, as config.json names it."""
    parameters: int
    """The number of weights."""
    weights_sha256: str
    """A hash of config.json and the safetensors, and of an adapter's files."""
    quantisation: str = ""
    """How weights are stored in fewer bits: the format of most of them in the GGUF file, as ggml names it, or what
    config.json says of its safetensors; empty for plain weights."""
    gguf_sha256: str = ""
    """The SHA-256 of the GGUF file; empty for a model that is none."""
    ignored_fields: tuple[str, ...] = ()
    """Fields of config.json of unknown meaning that change no score, as the user says by `ignore_fields`."""
    adapter: AdapterIdentity | None = None
    """The adapter that the model is, and its base; None for a whole model."""

    @property
    def short_name(self) -> str:
        """What people call the model: its name on the Hub, or its folder's; without the ending of a GGUF file."""
        return _shorten(self.source, self.commit)


@dataclasses.dataclass(frozen=True, kw_only=True)
class TokenizerIdentity:
    """The source and content of a tokenizer that is used in place of the model's own."""

    source: str
    """The repository's name on the Hub, or the folder that the user named."""
    commit: str | None
    """The full commit on the Hugging Face Hub; None for a folder."""
    sha256: str
    """A hash of its files: tokenizer.json and, if there are any, tokenizer_config.json and special_tokens_map.json."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OtherTokenizer(TokenizerIdentity):
    """Such a tokenizer, with its address."""

    address: str
    """The folder in the store, local or at gs://."""

    @property
    def identity(self) -> TokenizerIdentity:
        """The same without the address."""
        return TokenizerIdentity(source=self.source, commit=self.commit, sha256=self.sha256)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Model(ModelIdentity):
    """A model that was checked and hashed, with its address."""

    address: str
    """The model's folder, local or at gs://; of an adapter, its base's."""
    files: dict[str, str]
    """The SHA-256 of config.json and of each safetensors file, by name, of which `weights_sha256` is made: a stage that
    reads them compares it. Other files may be among them. An adapter's have `adapter:` before their names."""
    adapter_address: str = ""
    """The adapter's folder, local or at gs://; empty for a whole model."""
    published_bytes: int = 0
    """Bytes of the weights in the precision in which they were published; 0 where that is not known."""
    tokenizer: OtherTokenizer | None = None
    """The tokenizer that the setting `tokenizer` names; None for the model's own."""

    @property
    def identity(self) -> ModelIdentity:
        """The same without the address and the tokenizer."""
        names = [field.name for field in dataclasses.fields(ModelIdentity)]
        return ModelIdentity(**{name: getattr(self, name) for name in names})


def _shorten(source: str, commit: str | None) -> str:
    """What people call a model: its name on the Hub, or its folder's; without the ending of a GGUF file."""
    if commit and not source.endswith(_GGUF):
        return source
    name = posixpath.normpath(source).rpartition("/")[2].removesuffix(_GGUF)
    return name or "model"  # never the path itself, which is nobody else's business


def parse_fields(text: Any) -> tuple[str, ...]:
    """The names of fields in the parameter `ignore_fields`, which separates them by commas.

    Raises:
        SettingsError: it is no text.
    """
    names = convert_value("ignore_fields", text, str).split(",")
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def write_model(path: str | Path, model: Model) -> None:
    """Write the model's description as JSON."""
    write_json(path, model)


def read_model(path: str | Path) -> Model:
    """The description that `write_model` wrote."""
    return read_json(path, Model)
