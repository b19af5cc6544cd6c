"""Who customers say they are, what a pressed button means, and which language a message is in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assistant_files import SHIPPED
from bot.domain import commands as cmd
from bot.nlu.entities import entities, order_numbers, read_claims
from bot.nlu.intents import read_intent
from bot.nlu.language import load_languages
from bot.nlu.payloads import read_payload
from tests.unit.requests.shelf import english

NAME = {"first_name": "Mira", "last_name": "Holt"}


def claims(text: str, *, asked: bool = True) -> dict[str, str]:
    return read_claims(text, english(), asked=asked)


@pytest.mark.parametrize(("text", "asked", "expected"), [
    ("my email is mira.holt@example.com", False, {"email": "mira.holt@example.com"}),
    ("mira.holt@example.com.", True, {"email": "mira.holt@example.com"}),
    ("I'm Mira Holt, 97205", False, NAME | {"postcode": "97205"}),
    ("My name is Mira Holt and my zip is 97205", False, NAME | {"postcode": "97205"}),
    ("Mira Holt 97205", True, NAME | {"postcode": "97205"}),
    ("mira holt, 97205", True, NAME | {"postcode": "97205"}),
    ("it's Mira Holt", True, NAME),
    ("first name Mira, last name Holt, postcode 97205", True, NAME | {"postcode": "97205"}),
    ("José Núñez 97205", True, {"first_name": "José", "last_name": "Núñez", "postcode": "97205"}),
    ("Jean-Luc O'Brien, SW1A 1AA", True, {"first_name": "Jean-Luc", "last_name": "O'Brien", "postcode": "SW1A 1AA"}),
    ("Anne Stone, 80203-1200", True, {"first_name": "Anne", "last_name": "Stone", "postcode": "80203-1200"}),
    ("customer id mira_holt_7712 postcode 97205", True, {"customer_id": "mira_holt_7712", "postcode": "97205"}),
    ("order #K10455 and 97205", True, {"order_number": "#K10455", "postcode": "97205"}),
    ("97205", True, {"postcode": "97205"}),
])
def test_what_a_customer_says_about_themselves(text, asked, expected):
    assert claims(text, asked=asked) == expected


@pytest.mark.parametrize(("text", "asked"), [
    ("I'd like to return the boots", True), ("I'm looking for boots", False), ("I am very sorry", True),
    ("I don't remember my email", True), ("ship it to 97205", False), ("", True), ("no", True), ("Why?", True),
    ("cancel order #K10455", False)])
def test_what_is_no_claim(text, asked):
    assert claims(text, asked=asked) == {}


def test_two_addresses_are_both_tried():
    said = claims("it's mira.holt@example.com or m.holt@example.org")["email"]
    assert "mira.holt@example.com" in said
    assert "m.holt@example.org" in said


@pytest.mark.xfail(strict=True, reason="bare words are taken for a name, which then contradicts the real one")
@pytest.mark.parametrize("text", ["never mind", "nothing works"])
def test_phrases_are_no_names(text):
    assert claims(text) == {}


@pytest.mark.parametrize(("text", "numbers"), [
    ("#K10455, k10301 and #123456", ["#K10455", "k10301", "#123456"]), ("order # K10455", ["#K10455"]),
    ("none", []), ("$19.99 for 2", []), ("97205", [])])
def test_order_numbers_with_their_mark(text, numbers):
    assert order_numbers(text) == numbers


@pytest.mark.parametrize("text", ["order 10455", *(pytest.param(text, marks=pytest.mark.xfail(
    strict=True, reason="digits alone are an order number only right behind 'order'"))
    for text in ("my order number is 10455", "order no. 1045512"))])
def test_a_bare_number_called_an_order_is_one(text):
    assert order_numbers(text)
    assert "order_number" in claims(f"{text}, mira.holt@example.com")


def test_entities_are_named_as_rasa_names_them():
    found = entities("order #K10455 of mira@example.com", {"email": "mira@example.com", "order_number": "#K10455"})
    assert {"entity": "order_number", "value": "#K10455"} in found
    assert {"entity": "email", "value": "mira@example.com"} in found
    assert sum(e["entity"] == "order_number" for e in found) == 1


@given(st.text(max_size=120), st.booleans())
def test_any_text_may_be_read(text, asked):
    found = claims(text, asked=asked)
    assert all(found.values())
    assert ("first_name" in found) == ("last_name" in found)


# --- buttons ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("payload", "kind"), [
    ("/affirm", cmd.Affirm), ("/deny", cmd.Deny), ("/handoff", cmd.HumanHandoff),
    ("/start return_items", cmd.StartFlow),
    ("/order #K10455", cmd.AmendRequest), ("/variant KEY-4", cmd.AmendRequest),
    ("/start", cmd.CannotHandle), ("/drop tables", cmd.CannotHandle), ("", cmd.CannotHandle),
    ("yes", cmd.CannotHandle), ("/AFFIRM", cmd.CannotHandle)])
def test_a_button_means_one_thing(payload, kind):
    (command,) = read_payload(payload)
    assert isinstance(command, kind)


def test_a_buttons_value_is_kept_as_it_is():
    (command,) = read_payload("/reason no longer needed")
    assert isinstance(command, cmd.AmendRequest)
    assert command.slots["reason"] == "no longer needed"


@given(st.text(max_size=40))
def test_any_payload_is_one_kind_of_command(payload):
    assert len(read_payload(payload)) == 1


# --- languages -------------------------------------------------------------------------------------------------------

LANGUAGES = load_languages(SHIPPED / "languages.yml")


@pytest.mark.parametrize(("text", "code"), [
    ("Wo ist meine Bestellung und wann kann ich sie zurück geben?", "de"), ("je voudrais annuler ma commande", "fr"),
    ("quiero cancelar mi pedido por favor", "es"), ("我想取消订单", "zh"), ("где мой заказ?", "ru"),
    ("where is my order?", None), ("hi", None), ("K10455", None), ("", None), ("???", None), ("ok ok ok", None),
    ("I want to return the Le Creuset de Luxe pan", None), ("does the Lampe de Bureau come in 很好 black?", None)])
def test_the_language_of_a_message(text, code):
    assert LANGUAGES.foreign(text, ("en",)) == code


def test_a_language_that_is_spoken_is_not_foreign():
    assert LANGUAGES.foreign("我想取消订单", ("en", "zh")) is None


def test_the_answer_is_in_that_language():
    assert all(LANGUAGES.reply(code) for code in LANGUAGES.known)
    assert LANGUAGES.reply("de") != LANGUAGES.reply("en")


@given(st.text(max_size=80))
def test_any_text_has_a_language_or_none(text):
    code = LANGUAGES.foreign(text, ("en",))
    assert code is None or (code in LANGUAGES.known and code != "en")


# --- acts by their cues ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "label"), [
    ("cancel my order", "cancel_order"), ("I'd like to send these back", "return_items"),
    ("swap it for a blue one", "exchange_items"), ("where is my package?", "track_order"),
    ("what is your return policy?", "policy_question"), ("let me talk to a human", "human_handoff"),
    ("my refund status", "refund_status"), ("change the address", "change_address"),
    ("my default address is wrong", "change_default_address"), ("gift card balance", "gift_card_balance"),
    ("file a complaint", "complaint"), ("apples", "")])
def test_cues_alone_tell_the_act(text, label):
    assert read_intent(text, (), english()).label == label


@pytest.mark.parametrize("text", ["I don't want to cancel my order", "please do not cancel it", "no need to cancel"])
def test_what_is_not_wanted_is_no_act(text):
    assert read_intent(text, (), english()).label != "cancel_order"


def test_the_models_reading_and_the_cues_are_weighed():
    doubtful = [("track_order", 0.3), ("cancel_order", 0.2)]
    assert read_intent("cancel my order", doubtful, english()).label == "cancel_order"
    assert read_intent("the thing", [("track_order", 0.9)], english()).label == "track_order"
    doubted = read_intent("the thing", [("track_order", 0.2), ("oos", 0.7)], english())
    assert (doubted.label, doubted.oos) == ("track_order", 0.7), "the others are weighed among themselves"
    outside = read_intent("the thing", [("track_order", 0.1), ("oos", 0.85)], english())
    assert (outside.label, outside.oos) == ("", 0.85)
