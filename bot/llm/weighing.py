"""How likely each of a few ways of going on is, by the embedded model: no text is written, scores are compared.

It knows tokens and no prompt form. A way of several tokens that begins as another does is followed further.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np


class Scorer(Protocol):
    """What of the embedded model is needed here."""

    end: int

    def prompt(self, turns: Sequence[tuple[str, str]]) -> list[str]: ...

    def tokens(self, text: str) -> list[int]: ...

    def token_texts(self, tokens: Sequence[int]) -> list[str]: ...

    async def scores(self, prompt: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]: ...


class EmbeddedWeigher:
    """Implements `Weigher` of bot.nlu.small_reader. An empty way is the end of the reply."""

    def __init__(self, model: Scorer) -> None:
        self._model = model

    async def weigh(self, prompt: str, written: str, ways: Sequence[str]) -> list[float]:
        """Shares of the ways, in their order, which add up to one. ValueError for a prompt that is too long."""
        model = self._model
        start = [*model.prompt([("user", prompt)]), *model.token_texts(model.tokens(written))]
        wanted = [tuple(model.tokens(way)) if way else (model.end,) for way in ways]
        return await self._shares(start, wanted)

    async def _shares(self, start: list[str], ways: Sequence[tuple[int, ...]]) -> list[float]:
        """Where several ways begin with one token, its share is divided among them by what follows."""
        scores = await self._model.scores(start)
        firsts = list(dict.fromkeys(way[0] for way in ways))
        raised = np.exp(scores[firsts] - scores[firsts].max())
        of_first = dict(zip(firsts, (raised / raised.sum()).tolist(), strict=True))
        shares = [0.0] * len(ways)
        for first in firsts:
            places = [n for n, way in enumerate(ways) if way[0] == first]
            if len(places) == 1:
                shares[places[0]] = of_first[first]
                continue
            rest = [ways[n][1:] or (self._model.end,) for n in places]
            parts = await self._shares([*start, *self._model.token_texts([first])], rest)
            for n, part in zip(places, parts, strict=True):
                shares[n] = of_first[first] * part
        return shares
