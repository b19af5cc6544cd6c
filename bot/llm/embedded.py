"""The embedded model: an int8 decoder on this machine's processor (CTranslate2), shared by all conversations.

It knows tokens and the chat form of our own models, no task and no shop. Neither torch nor transformers is imported.
"""

from __future__ import annotations

import asyncio
import math
import os
import re
import time
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np

from bot.llm.embedded_batches import GREEDY, Batches, Decoding, OnToken, Row
from bot.llm.embedded_folder import Files, checked
from bot.llm.embedded_grammar import Constrained, Grammar, TextGrammar, decode
from bot.llm.spans import TAG

END = "<|end|>"
ROLES = ("system", "user", "assistant")
_CONTROL = ("<|pad|>", END, *(f"<|{role}|>" for role in ROLES))
_FORGED = re.compile("|".join(re.escape(mark) for mark in _CONTROL))
ROWS = 8  # of a batch, at most
_WAITING = 64  # rows that wait at most, for each worker
Scores = np.ndarray[Any, np.dtype[np.float32]]


@dataclass(frozen=True, slots=True)
class Written:
    """A text, and how many tokens it took."""

    text: str
    tokens: int


class EmbeddedModel:
    """Its methods may be called from any thread or event loop; each raises Busy when too much waits, TimeoutError after
    `timeout_s`, and ValueError for a prompt that the model cannot read."""

    def __init__(self, files: Files, *, workers: int = 0, rows: int = ROWS, waiting: int = _WAITING) -> None:
        import ctranslate2
        from tokenizers import Tokenizer

        self.files, self.context = files, files.context
        workers = workers or processors()
        self._tokenizer: Any = Tokenizer.from_file(str(files.tokenizer))
        self._generator: Any = ctranslate2.Generator(
            str(files.weights), inter_threads=workers, intra_threads=1, compute_type="default"
        )
        self._special = {i: t for i in range(self._tokenizer.get_vocab_size()) if _marks(t := self._token(i))}
        self.end = int(self._tokenizer.token_to_id(END) or 0)
        self.batches = Batches(self._generator, _CONTROL, workers=workers, rows=rows, waiting=waiting * workers)

    @classmethod
    def open(cls, folder: Path, **options: Any) -> Self:
        """Load an artifact's folder. Raises ConfigError when it is missing, foreign, changed or unfinished."""
        return cls(checked(folder), **options)

    def close(self) -> None:
        self.batches.close()

    # --- tokens ------------------------------------------------------------------------------------------------------

    def prompt(self, turns: Sequence[tuple[str, str]]) -> list[str]:
        """The tokens of (role, text) turns in the chat form, ready for the assistant's. An empty system text is none."""
        said = [(role, text) for role, text in turns if text or role != "system"]
        form = "".join(
            f"<|{role}|>{_FORGED.sub(' ', text)}{END if role == 'assistant' else ''}" for role, text in said
        )
        tokens: list[str] = self._tokenizer.encode(form + "<|assistant|>", add_special_tokens=False).tokens
        if len(tokens) >= self.context:
            raise ValueError(f"the prompt has {len(tokens)} tokens, the model reads {self.context}")
        return tokens

    def tokens(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def token_texts(self, tokens: Sequence[int]) -> list[str]:
        """Tokens as `prompt` gives them, to go on from."""
        return [self._token(token) for token in tokens]

    def text(self, tokens: Sequence[int]) -> str:
        decoded: str = self._tokenizer.decode(list(tokens), skip_special_tokens=False)
        return decoded

    def bytes_of(self, tokens: Sequence[int]) -> bytes:
        """The bytes of tokens, of which several may make one letter."""
        return b"".join(
            self._special[t].encode() if t in self._special else bytes(_BYTES[c] for c in self._token(t))
            for t in tokens
        )

    def text_grammar(self, grammar: Any) -> TextGrammar:
        """A grammar with `begins(text)` and `whole(text)`, as one of tokens."""
        never = frozenset(i for i, token in self._special.items() if token in _CONTROL)
        return TextGrammar(grammar.begins, grammar.whole, self.bytes_of, self.end, never)

    def _token(self, number: int) -> str:
        return str(self._tokenizer.id_to_token(number))

    # --- writing -----------------------------------------------------------------------------------------------------

    def start(
        self,
        prompt: Sequence[str],
        most: int,
        decoding: Decoding = GREEDY,
        on_token: OnToken | None = None,
        timeout_s: float = math.inf,
    ) -> Future[list[int]]:
        """Queue a text of at most `most` tokens. Cancelling the future frees the row."""
        row = Row(
            prompt,
            max(1, min(most, self.context - len(prompt))),
            decoding,
            on_token,
            time.monotonic() + timeout_s,
        )
        return self.batches.submit(row)

    async def write(
        self, prompt: Sequence[str], most: int, decoding: Decoding = GREEDY, timeout_s: float = math.inf
    ) -> Written:
        """The whole text. A caller that is cancelled leaves its row."""
        tokens = await asyncio.wrap_future(self.start(prompt, most, decoding, None, timeout_s))
        return Written(self.text(tokens), len(tokens))

    async def stream(
        self, prompt: Sequence[str], most: int, decoding: Decoding = GREEDY, timeout_s: float = math.inf
    ) -> AsyncIterator[Written]:
        """The text as it is written, in whole letters. A reader that leaves ends its row."""
        loop, pieces = asyncio.get_running_loop(), asyncio.Queue[int | None]()

        def told(token: int, log_prob: float) -> bool:
            loop.call_soon_threadsafe(pieces.put_nowait, token)
            return False

        done = self.start(prompt, most, decoding, told, timeout_s)
        done.add_done_callback(lambda _: _quietly(loop, pieces))
        letters = _Letters(self)
        try:
            while (token := await pieces.get()) is not None:
                if text := letters.after(token):
                    yield Written(text, letters.taken())
            if rest := letters.rest(done.result()):
                yield Written(rest, letters.taken())
        finally:
            done.cancel()

    async def constrained(
        self, prompt: Sequence[str], grammar: Grammar, most: int = 64, timeout_s: float = math.inf
    ) -> Constrained:
        """The greedy text under a grammar. Raises DeadEnd for a grammar that allows nothing."""
        until = time.monotonic() + timeout_s

        def left() -> float:
            return until - time.monotonic()

        async def write(written: Sequence[int], room: int, on_token: OnToken) -> list[int]:
            so_far = [*prompt, *map(self._token, written)]
            return await asyncio.wrap_future(self.start(so_far, room, GREEDY, on_token, left()))

        async def scores(written: Sequence[int]) -> Scores:
            if left() < 0:
                raise TimeoutError("the model ran out of time")
            return await self.scores([*prompt, *map(self._token, written)])

        return await decode(write, scores, grammar, self.end, min(most, self.context - len(prompt)))

    # --- reading -----------------------------------------------------------------------------------------------------

    async def scores(self, prompt: Sequence[str]) -> Scores:
        """The score (logit) of every token that may come next."""
        return await asyncio.to_thread(lambda: np.array(self._generator.forward_batch([list(prompt)]))[0, -1])

    async def score(self, prompt: Sequence[str], texts: Sequence[str]) -> list[float]:
        """The log probability of each text, ended, as the reply."""
        replies = [[*map(self._token, self.tokens(text)), END] for text in texts]

        def scored() -> list[float]:
            rows = self._generator.score_batch([[*prompt, *reply] for reply in replies], max_input_length=0)
            return [sum(row.log_probs[len(prompt) - 1 :]) for row in rows]

        return await asyncio.to_thread(scored)


class _Letters:
    """Tokens one by one become text as soon as they make whole letters."""

    def __init__(self, model: EmbeddedModel) -> None:
        from tokenizers.decoders import DecodeStream

        self._model, self._stream = model, DecodeStream(skip_special_tokens=False)
        self._tokens: list[int] = []
        self._told = self._given = 0

    def after(self, token: int) -> str:
        if token in self._model._special and self._model._special[token] in _CONTROL:
            return ""
        self._tokens.append(token)
        piece = str(self._stream.step(self._model._tokenizer, token) or "")
        self._told += len(piece)
        return piece

    def taken(self) -> int:
        """How many tokens came since it was last asked."""
        new, self._given = len(self._tokens) - self._given, len(self._tokens)
        return new

    def rest(self, tokens: Sequence[int]) -> str:
        """What is left of the whole text: a letter cut off at its end."""
        self._tokens = list(tokens)
        return self._model.text(tokens)[self._told :]


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _marks(token: str) -> bool:
    return token in _CONTROL or TAG.fullmatch(token) is not None


def _quietly(loop: asyncio.AbstractEventLoop, pieces: asyncio.Queue[int | None]) -> None:
    """Tell the reader that no more comes, if there still is one."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(pieces.put_nowait, None)


def _byte_letters() -> dict[str, int]:
    """Byte-level BPE's letter of each byte (GPT-2): printable ones stand for themselves, the others follow from 256 on."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters = {chr(byte): byte for byte in plain}
    rest = [byte for byte in range(256) if byte not in plain]
    return letters | {chr(256 + n): byte for n, byte in enumerate(rest)}


_BYTES = _byte_letters()
