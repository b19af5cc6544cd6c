"""An artifact that replies to rows: prompts marked, candidates found, one of them chosen, tags filled.

A choice knows tags and words: a candidate that leaves out a value which training replies always say, says one twice or
points at nothing comes last; of the others the one most like all of them is said (minimum Bayes risk: Kumar and Byrne
2004), because what many candidates agree on is seldom wrong.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.llm.spans import TAG, Rules, fill
from training.llm_data import Message
from training.llm_examples import mark_context, prompt_text
from training.replies import Voice, Way

ALWAYS = 0.9  # a value under a key that so many replies repeat must be said
_UNKNOWN = 10  # as bad as so many values left out
_GRAM = 4


@dataclass(frozen=True, slots=True)
class Asked:
    """A prompt as the model reads it, the values its tags stand for, and the tags that a reply must have."""

    text: str
    values: dict[str, str]
    must: tuple[str, ...]


@dataclass(slots=True)
class Speaker:
    """A voice with its tokenizer and its rules of pointing."""

    voice: Voice
    tokenizer: Any
    rules: Rules

    def asked(self, context: Sequence[Message]) -> Asked:
        """Raises nothing: a prompt without values is a prompt all the same."""
        marked, values = mark_context(context, self.rules)
        keys = [span.key for span in self.rules.find(context[-1]["content"])]
        must = tuple(name for name, key in zip(values, keys, strict=True) if self.rules.said.get(key, 0) >= ALWAYS)
        return Asked(prompt_text(marked, self.tokenizer), values, must)

    def reply(self, contexts: Sequence[Sequence[Message]], way: Way, seed: int = 0) -> list[str]:
        """A reply to each."""
        asked = [self.asked(context) for context in contexts]
        prompts = self.tokenizer([a.text for a in asked], add_special_tokens=False)["input_ids"] if asked else []
        found = self.voice.say(prompts, way, seed)
        return [filled(choose(c, a, way), a.values) for c, a in zip(found, asked, strict=True)]


def choose(candidates: Sequence[str], asked: Asked, way: Way) -> str:
    """The candidate that is said."""
    wrong = [mistakes(c, asked) for c in candidates]
    least = min(wrong)
    good = [c for c, n in zip(candidates, wrong, strict=True) if n == least]
    return good[0] if way.method != "consensus" else most_agreed(good)


def mistakes(candidate: str, asked: Asked) -> int:
    """Values left out or said twice, and tags that stand for nothing."""
    said = Counter(match[0] for match in TAG.finditer(candidate))
    known = asked.values or dict.fromkeys((m[0] for m in TAG.finditer(asked.text)), "")
    missing = sum(name not in said for name in asked.must)
    repeated = sum(n - 1 for name, n in said.items() if name in asked.values)
    return missing + repeated + _UNKNOWN * sum(name not in known for name in said)


def filled(reply: str, values: dict[str, str]) -> str:
    """With its values; a tag that stands for nothing is left out."""
    if not values:
        return reply
    return fill(TAG.sub(lambda m: m[0] if m[0] in values else "", reply), values)


def most_agreed(candidates: Sequence[str]) -> str:
    """The one with the highest mean likeness to all of them, each as often as it was drawn."""
    drawn = Counter(candidates)
    grams = {text: _grams(text.split()) for text in drawn}
    best, highest = candidates[0], -1.0
    for text in drawn:
        likeness = sum(n * _likeness(grams[text], grams[other]) for other, n in drawn.items())
        if likeness > highest:
            best, highest = text, likeness
    return best


Grams = tuple[int, list[Counter[tuple[str, ...]]]]


def _grams(words: Sequence[str]) -> Grams:
    return len(words), [Counter(tuple(words[i : i + n]) for i in range(len(words) - n + 1)) for n in range(1, _GRAM + 1)]


def _likeness(one: Grams, other: Grams) -> float:
    """BLEU of a sentence (Lin and Och 2004: one more match of each order but the first)."""
    (length, grams), (wanted, expected) = one, other
    if not length:
        return 0.0
    total = 0.0
    for order, (mine, theirs) in enumerate(zip(grams, expected, strict=True)):
        same = sum(min(n, theirs[gram]) for gram, n in mine.items() if gram in theirs)
        smooth = 1 if order else 0
        if same + smooth == 0:
            return 0.0
        total += math.log((same + smooth) / (max(length - order, 0) + smooth))
    return math.exp(total / _GRAM + min(0.0, 1 - wanted / length))
