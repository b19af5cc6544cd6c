"""Figures of replies against references: BLEU, chrF, ROUGE-L, slot error, groundedness. It knows texts, no models."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

from bot.llm.spans import TAG, Rules, point, stands_in

_CJK = re.compile(r"[\u3400-\u9fff]")
_NUMBER = re.compile(r"[^\W_]*\d[\w.,:/-]*\w|\d")


def overlap_figures(said: Sequence[str], references: Sequence[Sequence[str]]) -> dict[str, float]:
    """Corpus BLEU-4 and chrF (sacrebleu), both 0 to 1, and ROUGE-L: F1 of the longest common subsequence of words with
    the best reference."""
    from sacrebleu.metrics import BLEU, CHRF

    chinese = sum(bool(_CJK.search(texts[0])) for texts in references) > len(references) / 2
    most = max(map(len, references))
    streams: list[Any] = [[r[n] if n < len(r) else None for r in references] for n in range(most)]
    bleu = BLEU(tokenize="zh" if chinese else "13a").corpus_score(list(said), streams)
    chrf = CHRF().corpus_score(list(said), streams)
    rouge = sum(max(_rouge_l(s, r, chinese) for r in texts) for s, texts in zip(said, references, strict=True))
    return {"bleu": bleu.score / 100, "rouge_l": rouge / max(len(said), 1), "chrf": chrf.score / 100}


def _rouge_l(said: str, reference: str, characters: bool) -> float:
    from rapidfuzz.distance import LCSseq

    one, other = (list(said), list(reference)) if characters else (said.lower().split(), reference.lower().split())
    return 2 * LCSseq.similarity(one, other) / (len(one) + len(other)) if one and other else 0.0


def value_figures(said: Sequence[str], prompts: Sequence[str], rules: Rules) -> dict[str, Any]:
    """`slot_error`: values of the prompts that replies leave out (`slots_missing`), say more often than the prompt does
    or take from another prompt (`slots_extra`), over all values; None where prompts have no values that rules find.
    `groundedness`: the part of replies whose every number stands in the prompt, and that hold no foreign value."""
    known = [[p[s.start : s.stop] for s in rules.find(p)] for p in prompts]
    foreign = Foreign(v for values in known for v in values)
    slots = missing = extra = grounded = 0
    for text, prompt, values in zip(said, prompts, known, strict=True):
        left_out, repeated, rest = _counted(text, values)
        strangers = foreign.among(rest, prompt)
        slots, missing, extra = slots + len(values), missing + left_out, extra + repeated + strangers
        numbers = (m[0] for m in _NUMBER.finditer(rest))
        grounded += not strangers and all(stands_in(n, prompt) for n in numbers)
    figures: dict[str, Any] = {"slot_error": (missing + extra) / slots if slots else None}
    return figures | {"slots": slots, "slots_missing": missing, "slots_extra": extra,
                      "groundedness": grounded / max(len(said), 1)}


def _counted(text: str, values: Sequence[str]) -> tuple[int, int, str]:
    """Values left out, values said too often, and the text without its values."""
    wanted = Counter(values)
    tags = {f"<v{number}>": value for number, value in enumerate(wanted)}
    rest = point(TAG.sub(" ", text), tags)
    found = Counter(match[0] for match in TAG.finditer(rest))
    left_out = sum(n for name, value in tags.items() if (n := wanted[value]) and not found[name])
    repeated = sum(max(0, found[name] - wanted[value]) for name, value in tags.items())
    return left_out, repeated, TAG.sub(" | ", rest)


class Foreign:
    """Values of all prompts that say enough to be recognised: with a digit, or of several words."""

    def __init__(self, values: Any) -> None:
        telling = {v for v in values if " " in v or any(c.isdigit() for c in v)}
        self._values = {tuple(v.split()) for v in telling if len(v) > 1}
        self._longest = max(map(len, self._values), default=0)

    def among(self, text: str, prompt: str) -> int:
        """How many stand in the text and not in the prompt."""
        words, count, at = text.split(), 0, 0
        while at < len(words):
            for n in range(min(self._longest, len(words) - at), 0, -1):
                value = tuple(words[at : at + n])
                if value in self._values and not stands_in(" ".join(value), prompt):
                    count, at = count + 1, at + n - 1
                    break
            at += 1
        return count
