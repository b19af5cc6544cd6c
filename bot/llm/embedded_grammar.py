"""Greedy decoding under a grammar: the model writes freely, and only where it leaves the grammar one token is decided
again, from all its scores with what is not allowed left out. The text is the one that masking every step would give.

It knows tokens and grammars, no prompt form and no shop.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bot.llm.embedded_batches import OnToken


class DeadEnd(ValueError):
    """The grammar allows nothing more, not even the end: it contradicts itself."""


class Grammar(Protocol):
    """What may be written, token by token."""

    def allows(self, written: Sequence[int], token: int) -> bool:
        """Whether this token may follow; the end token asks whether the text may end here."""
        ...

    def forced(self, written: Sequence[int]) -> Sequence[int]:
        """What must follow because nothing else may, the end token included; nothing where there is a choice."""
        ...


@dataclass(frozen=True, slots=True)
class Constrained:
    """`decided`: how many tokens were decided again; `log_prob` is the model's own, of the tokens it chose, before any
    masking; `whole`: False where the text was cut at its limit."""

    tokens: list[int]
    log_prob: float
    decided: int
    whole: bool


Write = Callable[[Sequence[int], int, OnToken], Awaitable[list[int]]]
"""(written so far, most, listener) → the tokens the model goes on with."""
Scores = Callable[[Sequence[int]], Awaitable["np.ndarray[Any, np.dtype[np.float32]]"]]
"""Written so far → the score of every token that may come next."""


async def decode(write: Write, scores: Scores, grammar: Grammar, end: int, most: int) -> Constrained:
    """The greedy text of the grammar. Raises DeadEnd."""
    written: list[int] = list(_without(grammar.forced(()), end))
    whole = end in grammar.forced(())
    log_prob, decided = 0.0, 0
    while not whole and len(written) < most:
        free = _Listener(grammar, written, end)
        await write(tuple(written), most - len(written), free)
        written, log_prob = free.written, log_prob + free.log_prob
        if not free.left and (len(written) >= most or grammar.allows(written, end)):
            return Constrained(written, log_prob, decided, len(written) < most or grammar.allows(written, end))
        token, gain = _best(await scores(tuple(written)), grammar, written, end)
        log_prob, decided = log_prob + gain, decided + 1
        whole = token == end
        if not whole:
            written.append(token)
            rest = grammar.forced(written)
            whole = end in rest
            written += _without(rest, end)
    return Constrained(written[:most], log_prob, decided, whole)


class _Listener:
    """Takes in what the model writes for as long as it keeps to the grammar."""

    def __init__(self, grammar: Grammar, written: Sequence[int], end: int) -> None:
        self._grammar, self.written, self._end = grammar, list(written), end
        self.log_prob = 0.0
        self.left = False

    def __call__(self, token: int, log_prob: float) -> bool:
        if not self._grammar.allows(self.written, token):
            self.left = True
            return True
        if token == self._end:
            return True
        self.written.append(token)
        self.log_prob += log_prob
        return False


def _best(
    scores: np.ndarray[Any, np.dtype[np.float32]], grammar: Grammar, written: Sequence[int], end: int
) -> tuple[int, float]:
    """The allowed token with the highest score, and its log probability among all tokens."""
    for token in np.argsort(-scores, kind="stable"):
        if grammar.allows(written, int(token)):
            highest = float(scores.max())
            total = highest + float(np.log(np.exp(scores - highest).sum()))
            return int(token), float(scores[token]) - total
    raise DeadEnd("the grammar allows no token here and no end")


def _without(tokens: Sequence[int], end: int) -> list[int]:
    return [token for token in tokens if token != end]


class Choices:
    """A grammar of a few texts, given as tokens: exactly one of them is written."""

    def __init__(self, texts: Sequence[Sequence[int]], end: int) -> None:
        self._texts = [(*text, end) for text in dict.fromkeys(tuple(t) for t in texts)]

    def allows(self, written: Sequence[int], token: int) -> bool:
        return any(text[: len(written) + 1] == (*written, token) for text in self._texts)

    def forced(self, written: Sequence[int]) -> Sequence[int]:
        """As long as all the texts that are left go on alike."""
        left = [text[len(written) :] for text in self._texts if text[: len(written)] == tuple(written)]
        alike = 0
        while left and all(len(t) > alike and t[alike] == left[0][alike] for t in left):
            alike += 1
        return left[0][:alike] if left else ()


class TextGrammar:
    """A grammar told in text. `begins`: whether it is the beginning of something allowed; `whole`: whether it may end
    there. Tokens that hold only a part of a letter are not allowed: nobody could tell whether the rest will come."""

    def __init__(
        self,
        begins: Callable[[str], bool],
        whole: Callable[[str], bool],
        text_of: Callable[[Sequence[int]], bytes],
        end: int,
        never: frozenset[int] = frozenset(),
    ) -> None:
        self._begins, self._whole, self._text_of, self._end, self._never = begins, whole, text_of, end, never

    def allows(self, written: Sequence[int], token: int) -> bool:
        if token == self._end:
            return self._whole(self._text_of(written).decode())
        if token in self._never:
            return False
        try:
            return self._begins(self._text_of([*written, token]).decode())
        except UnicodeDecodeError:
            return False

    def forced(self, written: Sequence[int]) -> Sequence[int]:
        return ()
