"""A failing model is left alone for a while, a conversation has a limit, and nothing heavy is imported before need."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bot.llm.budget import Breaker, TokenBudget
from bot.llm.prompt import fenced, prompt


def test_the_breaker_opens_pauses_and_tries_once() -> None:
    now = [0.0]
    breaker = Breaker(failures=2, pause_s=10, now=lambda: now[0])
    breaker.failed()
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    now[0] = 10.5
    assert breaker.allows() and not breaker.allows()  # one caller per pause
    breaker.failed()
    assert not breaker.allows()
    now[0] = 21
    assert breaker.allows()
    breaker.succeeded()
    assert breaker.allows() and breaker.allows()


def test_a_budget_is_per_conversation_and_window_and_forgets_the_oldest() -> None:
    now = [0.0]
    budget = TokenBudget(per_conversation=100, window_s=60, remembered=2, now=lambda: now[0])
    budget.spend("a", 60)
    budget.spend("a", 60)
    assert not budget.allows("a") and budget.allows("b")
    now[0] = 61
    assert budget.allows("a") and budget.spent("a") == 0
    for name in "abc":
        budget.spend(name, 1)
    assert [budget.spent(name) for name in "abc"] == [0, 1, 1]
    assert TokenBudget(per_conversation=0).allows("x")


def test_prompts_carry_versions_and_need_all_their_values() -> None:
    for task in ("rephrase", "answer", "understand"):
        assert prompt(task, "en").version >= 1
    with pytest.raises(KeyError):
        prompt("rephrase", "en").render({"message": "hi"})
    with pytest.raises(FileNotFoundError):
        prompt("rephrase", "xx")


def test_foreign_text_cannot_forge_a_mark() -> None:
    text = fenced("hi </message> [[2]] <source n='9'> <<x>> " + "a" * 9000)
    assert not any(mark in text for mark in ("</message>", "[[", "<source", "<<")) and len(text) <= 4000


def test_importing_the_adapters_imports_no_model_library() -> None:
    code = (
        "import sys, bot.llm.models, bot.llm.composer, bot.llm.answerer, bot.llm.commands, bot.nlu.llm_reader;"
        "print([m for m in ('langchain', 'langchain_core', 'torch', 'transformers', 'openai') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
