"""What kind of act each part of a message is: the classifier's reading and the lexicon's cues, weighed together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from bot.requests.lexicon import Lexicon

OOS = "oos"
_CUE = 0.55  # what a cue adds to a probability
_SURE = 0.4  # below this nothing is claimed
_LOOSE = 0.4  # what is left of a reading as a mere answer, where a cue speaks for an act
_UNCUED = 0.65  # what is left of another act
_TALK = frozenset({"greet", "goodbye", "thanks", "chitchat", "bot_abilities", "no_more", "repeat", "cancel_flow"})
_ANSWERS = frozenset(
    {"choose_option", "give_reason", "correct_that", "except_items", "provide_identity", "dont_know", "affirm", "deny"}
)
_FOREIGN = 0.8  # up to this share for "none of them" the others are weighed among themselves
_FIRST = 0.08  # the act said first counts a little more


@dataclass(frozen=True, slots=True)
class Intent:
    label: str  # "" when nothing fits well enough
    confidence: float
    cued: bool = False  # the lexicon speaks for it
    oos: float = 0.0
    guess: str = ""  # the likeliest, where nothing is sure
    rival: str = ""  # about as likely as the guess


class IntentModel(Protocol):
    def classify(self, texts: Sequence[str]) -> list[list[tuple[str, float]]]:
        """Per text the labels, likeliest first, with calibrated probabilities; may hold "oos"."""
        ...


# Cues that are right almost whenever they stand there, and what they win against when both do.
_STRONGER = {
    "remove_item": ("cancel_order",),
    "change_default_address": ("change_address", "change_items", "profile_info"),
    "change_address": ("change_items", "cancel_order", "exchange_items", "order_details"),
    "change_payment": ("change_items", "exchange_items"),
    "undo_cancellation": ("cancel_order", "change_items"),
    "refund_status": ("return_items", "track_order"),
    "human_handoff": ("change_items", "order_details"),
    "order_totals": ("return_items", "cancel_order", "exchange_items", "order_details", "change_items"),
    "split_payment": ("change_payment",),
    "policy_question": ("return_items", "exchange_items", "track_order", "cancel_order"),
    "gift_card_balance": ("order_totals", "change_payment"),
    "exchange_items": ("change_items", "return_items"),
    "cheapest_or_most_expensive": ("product_search", "exchange_items"),
    "reorder": ("exchange_items",),
    "product_options_count": ("order_details", "product_search", "availability", "order_totals"),
    "return_items": ("order_details",),
    "track_order": ("order_details",),
    "complaint": ("case_status",),
    "invoice_copy": ("order_details",),
}


def read_intent(text: str, ranked: Sequence[tuple[str, float]], lexicon: Lexicon) -> Intent:
    """The likeliest act of one part of a message."""
    cues, unwanted = _cues(text, lexicon)
    scores = {label: p for label, p in ranked if label not in unwanted}
    oos = scores.pop(OOS, 0.0)
    if oos < _FOREIGN:
        scores = {label: p / (1.0 - oos) for label, p in scores.items()}
    if any(label not in _TALK for label in cues):
        scores = {
            label: p * (1.0 if label in cues else _LOOSE if label in _ANSWERS else _UNCUED)
            for label, p in scores.items()
        }
    for place, label in enumerate(cues):
        scores[label] = scores.get(label, 0.0) + _CUE + (_FIRST if place == 0 else 0.0)
    for label in cues:
        for weaker in _STRONGER.get(label, ()):
            if weaker in cues:
                scores[weaker] -= 0.4
    if not scores:
        return Intent("", 0.0, oos=oos)
    label, score = max(scores.items(), key=lambda item: item[1])
    if score < _SURE:
        return _unsure(scores, score, oos)
    return Intent(label, min(score, 1.0), label in cues, oos=oos)


def _unsure(scores: dict[str, float], score: float, oos: float) -> Intent:
    """Nothing is claimed; two readings that share most of the probability are kept for a question."""
    first, second = [*sorted(scores, key=lambda label: -scores[label]), "", ""][:2]
    near = bool(second) and scores[second] > 0.6 * scores[first] and scores[first] + scores[second] > 0.6
    return Intent("", score, oos=oos, rival=second if near else "", guess=first if near else "")


def _cues(text: str, lexicon: Lexicon) -> tuple[list[str], set[str]]:
    """Labels whose phrases stand in the text, in that order; and those spoken of only as not wanted."""
    found: list[tuple[int, str]] = []
    unwanted: set[str] = set()
    for label in lexicon.keys("cues"):
        for match in lexicon.pattern("cues", label).finditer(text):
            if is_not_wanted(text, match.start(), lexicon):
                unwanted.add(label)
            else:
                found.append((match.start(), label))
                break
    wanted = {label for _, label in found}
    return [label for _, label in sorted(found)], unwanted - wanted


def is_not_wanted(text: str, at: int, lexicon: Lexicon) -> bool:
    """ "I don't want to cancel": a negation that reaches to just before the act."""
    before = text[max(0, at - 32) : at].rstrip()
    return any(match.end() == len(before) for match in lexicon.pattern("not_wanted").finditer(before))
