"""Which files of an artifact's folder serve the embedded model, and whether they are the ones its manifest names.

It loads no weights. The training weights beside them are not read, and not hashed: they do not speak.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.llm.spans import Rules
from knowledge.artifact import Manifest, read_manifest, sha256_file
from knowledge.errors import ConfigError, DataError

SHIPPED = Path(__file__).parent / "weights"
_WEIGHTS = ("ct2/config.json", "ct2/model.bin", "ct2/vocabulary.json")
_CHAT = ("<|end|>", "<|system|>", "<|user|>", "<|assistant|>")


@dataclass(frozen=True, slots=True)
class Files:
    """A folder that has been looked through."""

    folder: Path
    tokenizer: Path
    weights: Path
    context: int
    rules: Rules | None
    manifest: Manifest


def checked(folder: Path) -> Files:
    """Raises ConfigError that names what is missing, foreign or changed, and the remedy."""
    told = f"llm: 'embedded:{folder}'"
    if not folder.is_dir():
        raise ConfigError(f"{told}: there is no such folder")
    try:
        manifest = read_manifest(folder, kind="llm", verify=False)
    except DataError as error:
        raise ConfigError(f"{told}: {error}") from error
    config, tokenizer = folder / "config.json", folder / "tokenizer.json"
    for needed in (config, tokenizer):
        if not needed.is_file():
            raise ConfigError(f"{told}: {needed.name} is missing; train it again")
    if not all((folder / name).is_file() for name in _WEIGHTS):
        raise ConfigError(f"{told}: has no weights to serve in ct2/; make them with: shopclerk quantise {folder}")
    known = {token["content"] for token in _json(tokenizer).get("added_tokens", [])}
    if not known.issuperset(_CHAT):
        raise ConfigError(f"{told}: is no model of ours (its tokenizer lacks {_CHAT[0]}); use transformers:{folder}")
    spans = folder / "spans.json"
    rules = Rules.from_json(_json(spans)) if spans.is_file() else None
    _verify(folder, manifest, ["config.json", "tokenizer.json", *_WEIGHTS, *(["spans.json"] if rules else [])], told)
    return Files(folder, tokenizer, folder / "ct2", int(_json(config)["max_position_embeddings"]), rules, manifest)


def _verify(folder: Path, manifest: Manifest, names: list[str], told: str) -> None:
    """Each file against its hash in the manifest, or in that of ct2/."""
    expected = dict(manifest.files)
    if (folder / "ct2" / "manifest.json").is_file():
        served = read_manifest(folder / "ct2", verify=False)
        expected |= {f"ct2/{name}": digest for name, digest in served.files.items()}
    for name in names:
        if name not in expected:
            raise ConfigError(f"{told}: {name} is not in its manifest; make it with: shopclerk quantise {folder}")
        if sha256_file(folder / name) != expected[name]:
            raise ConfigError(f"{told}: {name} does not match its hash in the manifest; train or quantise it again")


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"llm: {path}: is no JSON ({error})") from error
    return data if isinstance(data, dict) else {}
