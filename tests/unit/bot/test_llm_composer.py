"""A model phrases the reply: what passes the gate is said, everything else falls back to the template, act by act."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage

from bot.domain.events import UserUttered
from bot.domain.tracker import Tracker
from bot.engine.responses import Responses, parse_responses
from bot.llm.calls import ModelCall
from bot.llm.composer import LlmComposer
from bot.llm.phrasers import DraftPhraser
from bot.ports import Act

TEXTS = parse_responses(
    {
        "utter_cancelled": [{"text": "Order {number} is cancelled. The refund of {amount} goes to {method}."}],
        "utter_tracking": [{"text": "Order {number} is with {carrier} and should arrive on {eta}."}],
        "utter_card": [{"text": "Shall I cancel order {number}?", "metadata": {"verbatim": True}}],
        "utter_anything": [{"text": "Is there anything else I can do for you?"}],
    }
)
CANCELLED = Act("utter_cancelled", {"number": "#W1", "amount": "$5.00", "method": "PayPal"})
TRACKING = Act("utter_tracking", {"number": "#W2", "carrier": "UPS", "eta": "2026-11-24"})
CARD = Act("utter_card", {"number": "#W3"})
ANYTHING = Act("utter_anything")


def composer(*answers: str) -> LlmComposer:
    def said() -> Iterator[AIMessage]:
        yield from (AIMessage(content=answer) for answer in answers)

    return LlmComposer(DraftPhraser(ModelCall(GenericFakeChatModel(messages=said()))), Responses({"en": TEXTS}))


async def compose(
    composer: LlmComposer, *acts: Act, locale: str = "en"
) -> tuple[list[str] | None, list[str], list[str]]:
    tracker = Tracker("c1", locale=locale, last_user=UserUttered("please cancel it"))
    drafts = [composer.responses.render(act, "en") for act in acts]
    deltas: list[str] = []

    async def on_delta(piece: str) -> None:
        deltas.append(piece)

    return await composer.compose(acts, drafts, tracker, on_delta), drafts, deltas


async def test_a_good_paraphrase_is_said_and_streamed() -> None:
    c = composer(
        "[[1]] I've cancelled order #W1. Your $5 refund goes to PayPal.\n[[2]] Anything else I can help you with?"
    )
    texts, _, deltas = await compose(c, CANCELLED, ANYTHING)
    assert texts == ["I've cancelled order #W1. Your $5 refund goes to PayPal.", "Anything else I can help you with?"]
    assert "".join(deltas) == "\n\n".join(texts)
    assert (c.count.own, c.count.dropped, c.count.acts_own, c.count.acts_template) == (3, 0, 2, 0)


async def test_an_invented_amount_brings_the_template_back_and_is_never_streamed() -> None:
    c = composer(
        "[[1]] Order #W1 is cancelled and you get $50 back on PayPal.\n"
        "[[2]] UPS has order #W2, it should arrive on 24 November."
    )
    texts, drafts, deltas = await compose(c, CANCELLED, TRACKING)
    assert texts == [drafts[0], "UPS has order #W2, it should arrive on 24 November."]
    assert "$50" not in "".join(deltas)
    assert c.count.dropped == 1 and c.count.acts_template == 1


async def test_an_extra_sentence_is_dropped_and_the_rest_kept() -> None:
    c = composer("[[1]] UPS has order #W2, it should arrive on 24 November. We'll also send you a free gift!")
    texts, _, deltas = await compose(c, TRACKING)
    assert texts == ["UPS has order #W2, it should arrive on 24 November."] and "gift" not in "".join(deltas)
    assert c.count.dropped_share == 0.5


async def test_verbatim_acts_stay_as_written_and_in_their_place() -> None:
    c = composer("[[1]] UPS has order #W2, it should arrive on 24 November.\n[[2]] Anything else?")
    texts, drafts, deltas = await compose(c, TRACKING, CARD, ANYTHING)
    assert texts == ["UPS has order #W2, it should arrive on 24 November.", drafts[1], "Anything else?"]
    assert "".join(deltas) == "\n\n".join(texts)


async def test_only_verbatim_acts_ask_no_model() -> None:
    texts, _, deltas = await compose(composer(), CARD)
    assert texts is None and deltas == []


async def test_missing_swapped_and_foreign_numbers_fall_back() -> None:
    c = composer("[[2]] Anything else?\n[[7]] Order #W1 is cancelled.")
    texts, drafts, _ = await compose(c, CANCELLED, ANYTHING)
    assert texts == [drafts[0], "Anything else?"]
    c = composer("[[1]] Anything else?\n[[2]] Order #W1 is cancelled. The refund of $5 goes to PayPal.")
    texts, drafts, _ = await compose(c, CANCELLED, ANYTHING)
    assert texts == drafts


async def test_one_act_may_come_without_its_number() -> None:
    texts, _, _ = await compose(composer("Order #W2 is with UPS and should arrive on Tuesday, November 24."), TRACKING)
    assert texts == ["Order #W2 is with UPS and should arrive on Tuesday, November 24."]


async def test_nonsense_and_errors_leave_the_reply_to_the_templates() -> None:
    for c in (composer(""), composer("blah"), composer()):  # the last one has nothing to say and raises
        assert (await compose(c, CANCELLED, ANYTHING))[0] is None


async def test_a_failure_after_streaming_began_is_finished_with_templates() -> None:
    class Breaks(GenericFakeChatModel):
        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            count = 0
            async for piece in super()._astream(*args, **kwargs):
                count += 1
                if count > 40:
                    raise ConnectionError("gone")
                yield piece

    text = "[[1]] Order #W1 is cancelled. The refund of $5 goes to PayPal.\n[[2]] " + "Anything else? " * 20
    c = composer()
    c.phraser = DraftPhraser(ModelCall(Breaks(messages=iter([AIMessage(content=text)]))))
    texts, drafts, deltas = await compose(c, CANCELLED, ANYTHING)
    assert texts == ["Order #W1 is cancelled. The refund of $5 goes to PayPal.", drafts[1]]
    assert "".join(deltas) == "\n\n".join(texts)


async def test_a_slow_model_is_not_waited_for() -> None:
    class Slow(GenericFakeChatModel):
        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(10)
            yield None

    c = composer()
    c.phraser = DraftPhraser(ModelCall(Slow(messages=iter([])), timeout_s=0.05))
    assert (await compose(c, CANCELLED))[0] is None
    assert c.count.failures == 1


async def test_the_customers_words_cannot_make_it_say_things() -> None:
    """Even when a model obeys an injected message, the gate lets nothing of it through."""
    c = composer("[[1]] As you asked: you get a refund of $500 and free shipping for life!")
    texts, drafts, _ = await compose(c, CANCELLED)
    assert texts == drafts


async def test_a_language_without_gate_words_is_left_to_templates() -> None:
    assert (await compose(composer("[[1]] 好的"), ANYTHING, locale="zh"))[0] is None
