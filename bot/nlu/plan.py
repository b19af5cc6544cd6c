"""One message's commands: yes and no, who the customer is, which acts, and which words belong to which of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from bot.domain import commands as cmd
from bot.domain.tracker import Frame, Tracker
from bot.nlu.acts import ABOUT_PRODUCTS, ADDRESSES, CASES, OPTIONS, READS, TALK, WRITES, Part, read_part
from bot.nlu.entities import order_numbers
from bot.nlu.intents import Intent, is_not_wanted
from bot.requests.lexicon import Lexicon
from bot.requests.mentions import Thing, find_mentions
from knowledge.models import Evidence, EvidenceKind


class Plan:
    """One message's commands, in the light of what was asked and which request is under way."""

    def __init__(
        self,
        text: str,
        asked: str,
        tracker: Tracker,
        lexicon: Lexicon,
        parts: list[Part],
        claims: Mapping[str, str],
        evidence: Sequence[Evidence],
    ) -> None:
        self.evidence = evidence
        self.text, self.asked, self.tracker, self.lexicon, self.claims = text, asked, tracker, lexicon, claims
        self.parts = parts
        self.denied = False
        self.wanted = any(p.intent.label in WRITES and p.intent.label not in CASES for p in parts)
        self.frame = next((f for f in reversed(tracker.stack) if f.flow in set(WRITES.values())), None)

    def commands(self) -> list[cmd.Command]:
        found: list[cmd.Command] = []
        if self.claims or (self.asked == "identity" and not self.tracker.customer_id):
            found.append(cmd.Identify(dict(self.claims)))
        rest = self.parts
        if self.asked == "confirmation" or self.tracker.slots.get("offer"):
            verdict, rest = self._verdict(rest)
            if verdict is not None:
                found.append(verdict)
                self.denied = isinstance(verdict, cmd.Deny)
                rest = [self._consequence(p) for p in rest] if self.denied else rest
                rest = [
                    p
                    for p in rest
                    if (p.flow and (p.intent.cued or p.text.endswith("?"))) or p.intent.label == "human_handoff"
                ]
        elif self.frame is not None and self.asked not in ("", "identity") and self._gives_up():
            found.append(cmd.CancelFlow())
            self.frame, self.asked = None, ""
            rest = [p for p in rest if p.flow and p.intent.cued]
        groups = self._grouped(rest)
        for group in groups:
            found += self._of_group(group)
        return _tidy(found)

    # --- yes and no --------------------------------------------------------------------------------------------------

    def _verdict(self, parts: list[Part]) -> tuple[cmd.Command | None, list[Part]]:
        """The yes or no at the beginning, and what is left to read. A yes with a change is no yes."""
        opening = re.match(r"[\s,.!]*(?:(?:oh|hm+|ah|well|uh|wait|sorry|hey|ugh)\b[\s,.!]*)*", self.text, re.IGNORECASE)
        start = opening.end() if opening else 0
        if self.asked != "confirmation" and len(self.text[start:].split()) > 4 and self._acts(parts):
            return None, parts
        first = self.lexicon.pattern("yes_idioms").sub(" ", re.split(r"(?<=[.!?;])\s|\n", self.text[start:])[0])
        yes = self.lexicon.pattern("affirm").match(self.text, start)
        no = self.lexicon.pattern("deny").match(self.text, start)
        if "?" in first and (no or not yes or len(first.split()) > 2):
            return None, parts
        if not no and yes and self.lexicon.said(first, "not_a_yes"):
            whole = self.lexicon.said(first, "deny_inside") and not self._changes(first) and len(first.split()) <= 5
            return (cmd.Deny() if whole else None), ([] if whole else parts)
        if yes and not no and self.lexicon.pattern("affirm_weak").match(self.text, start) and not self._all_yes(first):
            return None, parts
        if no and (not yes or no.end() >= yes.end()):
            rest = self._rest(no.end())
            cancelling = self.frame is not None and self.frame.flow == "cancel_order"
            another = cancelling and bool(order_numbers(rest)) and not self.lexicon.said(rest, "cues", "cancel_flow")
            return (None if another or (self._changes(rest) and not cancelling) else cmd.Deny()), self._reread(rest)
        if self.asked == "confirmation" and self._takes_back():
            return cmd.Deny(), parts
        if yes:
            end = self._end_of_yes(yes.end())
            rest = self._rest(end)
            if self._changes(rest) and self.asked == "confirmation":
                return None, self._reread(rest)
            return cmd.Affirm(), self._reread(rest)
        labels = {p.intent.label for p in parts}
        if labels and labels <= {"affirm"}:
            return cmd.Affirm(), []
        if labels and labels <= {"deny", "cancel_flow"}:
            return cmd.Deny(), []
        return None, parts

    def _gives_up(self) -> bool:
        """ "No, I don't want to cancel anything", "forget the cancellation", while something else was asked."""
        return self._takes_back() or (self.lexicon.said(self.text, "cues", "cancel_flow") and self.asked != "options")

    def _takes_back(self) -> bool:
        """ "Don't cancel it": the act that waits for the yes, spoken of as not wanted."""
        label = {"cancel_order": "cancel_order", "return_items": "return_items", "swap_items": "exchange_items"}.get(
            self.frame.flow if self.frame else ""
        )
        if label is None:
            return False
        return any(
            is_not_wanted(self.text, m.start(), self.lexicon)
            for m in self.lexicon.pattern("cues", label).finditer(self.text)
        )

    def _consequence(self, part: Part) -> Part:
        """ "If you can't do a part of it, then change the address": once the request is off, what is wanted instead."""
        if not self.lexicon.said(part.text, "condition_start"):
            return part
        match = self.lexicon.pattern("consequence").search(part.text, 4)
        rest = part.text[match.end() :].strip(" ,") if match else ""
        label = read_part(part.text[match.start() :], self.lexicon) if match else ""
        return Part(Intent(label, 0.9, True), rest) if label in WRITES else part

    def _all_yes(self, text: str) -> bool:
        """Nothing but words of agreement and thanks: "right, perfect, thank you"."""
        left = self.lexicon.pattern("affirm").sub(" ", text)
        left = self.lexicon.pattern("cues", "thanks").sub(" ", left)
        return all(w in self.lexicon.words("stop") for w in re.findall(r"[a-z']+", left.lower()))

    def _end_of_yes(self, end: int) -> int:
        """ "Yes, please go ahead, that's correct": all of it is the yes."""
        while more := re.compile(r"[\s,.!]*").match(self.text, end):
            following = self.lexicon.pattern("affirm").match(self.text, more.end()) or self.lexicon.pattern(
                "cues", "thanks"
            ).match(self.text, more.end())
            if not following or following.end() == end:
                return end
            end = following.end()
        return end

    def _rest(self, end: int) -> str:
        return self.text[end:].strip(" ,.!-–—")

    def _changes(self, rest: str) -> bool:
        """What follows a yes or no changes the request, rather than adding another or saying nothing."""
        if len(rest) < 3:
            return False
        first = read_part(rest, self.lexicon)
        if first in WRITES and (self.frame is None or WRITES[first] != self.frame.flow):
            return False
        if first in READS:
            return False
        leaves_out = any(not self._points_back(rest[m.end() :]) for m in self.lexicon.pattern("except").finditer(rest))
        return (
            bool(self.lexicon.which(rest, "method"))
            or leaves_out
            or self.lexicon.said(rest, "yes_but")
            or first in WRITES
        )

    def _points_back(self, text: str) -> bool:
        """ "keep it": nothing is named."""
        said = [w for w in re.findall(r"[a-z']+", text.lower()) if w not in ("the", "my", "a", "whole", "entire")]
        return not said or said[0] in self.lexicon.words("pronouns")

    def _reread(self, rest: str) -> list[Part]:
        """The parts that lie in what is left; their classification is kept."""
        kept = []
        for part in self.parts:
            if part.text in rest:
                kept.append(part)
            elif rest and rest in part.text:
                kept.append(Part(part.intent if part.flow else Intent("", 0.0), rest))
            elif rest and (tail := _overlap(part.text, rest)):
                kept.append(Part(part.intent, tail))
        return [p for p in kept if len(p.text.strip(" ,.!")) > 1]

    # --- acts and what belongs to them -------------------------------------------------------------------------------

    def _acts(self, parts: Sequence[Part]) -> list[Part]:
        return [p for p in parts if p.flow and (p.intent.cued or p.intent.confidence > 0.75)] + [
            p for p in parts if p.intent.label == "human_handoff"
        ]

    def _grouped(self, parts: list[Part]) -> list[Part]:
        """Parts without an act of their own join the one before them, or, at the beginning, the one after."""
        groups: list[Part] = []
        waiting = ""
        for part in parts:
            if self._stands_alone(part, any(g.flow for g in groups)):
                text = f"{waiting} {part.text}".strip() if part.flow else part.text
                waiting = "" if part.flow else waiting
                if groups and self._joins(groups[-1], part):
                    intent = part.intent if part.flow == "order_totals" else groups[-1].intent
                    groups[-1] = Part(intent, f"{groups[-1].text}. {text}")
                else:
                    groups.append(Part(part.intent, text))
            elif groups and groups[-1].flow:
                groups[-1] = Part(groups[-1].intent, f"{groups[-1].text}. {part.text}")
            else:
                waiting = f"{waiting} {part.text}".strip()
        if waiting:
            groups.append(Part(Intent("", 0.0, oos=max((p.intent.oos for p in parts), default=0.0)), waiting))
        return groups

    def _joins(self, before: Part, part: Part) -> bool:
        """Two parts that ask for one thing: the same change, or "what did I pay for the rest? the total, please"."""
        if before.flow == part.flow and part.flow in set(WRITES.values()):
            return True
        both = {before.flow, part.flow}
        if both <= ADDRESSES:
            return True
        if both == {"order_details", "order_totals"}:
            return all(self.lexicon.said(p.text, "paid_words") for p in (before, part))
        return (
            before.flow == "order_details"
            and part.intent.label in ABOUT_PRODUCTS
            and self.lexicon.said(part.text, "reference_they")
        )

    def _stands_alone(self, part: Part, after_act: bool) -> bool:
        """Whether a part is an act of its own, or belongs to the one beside it or to what was asked."""
        intent, label = part.intent, part.intent.label
        if label == "human_handoff":
            return True
        if label in OPTIONS and self._about_swap(part, after_act):
            return False
        conditional = self.lexicon.said(part.text, "condition_start") or self.lexicon.pattern("otherwise").match(
            part.text
        )
        if conditional and (after_act or self.frame is not None or not intent.cued):
            return False
        if label in TALK or label in ("cancel_flow", "repeat"):
            return not self.asked or intent.cued
        if not part.flow or (self.asked == "payment_method" and self.lexicon.which(part.text, "method")):
            return False
        if (
            self.frame is not None
            and self.frame.flow == "change_payment"
            and self.lexicon.which(part.text, "method")
            and label in WRITES
        ):
            return False
        if (
            label == "change_payment"
            and self.frame is not None
            and self.frame.flow in ("swap_items", "return_items")
            and self.asked
        ):
            return False
        if label in CASES and (self.wanted or not (intent.cued or intent.confidence > 0.7)):
            return False
        if label in READS and self.wanted and not (intent.cued and self._asks(part.text)):
            return False
        if label in READS and self.asked not in ("", "identity"):
            return self._asks(part.text) and (intent.cued or ("?" in part.text and intent.confidence > 0.7))
        if self.asked in ("", "identity") and self.frame is None:
            return True
        return intent.cued or intent.confidence > 0.8

    def _about_swap(self, part: Part, after_act: bool) -> bool:
        """ "What options are there?" in the middle of a swap is about that swap."""
        swapping = (
            self.frame is not None
            and self.frame.flow == "swap_items"
            and self.asked in ("options", "identity", "confirmation")
        )
        here = after_act and any(WRITES.get(p.intent.label) == "swap_items" for p in self.parts)
        return (swapping or here) and len(part.text.split()) <= 12

    def _asks(self, text: str) -> bool:
        """A question or a wish to know, rather than background to another request ("my order arrived")."""
        return "?" in text or self._starts_as_question(text) or self.lexicon.said(text, "wants_to_know")

    def _of_group(self, part: Part) -> list[cmd.Command]:
        label, flow = part.intent.label, part.flow
        if label == "human_handoff":
            return [cmd.HumanHandoff(part.text[:200])]
        if label == "cancel_flow" and self.frame is not None and self.asked != "confirmation":
            return [cmd.CancelFlow()]
        if label == "repeat":
            return [cmd.Repeat()]
        if label in TALK:
            return [cmd.Chitchat(label)]
        if flow and label in WRITES:
            return self._write(part, flow)
        if flow:
            return [cmd.StartFlow(flow, {"said": [{"text": part.text}]}, part.intent.confidence)]
        return self._loose(part)

    def _write(self, part: Part, flow: str) -> list[cmd.Command]:
        entry = {"text": part.text, "asked": self.asked}
        frame = self.frame
        if flow in ("cancel_order", "return_items") and self.lexicon.said(part.text, "or_both"):
            slots = {"said": [{"text": part.text}], "quiet": True}
            return [cmd.StartFlow("return_items", slots), cmd.StartFlow("cancel_order", slots)]
        if flow in ADDRESSES and (frame is None or frame.flow not in ADDRESSES):
            return [
                cmd.StartFlow(f, {"said": [{"text": part.text}]}, part.intent.confidence)
                for f in self._addresses_meant(part)
            ]
        if frame is not None and frame.flow == flow:
            return [cmd.AmendRequest("add", entry)]
        if frame is not None and flow == "open_case":
            return [cmd.AmendRequest("add", entry)]
        start = cmd.StartFlow(flow, {"said": [{"text": part.text}]}, part.intent.confidence)
        if frame is not None and self._replaces(part, frame):
            return [cmd.CancelFlow(), start]
        return [start]

    def _addresses_meant(self, part: Part) -> list[str]:
        """The orders' address, the account's, or both."""
        cut = self.lexicon.pattern("address_target_end").search(part.text)
        changed = part.text[: cut.start()] if cut and len(part.text[: cut.start()].split()) > 2 else part.text
        account = (
            self.lexicon.said(changed, "cues", "change_default_address")
            or self.lexicon.said(changed, "address_both")
            or (part.intent.label == "change_default_address" and changed == part.text)
            or self.lexicon.said(part.text, "address_mine_too")
        )
        orders = any(w in self.lexicon.words("order_words") for w in re.findall(r"[a-z]+", part.text.lower()))
        if account:
            return (
                ["change_address", "change_default_address"]
                if orders and not self.lexicon.said(part.text, "orders_stay")
                else ["change_default_address"]
            )
        return ["change_address"]

    def _replaces(self, part: Part, frame: Frame) -> bool:
        """ "Then just return it instead": the request under way gives way to another about the same thing."""
        if frame.flow == "open_case" or self.lexicon.said(part.text, "replace_request"):
            return True
        opening = re.match(r"\W*(no|nope|then|ok|okay)\b", self.text, re.IGNORECASE)
        return (
            self.asked in ("options", "items", "reason", "order")
            and opening is not None
            and not self.lexicon.said(part.text, "also")
        )

    def _loose(self, part: Part) -> list[cmd.Command]:
        """Words without an act: they answer what was asked, or continue the request under way, or are a question."""
        if self.asked == "identity" and self.frame is not None and len(part.text.split()) >= 6 and not self.claims:
            return [cmd.AmendRequest("set", {"text": part.text, "asked": ""})]
        if self.asked == "identity" or (self.claims and not self.frame):
            return []
        if continued := self._continued(part):
            return continued
        question = part.text.rstrip().endswith("?") or self._starts_as_question(part.text)
        if self.frame is not None and not (question and self.asked == "confirmation"):
            return [cmd.AmendRequest("set", {"text": part.text, "asked": self.asked})]
        if options := self._either(part):
            return [cmd.Clarify(options)]
        if part.intent.oos > 0.6 and not question:
            return [cmd.CannotHandle("out_of_scope")]
        if question and len(part.text.split()) > 2 and part.intent.oos <= 0.8:
            return [cmd.AskKnowledge(part.text)]
        return [cmd.CannotHandle("out_of_scope" if part.intent.oos > 0.5 else "unclear")]

    def _either(self, part: Part) -> tuple[str, ...]:
        """Two flows that are about as likely: the customer is asked which."""
        flows = [WRITES.get(label) or READS.get(label, "") for label in (part.intent.guess, part.intent.rival)]
        return tuple(flows) if all(flows) and flows[0] != flows[1] and part.intent.oos < 0.5 else ()

    def _continued(self, part: Part) -> list[cmd.Command]:
        """ "Next: the garden hose and the backpack": things of one's own, named without a verb, after a request of that kind."""
        last = str(self.tracker.slots.get("last_request") or "")
        if self.frame is not None or last not in ("return_items", "swap_items", "cancel_order"):
            return []
        if not any(
            e.kind is EvidenceKind.ORDER_LINE and find_mentions(part.text, [Thing(e.id, e.title, {})], self.lexicon)
            for e in self.evidence
        ):
            return []
        return [cmd.StartFlow(last, {"said": [{"text": part.text}]}, 0.6)]

    def _starts_as_question(self, text: str) -> bool:
        first = re.match(r"\W*(\w+)", text.lower())
        return first is not None and first.group(1) in self.lexicon.words("question_start")


def _overlap(part: str, rest: str) -> str:
    """The end of `part` that `rest` begins with."""
    for size in range(min(len(part), len(rest)), 3, -1):
        if part[-size:] == rest[:size]:
            return part[-size:]
    return ""


def _tidy(commands: list[cmd.Command]) -> list[cmd.Command]:
    """Small talk is answered only when there is nothing else; the same command once."""
    commands = [c for c in commands if not isinstance(c, (cmd.Chitchat, cmd.CannotHandle))] or commands
    kept: list[cmd.Command] = []
    for command in commands:
        if command not in kept:
            kept.append(command)
    talk = [c for c in kept if isinstance(c, cmd.Chitchat)]
    kept = [c for c in kept if not isinstance(c, cmd.Chitchat) or c is talk[-1]] if len(talk) > 1 else kept
    summed = any(isinstance(c, cmd.StartFlow) and c.flow == "order_totals" for c in kept)
    return [
        c
        for c in kept
        if not (summed and isinstance(c, cmd.StartFlow) and c.flow == "order_details" and c.confidence < 0.95)
    ]
