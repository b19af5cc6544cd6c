"""Shoppers who ask how the shop works: the sentence that answers, with its source; or an honest "I don't know"."""

from __future__ import annotations

import pytest

from tests.scenarios.talk import Talk


@pytest.mark.parametrize(("question", "document", "facts"), [       # one of the facts
    pytest.param("how much is express shipping in the US?", "shipping", ["14.90"],
                 marks=pytest.mark.xfail(strict=True, reason="the price is wanted; who asks is asked first")),
    ("how long does delivery to canada take", "shipping", ["4 to 7"]),
    pytest.param("do i have to pay for returning something?", "", ["nothing", "free", "prepaid label", "pay the label"],
                 marks=pytest.mark.xfail(strict=True, reason="the cost of a return is wanted; keeping the goods is told")),
    pytest.param("Is there any discount code for first orders?", "promotions", ["WELCOME10"],
                 marks=pytest.mark.xfail(strict=True, reason="the first order's code is wanted; later coupons are told")),
    ("can i use two coupons in one order", "", ["one coupon"]),
    pytest.param("what should i do if a parcel is marked as delivered but isn't there?", "shipping", ["two business days"],
                 marks=pytest.mark.xfail(strict=True, reason="the rule is wanted; an own order is looked for")),
    ("how long do refunds to a card take", "", ["5 to 7"]),
    ("Where do you ship to, Germany too?", "", ["germany"]),
])
async def test_the_sentence_that_answers(talk: Talk, question: str, document: str, facts: list[str]) -> None:
    await talk.say(question)
    assert any(talk.shows(fact) for fact in facts)
    assert not document or talk.cites(document)
    assert talk.asked == ""


async def test_not_the_whole_page(talk: Talk) -> None:
    await talk.say("what does express shipping cost")
    assert len(talk.text) < 600


async def test_the_source_is_quoted(talk: Talk) -> None:
    await talk.say("when are the sales, the winter clearance for example?")
    assert talk.sources and all(s.quote or s.title for s in talk.sources)


async def test_nothing_written_nothing_said(talk: Talk) -> None:
    await talk.say("do you offer helicopter delivery to oil platforms?")
    await talk.say("and what is your CEO's salary?")
    assert not talk.sources
    assert {"utter_dont_know", "utter_out_of_scope", "utter_not_understood", "utter_offer_human"} & set(talk.responses)


async def test_out_of_scope_is_told(talk: Talk) -> None:
    await talk.say("whats the capital of mongolia")
    assert talk.products == [] and talk.sources == [] and not talk.shows("ulaanbaatar")


@pytest.mark.xfail(strict=True, reason="senseless words said twice should offer a person; 'outside' is told instead")
async def test_not_understood_twice_brings_a_person_into_sight(talk: Talk) -> None:
    await talk.say("flurb gnarx wozzle?")
    await talk.say("i said zonk the brindle, mumple")
    assert any(b.payload == "/handoff" for r in talk.replies for b in r.buttons)
    await talk.say("yes")
    assert (await talk.tracker()).mode == "queued"
