"""A new language model from nothing: a byte-level BPE tokenizer made from texts, and a Llama with random weights.

It writes a folder in Hugging Face's format and trains nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.llm.spans import MOST, tag

PAD, END, SYSTEM, USER, ASSISTANT = "<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = (PAD, END, SYSTEM, USER, ASSISTANT, *(tag(n) for n in range(MOST)))
CHAT_TEMPLATE = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] }}"
    "{% if m['role'] == 'assistant' %}{{ '<|end|>' }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@dataclass(frozen=True, slots=True)
class Size:
    """The shape of a Llama: `vocabulary` tokens, `layers` blocks of width `hidden`, `context` positions."""

    vocabulary: int = 6000
    hidden: int = 256
    layers: int = 5
    heads: int = 4
    inner: int = 688
    context: int = 1024


TINY = Size(vocabulary=600, hidden=32, layers=2, heads=2, inner=64, context=512)


def new_model(folder: Path, texts: Iterable[str], size: Size = Size(), seed: int = 0) -> None:
    """Write tokenizer and random weights. The vocabulary may come out smaller than asked for where texts are few."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = new_tokenizer(texts, size.vocabulary)
    _wrapped(tokenizer, size.context).save_pretrained(folder)
    _llama(tokenizer.get_vocab_size(), tokenizer, size, seed).save_pretrained(folder)


def new_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """A `tokenizers.Tokenizer`: byte-level BPE (Sennrich et al. 2016; GPT-2's bytes), each digit a token of its own."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = [AddedToken(name, special=True, normalized=False) for name in SPECIAL]
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        min_frequency=3,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def _wrapped(tokenizer: Any, context: int) -> Any:
    from transformers import PreTrainedTokenizerFast

    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        model_max_length=context,
        chat_template=CHAT_TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def _llama(vocabulary: int, tokenizer: Any, size: Size, seed: int) -> Any:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=size.hidden,
        intermediate_size=size.inner,
        num_hidden_layers=size.layers,
        num_attention_heads=size.heads,
        num_key_value_heads=size.heads,
        max_position_embeddings=size.context,
        tie_word_embeddings=True,
        pad_token_id=tokenizer.token_to_id(PAD),
        bos_token_id=None,
        eos_token_id=tokenizer.token_to_id(END),
        attention_dropout=0.0,
    )
    return LlamaForCausalLM(config)
