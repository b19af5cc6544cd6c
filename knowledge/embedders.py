"""Sentence encoders: texts in, unit vectors out.

`MiniLmEmbedder` serves all-MiniLM-L6-v2 (Wang et al. 2020, "MiniLM") as ONNX int8 with ONNX Runtime and tokenizers,
never importing torch; `HashEmbedder` needs no weights and is for tests and for switching meaning off.
Neither knows what the texts are.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence, Sized
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from knowledge.artifact import read_manifest
from knowledge.encoder_export import MODEL_FILE, TOKENIZER_FILE
from knowledge.errors import Unavailable
from knowledge.ports import Vectors

ENCODER_FOLDER = "encoder"
MAX_TOKENS = 256          # what the model was trained with
_BATCH_TOKENS = 512       # padded tokens per run: what stays in a core's cache; 4096 takes a fifth longer per token
_MEMORY = 4096            # texts remembered; 384 floats each, so 6 MB at most


class HashEmbedder:
    """Hashed words and letter triples, L2-normalised: deterministic, instant, and blind to meaning."""

    name = "hash"

    def __init__(self, dimension: int = 256) -> None:
        self.dimension = dimension

    def embed(self, texts: Sequence[str]) -> Vectors:
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.casefold()):
                padded = f"^{word}$"
                row[crc32(word.encode()) % self.dimension] += 2.0
                for start in range(len(padded) - 2):
                    row[crc32(padded[start:start + 3].encode()) % self.dimension] += 0.5
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        np.divide(rows, lengths, out=rows, where=lengths > 0)
        return rows


class MiniLmEmbedder:
    """all-MiniLM-L6-v2 from an exported folder.

    `threads` is how many batches are run beside each other; each runs on one thread, since two threads on one batch of
    this size wait for each other more than they gain.
    """

    name = "all-MiniLM-L6-v2-int8"
    dimension = 384

    def __init__(self, folder: Path, *, threads: int = 1, verify: bool = False) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        read_manifest(folder, kind="encoder", verify=verify)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(folder / MODEL_FILE), options,
                                                     providers=["CPUExecutionProvider"])
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._tokenizer.no_padding()
        self._known: OrderedDict[str, Vectors] = OrderedDict()
        self._lock = threading.Lock()
        self._threads = threads

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, shape (len(texts), 384). Repeated texts are remembered."""
        missing = list(dict.fromkeys(text for text in texts if text not in self._known))
        fresh = dict(zip(missing, self._run(missing, "sentence"), strict=True))
        rows = np.empty((len(texts), self.dimension), dtype=np.float32)
        with self._lock:
            for row, text in zip(rows, texts, strict=True):
                row[:] = vector if (vector := fresh.get(text)) is not None else self._recall(text)
            if len(fresh) <= _MEMORY // 4:   # a bulk load must not push out what visitors ask
                self._remember(fresh)
        return rows

    def embed_tokens(self, texts: Sequence[str]) -> list[Vectors]:
        """Per text its unit token vectors, shape (tokens, 384), without the special tokens."""
        return [rows[1:-1] for rows in self._run(texts, "tokens")]

    def _recall(self, text: str) -> Vectors:
        vector = self._known.get(text)
        if vector is None:  # pushed out by another thread meanwhile
            return self._run([text], "sentence")[0]
        self._known.move_to_end(text)
        return vector

    def _remember(self, fresh: dict[str, Vectors]) -> None:
        self._known.update(fresh)
        while len(self._known) > _MEMORY:
            self._known.popitem(last=False)

    def _run(self, texts: Sequence[str], output: str) -> list[Vectors]:
        """Encode in batches of similar length; results in the order given."""
        encoded = [np.asarray(e.ids, dtype=np.int64) for e in self._tokenizer.encode_batch(list(texts))]
        results: list[Vectors] = [np.empty(0, dtype=np.float32)] * len(encoded)

        def run(batch: Sequence[int]) -> None:
            values = self._run_batch([encoded[i] for i in batch], output)
            for row, i in enumerate(batch):
                results[i] = values[row] if output == "sentence" else values[row, :len(encoded[i])]

        batches = list(_batches(encoded))
        if self._threads == 1 or len(batches) == 1:
            for batch in batches:
                run(batch)
        else:
            with ThreadPoolExecutor(self._threads, "encoder") as pool:
                list(pool.map(run, reversed(batches)))      # the longest first, so that none is left alone at the end
        return results

    def _run_batch(self, encoded: Sequence[NDArray[np.int64]], output: str) -> Vectors:
        width = max(len(one) for one in encoded)
        ids = np.zeros((len(encoded), width), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, one in enumerate(encoded):
            ids[row, :len(one)] = one
            mask[row, :len(one)] = 1
        feed = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        values: Vectors = self._session.run([output], feed)[0]
        return values


def _batches(encoded: Sequence[Sized]) -> Iterator[list[int]]:
    order = sorted(range(len(encoded)), key=lambda i: len(encoded[i]))
    batch: list[int] = []
    for i in order:
        if batch and (len(batch) + 1) * len(encoded[i]) > _BATCH_TOKENS:
            yield batch
            batch = []
        batch.append(i)
    if batch:
        yield batch


def user_cache() -> Path:
    """Where exported weights are kept for all stores of this user; SHOPCLERK_CACHE wins."""
    if named := os.environ.get("SHOPCLERK_CACHE"):
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shopclerk"


def encoder_folder(store: Path | None = None) -> Path:
    """The exported encoder: the store's own (`models/encoder`) if any, else the user's cache, filled on first use."""
    own = store / "models" / ENCODER_FOLDER if store else None
    if own and (own / "manifest.json").is_file():
        return own
    folder = user_cache() / ENCODER_FOLDER
    if not (folder / "manifest.json").is_file():
        export_in_own_process(folder)
    return folder


def export_in_own_process(folder: Path) -> None:
    """Export (about 10 s, once). Raises Unavailable with the export's last words."""
    command = [sys.executable, "-m", "knowledge.encoder_export", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False,
                          env=os.environ | {"TRANSFORMERS_OFFLINE": "1", "HF_HUB_OFFLINE": "1"})
    if done.returncode:
        words = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"{folder}: the sentence encoder could not be exported: {words} "
                          "(is torch installed, is the disk full?)")


def load_embedder(store: Path | None = None, *, threads: int = 1) -> MiniLmEmbedder:
    """The shop's sentence encoder, exported first if need be. Blocking: 0.2 s, or about 10 s the first time."""
    return MiniLmEmbedder(encoder_folder(store), threads=threads)
