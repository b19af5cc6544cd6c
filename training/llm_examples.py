"""From rows to tokens: the chat template, which tokens are learned from, batches.

Only the assistant's tokens are learned from. It knows a tokenizer and numbers, no model and no optimiser.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bot.llm.spans import Rules, point
from training.llm_data import Message, Row

IGNORED = -100  # PyTorch's label of a token that is not learned from
_AT_ONCE = 2000  # texts given to the tokenizer together
_POOL = 60  # batches whose examples are sorted by length together


@dataclass(frozen=True, slots=True)
class Example:
    """Token numbers, and for each whether it is the assistant's."""

    ids: np.ndarray[Any, Any]
    learned: np.ndarray[Any, Any]


Piece = tuple[str, bool]


def encode_rows(rows: Sequence[Row], tokenizer: Any, rules: Rules, longest: int) -> tuple[list[Example], int]:
    """The examples that have at most `longest` tokens, and how many were longer."""
    examples: list[Example] = []
    too_long = 0
    for start in range(0, len(rows), _AT_ONCE):
        pieces = [row_pieces(row, tokenizer, rules) for row in rows[start : start + _AT_ONCE]]
        texts = [text for row in pieces for text, _ in row]
        encoded = iter(tokenizer(texts, add_special_tokens=False)["input_ids"])
        for row in pieces:
            ids: list[int] = []
            learned: list[bool] = []
            for _, says in row:
                part = next(encoded)
                ids += part
                learned += [says] * len(part)
            if len(ids) > longest:
                too_long += 1
            else:
                examples.append(Example(np.array(ids, dtype=np.int32), np.array(learned, dtype=bool)))
    return examples, too_long


def row_pieces(row: Row, tokenizer: Any, rules: Rules) -> list[Piece]:
    """The conversation as text, cut where the assistant begins and ends; values marked and pointed at by the rules."""
    context, reply = list(row.context), row.reply
    if rules.keys:
        context, values = mark_context(context, rules)
        return _last_reply(context, point(reply, values), tokenizer)
    return _all_replies([*context, {"role": "assistant", "content": reply}], tokenizer)


def mark_context(context: Sequence[Message], rules: Rules) -> tuple[list[Message], dict[str, str]]:
    """The context with the values of its last message tagged, and the values."""
    marked = rules.mark(context[-1]["content"])
    return [*context[:-1], {**context[-1], "content": marked.text}], marked.values


def prompt_text(context: Sequence[Message], tokenizer: Any) -> str:
    """What a model is given to write the reply after."""
    text: str = tokenizer.apply_chat_template(list(context), tokenize=False, add_generation_prompt=True)
    return _first(tokenizer) + text if not text.startswith(_first(tokenizer)) else text


def _last_reply(context: Sequence[Message], reply: str, tokenizer: Any) -> list[Piece]:
    before = prompt_text(context, tokenizer)
    whole = _first_then(tokenizer, [*context, {"role": "assistant", "content": reply}])
    said = whole[len(before) :] if whole.startswith(before) else reply
    return [(before, False), (_ended(said, tokenizer), True)]


def _all_replies(messages: Sequence[Message], tokenizer: Any) -> list[Piece]:
    """Every reply of a conversation, where the template lets the beginning stand as it is; else the last alone."""
    pieces: list[Piece] = []
    done = ""
    for number, message in enumerate(messages):
        if message["role"] != "assistant" or number == 0:
            continue
        before = prompt_text(messages[:number], tokenizer)
        whole = _first_then(tokenizer, messages[: number + 1])
        if not before.startswith(done) or not whole.startswith(before):
            return _last_reply(messages[:-1], messages[-1]["content"], tokenizer)
        said = whole[len(before) :]
        pieces += [(before[len(done) :], False), (said, True)]
        done = whole
    text, says = pieces[-1]
    return [*pieces[:-1], (_ended(text, tokenizer), says)]


def _first(tokenizer: Any) -> str:
    """The token a text begins with, where the tokenizer adds one and the template does not."""
    return tokenizer.bos_token if getattr(tokenizer, "add_bos_token", False) and tokenizer.bos_token else ""


def _first_then(tokenizer: Any, messages: Sequence[Message]) -> str:
    text: str = tokenizer.apply_chat_template(list(messages), tokenize=False)
    return text if text.startswith(_first(tokenizer)) else _first(tokenizer) + text


def _ended(said: str, tokenizer: Any) -> str:
    """With the token that ends a reply, so that the model learns to stop."""
    end = tokenizer.eos_token or ""
    return said if not end or end in said else said.rstrip("\n") + end


def batches(examples: Sequence[Example], tokens: int, seed: int, epoch: int) -> list[list[int]]:
    """Every example once, those of similar length together, at most `tokens` with padding in each batch; in an order
    that only seed and epoch decide."""
    draw = np.random.default_rng((seed, epoch))
    order = draw.permutation(len(examples))
    mean = max(1, int(np.mean([len(e.ids) for e in examples])))
    pool = max(1, _POOL * tokens // mean)
    made: list[list[int]] = []
    for start in range(0, len(order), pool):
        together = sorted(order[start : start + pool].tolist(), key=lambda i: len(examples[i].ids))
        made += _cut(together, examples, tokens)
    return [made[i] for i in draw.permutation(len(made))]


def _cut(order: Sequence[int], examples: Sequence[Example], tokens: int) -> Iterator[list[int]]:
    batch: list[int] = []
    for number in order:  # from short to long: the newest is the longest
        if batch and (len(batch) + 1) * len(examples[number].ids) > tokens:
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch


def arrays(batch: Sequence[Example], pad: int) -> tuple[Any, Any]:
    """Token numbers and labels of a batch, padded on the right."""
    width = max(len(e.ids) for e in batch)
    ids = np.full((len(batch), width), pad, dtype=np.int64)
    labels = np.full((len(batch), width), IGNORED, dtype=np.int64)
    for place, example in enumerate(batch):
        ids[place, : len(example.ids)] = example.ids
        labels[place, : len(example.ids)] = np.where(example.learned, example.ids, IGNORED)
    return ids, labels
