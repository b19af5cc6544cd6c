"""Replies of a model to many prompts: the most probable one, a beam's, or many drawn at random; on PyTorch.

It gives candidates as text with their tags; which of them is said is not its business.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from training.llm_base import tag_ids

METHODS = ("greedy", "beam", "consensus")
_TOGETHER = 24576  # tokens of prompts and replies that are computed together


@dataclass(frozen=True, slots=True)
class Way:
    """How a reply is found. `beam`: the best of `candidates` beams that says what it must; `consensus`: of so many
    drawn at `temperature`, the one most like the others. `longest`: tokens of a reply."""

    method: str = "greedy"
    candidates: int = 1
    temperature: float = 1.0
    longest: int = 256


class Voice(Protocol):
    """Something that replies."""

    def say(self, prompts: Sequence[list[int]], way: Way, seed: int = 0) -> list[list[str]]:
        """The candidates for each prompt (token numbers), the best first where the method knows an order."""
        ...


def as_text(ids: Sequence[int], tokenizer: Any) -> str:
    """Without special tokens, but with the tags."""
    tags = set(tag_ids(tokenizer))
    dropped = set(tokenizer.all_special_ids) - tags
    text: str = tokenizer.decode([i for i in ids if i not in dropped], clean_up_tokenization_spaces=False)
    return text.strip()


class TorchVoice:
    """A transformers model. Prompts of similar length are computed together."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model.eval(), tokenizer
        self._ends = _ends_of(model, tokenizer)

    def say(self, prompts: Sequence[list[int]], way: Way, seed: int = 0) -> list[list[str]]:
        import torch

        draw = torch.Generator(device=self.model.device).manual_seed(seed)
        said: list[list[str]] = [[] for _ in prompts]
        with torch.inference_mode():
            for batch in self._batches(prompts, way):
                ids, mask = self._padded([prompts[i] for i in batch])
                found = self._beams(ids, mask, way) if way.method == "beam" else self._drawn(ids, mask, way, draw)
                for place, candidates in zip(batch, found, strict=True):
                    said[place] = [as_text(c, self.tokenizer) for c in candidates]
        return said

    def _batches(self, prompts: Sequence[list[int]], way: Way) -> Iterator[list[int]]:
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        batch: list[int] = []
        for number in order:
            tokens = (len(batch) + 1) * way.candidates * (len(prompts[number]) + min(way.longest, 64))
            if batch and tokens > _TOGETHER:
                yield batch
                batch = []
            batch.append(number)
        if batch:
            yield batch

    def _padded(self, prompts: Sequence[list[int]]) -> tuple[Any, Any]:
        """Padded on the left, so that replies begin together."""
        import torch

        width = max(map(len, prompts))
        pad = self.tokenizer.pad_token_id
        ids = torch.tensor([[pad] * (width - len(p)) + p for p in prompts], device=self.model.device)
        mask = torch.tensor([[0] * (width - len(p)) + [1] * len(p) for p in prompts], device=self.model.device)
        return ids, mask

    def _beams(self, ids: Any, mask: Any, way: Way) -> list[list[list[int]]]:
        out = self.model.generate(
            input_ids=ids, attention_mask=mask, do_sample=False, num_beams=way.candidates,
            num_return_sequences=way.candidates, max_new_tokens=self._room(ids, way), pad_token_id=self.tokenizer.pad_token_id,
            eos_token_id=sorted(self._ends), length_penalty=1.0,
        )[:, ids.shape[1] :].tolist()
        return [[self._cut(o) for o in out[i : i + way.candidates]] for i in range(0, len(out), way.candidates)]

    def _drawn(self, ids: Any, mask: Any, way: Way, draw: Any) -> list[list[list[int]]]:
        """Draw, or take the most probable token; a prompt is read once, and what has ended is computed no further."""
        import torch

        n = way.candidates if way.method == "consensus" else 1
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        out = self.model(input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, logits_to_keep=1)
        cache, logits = out.past_key_values, out.logits[:, -1]
        if n > 1:
            cache.batch_repeat_interleave(n)
            logits, mask = logits.repeat_interleave(n, 0), mask.repeat_interleave(n, 0)
        position = mask.sum(-1, keepdim=True)
        written: list[list[int]] = [[] for _ in range(len(logits))]
        alive = list(range(len(logits)))
        for _ in range(self._room(ids, way)):
            token = self._next(logits, way, draw)
            going = [k for k, t in enumerate(token.tolist()) if t not in self._ends]
            for k in going:
                written[alive[k]].append(int(token[k]))
            if not going:
                break
            if len(going) < len(alive):
                keep = torch.tensor(going, device=token.device)
                cache.batch_select_indices(keep)
                token, mask, position = token[keep], mask[keep], position[keep]
                alive = [alive[k] for k in going]
            mask = torch.cat([mask, mask.new_ones(len(mask), 1)], 1)
            out = self.model(input_ids=token[:, None], attention_mask=mask, position_ids=position, past_key_values=cache,
                             use_cache=True)
            logits, position = out.logits[:, -1], position + 1
        return [written[i : i + n] for i in range(0, len(written), n)]

    def _next(self, logits: Any, way: Way, draw: Any) -> Any:
        import torch

        if way.method != "consensus":
            return logits.argmax(-1)
        return torch.multinomial(torch.softmax(logits.float() / way.temperature, -1), 1, generator=draw)[:, 0]

    def _room(self, ids: Any, way: Way) -> int:
        from training.llm_base import context_of

        return max(1, min(way.longest, context_of(self.model) - int(ids.shape[1])))

    def _cut(self, ids: Sequence[int]) -> list[int]:
        end = next((k for k, i in enumerate(ids) if i in self._ends), len(ids))
        return list(ids[:end])


def _ends_of(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end a reply."""
    stated = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    ends = stated if isinstance(stated, list) else [stated]
    return {int(i) for i in [*ends, tokenizer.eos_token_id] if i is not None}
