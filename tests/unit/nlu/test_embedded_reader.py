"""What a message means in the light of what was asked and of the request under way; cues alone, then the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assistant_files import SHIPPED
from bot.domain import commands as cmd
from bot.domain import events as ev
from bot.domain.message import InboundMessage
from bot.domain.tracker import Tracker, fold
from bot.nlu.acts import READS, WRITES
from bot.nlu.classifier import IntentClassifier
from bot.nlu.language import load_languages
from bot.nlu.reader import EmbeddedReader
from knowledge.embedders import load_embedder
from tests.unit.requests.shelf import english


class CuesOnly:
    """A model that has no opinion."""

    def classify(self, texts: Sequence[str]) -> list[list[tuple[str, float]]]:
        return [[] for _ in texts]


def reader(model: Any) -> EmbeddedReader:
    return EmbeddedReader(model, {"en": english()}, load_languages(SHIPPED / "languages.yml"))


def state(*events: ev.Event) -> Tracker:
    return fold("talk", [ev.Stamped(n, float(n), event) for n, event in enumerate(events, 1)])


def asked(slot: str, flow: str, **slots: Any) -> Tracker:
    return state(KNOWN, ev.FlowStarted("f1", flow, slots), ev.SlotSet("requested_slot", slot))


KNOWN = ev.CustomerIdentified("C1", "email")
IDLE, HOME = state(), state(KNOWN)
WHO = state(ev.FlowStarted("f1", "return_items", {"said": [{"text": "the boots"}]}), ev.FlowStarted("f2", "identify"),
            ev.SlotSet("requested_slot", "identity"))
CARD = asked("confirmation", "return_items", proposal={"digest": "x"})
ITEMS, OPTIONS, REASON = asked("items", "return_items"), asked("options", "swap_items"), asked("reason", "cancel_order")
OFFER = state(KNOWN, ev.SlotSet("offer", {"flow": "talk_to_human", "slots": {}}))
CUES = reader(CuesOnly())


async def read(text: str, tracker: Tracker, by: EmbeddedReader = CUES) -> tuple[cmd.Command, ...]:
    return (await by.read(InboundMessage("talk", text), tracker, ())).commands


def flows(commands: Sequence[cmd.Command]) -> list[str]:
    return [c.flow for c in commands if isinstance(c, cmd.StartFlow)]


def words(command: cmd.Command) -> str:
    """What is passed on of what was said."""
    assert isinstance(command, (cmd.StartFlow, cmd.AmendRequest))
    return " ".join(str(entry["text"]) for entry in command.slots.get("said", [command.slots]))


# --- nothing under way -----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "started"), [
    ("cancel order #K10455", ["cancel_order"]), ("where is my order?", ["track_order"]),
    ("Hi, please exchange the lamp for a brighter one", ["swap_items"]), ("refund status please", ["refund_status"]),
    ("update my default address", ["change_default_address"]),
    ("compare the lamp and the kettle", ["compare_products"]),
    ("My kettle arrived broken", ["open_case"]), ("what is your return policy?", ["policy_question"]),
    ("I don't want to cancel, just track my order", ["track_order"]),
    ("change the address of order #K10455, then cancel #K10412", ["change_address", "cancel_order"]),
    ("cancel order #K10455 as I don't need it; I'd also like to return the boots", ["cancel_order", "return_items"]),
    ("I'd like to return the boots. Also, what is my gift card balance?", ["return_items", "gift_card_balance"]),
])
async def test_requests_start_in_the_order_they_were_said(text, started):
    assert flows(await read(text, HOME)) == started


async def test_each_request_takes_its_own_words():
    address, cancel = await read("change the address of order #K10455, then cancel #K10412", HOME)
    assert ("10455" in words(address), "10412" in words(address)) == (True, False)
    assert ("10455" in words(cancel), "10412" in words(cancel)) == (False, True)


@pytest.mark.xfail(strict=True, reason="the question becomes part of the return, and its lamp with it")
async def test_a_question_beside_a_request_is_one_of_its_own():
    commands = await read("I want to return the boots and track my lamp order", HOME)
    assert set(flows(commands)) == {"return_items", "track_order"}


@pytest.mark.parametrize(("text", "topic"), [
    ("hello", "greet"), ("thanks!", "thanks"), ("what can you do", "bot_abilities"), ("bye", "goodbye")])
async def test_small_talk(text, topic):
    assert await read(text, HOME) == (cmd.Chitchat(topic),)


async def test_small_talk_gives_way_to_a_request():
    commands = await read("Hello! Where is my order? Thanks!", HOME)
    assert flows(commands) == ["track_order"]
    assert not any(isinstance(c, cmd.Chitchat) for c in commands)


@pytest.mark.parametrize("tracker", [IDLE, HOME, WHO, CARD, ITEMS, OPTIONS, OFFER])
async def test_a_person_can_be_asked_for_at_any_time(tracker):
    assert any(isinstance(c, cmd.HumanHandoff) for c in await read("let me talk to a person", tracker))


@pytest.mark.parametrize("text", ["", "   ", "?!", "asdf qwer", "\u200b"])
async def test_what_means_nothing_is_not_handled(text):
    (command,) = await read(text, HOME)
    assert isinstance(command, cmd.CannotHandle)


@pytest.mark.parametrize("text", ["wie kann ich meine Bestellung stornieren", "我想取消订单"])
async def test_another_language_starts_nothing(text):
    (command,) = await read(text, HOME)
    assert isinstance(command, cmd.CannotHandle)
    assert "language" in command.reason


async def test_an_open_question_is_asked_of_the_knowledge():
    (command,) = await read("Do you sell bike lights?", HOME)
    assert isinstance(command, (cmd.AskKnowledge, cmd.StartFlow))


async def test_who_one_is_and_what_one_wants_in_one_message():
    identify, start = await read("I'm Mira Holt, 97205, where is my order", IDLE)
    assert isinstance(identify, cmd.Identify)
    assert identify.claims["postcode"] == "97205"
    assert flows([start]) == ["track_order"]


async def test_who_is_known_claims_nothing_more():
    commands = await read("cancel my order, my email is other@example.com", HOME)
    assert not any(isinstance(c, cmd.Identify) for c in commands)


async def test_a_button_is_never_read_as_words():
    message = InboundMessage("talk", "No thanks", payload="/affirm")
    assert (await CUES.read(message, CARD, ())).commands == (cmd.Affirm(),)


# --- who are you? ----------------------------------------------------------------------------------------------------

async def test_the_answer_to_who_one_is():
    (command,) = await read("mira holt 97205", WHO)
    assert isinstance(command, cmd.Identify)
    assert command.claims == {"first_name": "Mira", "last_name": "Holt", "postcode": "97205"}


async def test_giving_up_instead_of_an_answer():
    assert any(isinstance(c, cmd.CancelFlow) for c in await read("never mind", WHO))


# --- yes or no to a card ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("text", [
    "yes", "Yes please, go ahead.", "sure, thanks!", "👍", "ok do it", "y", "YES!!", "that's correct", "sounds good",
    "yep"])
async def test_yes_is_yes(text):
    assert await read(text, CARD) == (cmd.Affirm(),)


@pytest.mark.parametrize("text", [
    "no", "No, never mind", "nope, I changed my mind", "👎", "wait", "n", "not yet", "stop", "don't", "I'd rather not"])
async def test_no_is_no(text):
    commands = await read(text, CARD)
    assert cmd.Affirm() not in commands
    assert cmd.Deny() in commands or any(isinstance(c, (cmd.AmendRequest, cmd.CancelFlow)) for c in commands)


@pytest.mark.parametrize("text", [
    "yes but only the boots", "no, only the kettle", "wait, use paypal instead", "yes, to my paypal", "not the boots",
    "yes, except the boots", "I'd say yes, but not the kettle", "sure, but later"])
async def test_a_yes_with_a_change_is_no_yes(text):
    (command,) = await read(text, CARD)
    assert isinstance(command, cmd.AmendRequest)


@pytest.mark.parametrize("text", [
    "please don't", "please do not do it", "please wait", "please stop", "ok stop", "ok wait", "good, hold on", "ok no",
    "right, no", "yeah no", "of course not", "absolutely not", "definitely not", "exactly not what I want",
    "alright, forget it", "ok never mind", "please leave it", "i confirm nothing", "please explain", "good question",
    "please tell me what it costs", "right now I have no time", "ok let me think", "sure about that?", "perfect size?",
    "do I have to pay shipping?", "do you have it in blue?", "great, what about the kettle?", "continue shopping",
    "sure, if it's free", "yes if it arrives by friday", "yes for the boots, no for the kettle",
    "correct the address first", "ok but change the method to my gift card", "fine, cancel", "ok, tomorrow maybe"])
async def test_only_an_explicit_yes_writes(text):
    assert cmd.Affirm() not in await read(text, CARD)


@pytest.mark.parametrize("text", [
    "hmm", "what is your return policy?", "when will I get the money?", "is it yes or no?", "I am not sure", "maybe",
    "why?", "how much is it?", "yesterday I ordered a lamp", "notebook", "the boots are fine", "okra",
    "correction: the kettle"])
async def test_what_is_no_clear_yes_writes_nothing(text):
    assert cmd.Affirm() not in await read(text, CARD)


async def test_a_yes_and_another_request():
    commands = await read("yes and also cancel order #K10412", CARD)
    assert commands[0] == cmd.Affirm()
    assert flows(commands) == ["cancel_order"]


async def test_a_yes_takes_up_an_offer_and_a_no_leaves_it():
    assert await read("yes", OFFER) == (cmd.Affirm(),)
    assert await read("no", OFFER) == (cmd.Deny(),)
    assert flows(await read("where is my order", OFFER)) == ["track_order"]


# --- answers to other questions --------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "tracker"), [
    ("the boots", ITEMS), ("everything", ITEMS), ("the second one", ITEMS), ("the clicky one", OPTIONS),
    ("leave it", OPTIONS), ("the cheapest", OPTIONS), ("a brighter one", OPTIONS),
    ("no longer needed", REASON), ("just because", REASON)])
async def test_short_answers_belong_to_what_was_asked(text, tracker):
    (command,) = await read(text, tracker)
    assert isinstance(command, cmd.AmendRequest)
    assert words(command) == text
    assert command.slots["asked"] == tracker.slots["requested_slot"]


async def test_another_request_instead_of_the_one_under_way():
    commands = await read("cancel my order instead", ITEMS)
    assert isinstance(commands[0], cmd.CancelFlow)
    assert flows(commands) == ["cancel_order"]


async def test_the_same_request_again_adds_to_it():
    (command,) = await read("I also want to return the kettle", ITEMS)
    assert isinstance(command, cmd.AmendRequest)
    assert "kettle" in words(command)


@pytest.mark.parametrize("tracker", [ITEMS, OPTIONS])
async def test_giving_up(tracker):
    assert cmd.CancelFlow() in await read("never mind", tracker) or tracker is OPTIONS


async def test_a_digression_leaves_the_request_alone():
    commands = await read("what is your return policy?", ITEMS)
    assert flows(commands) == ["policy_question"]
    assert not any(isinstance(c, (cmd.CancelFlow, cmd.AmendRequest)) for c in commands)


# --- whatever is said ------------------------------------------------------------------------------------------------

STATES = st.sampled_from([IDLE, HOME, WHO, CARD, ITEMS, OPTIONS, REASON, OFFER])
PIECES = st.lists(st.sampled_from([
    "yes", "no", "cancel", "return", "the boots", "the lamp", "and", "also", "but", "instead", "where is", "my order",
    "?", ".", "#K10455", "never mind", "mira@example.com", "97205", "Mira Holt", "a person", "how much", "exchange",
    "for", "thanks", "hello", "if not,", "don't", "paypal", "address", "what", "everything", "only", "policy"]),
    min_size=1, max_size=9).map(" ".join)


@settings(max_examples=150, deadline=None)
@given(PIECES | st.text(max_size=80), STATES)
async def test_every_message_means_something_known(text, tracker):
    commands = await read(text, tracker)
    assert commands or not text.strip() or tracker.slots.get("requested_slot") == "identity" or tracker is IDLE
    assert set(flows(commands)) <= {*WRITES.values(), *READS.values()}
    assert not (cmd.Affirm() in commands and cmd.Deny() in commands)
    if tracker.customer_id:
        assert not any(isinstance(c, cmd.Identify) for c in commands)


# --- the shipped model -----------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def trained() -> EmbeddedReader:
    return reader(IntentClassifier.load(SHIPPED / "en" / "intent", load_embedder()))


@pytest.mark.parametrize(("text", "started"), [
    ("my parcel was supposed to come on monday, where on earth is it", ["track_order"]),
    ("i dont want those boots any more, how do i give them back", ["return_items"]),
    ("can i have my t-shirt one size up please", ["swap_items"]),
    ("please send it to my sister's place in Tacoma instead", ["change_address"]),
    ("got any warm socks for hiking?", ["product_search"])])
async def test_the_model_understands_without_cues(trained, text, started):
    assert flows(await read(text, HOME, trained))[:1] == started


@pytest.mark.parametrize("text", [
    "what is the capital of Peru", "write me a poem about the sea", "who won the match last night"])
async def test_the_model_knows_what_is_none_of_its_business(trained, text):
    commands = await read(text, HOME, trained)
    assert not set(flows(commands)) & set(WRITES.values())


@pytest.mark.parametrize(("text", "command"), [("yes please", cmd.Affirm()), ("no thank you", cmd.Deny())])
async def test_the_model_leaves_yes_and_no_as_they_are(trained, text, command):
    assert await read(text, CARD, trained) == (command,)
