"""The real actions on the shelf's shop in memory: one frame at a time, as the flow machine would run them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from bot.actions.cases import Case
from bot.actions.registry import build_actions
from bot.actions.runner import InProcessRunner
from bot.actions.services import Services
from bot.actions.titles import index_titles
from bot.assistant_files import SHIPPED
from bot.domain import events as ev
from bot.domain.tracker import Tracker
from bot.ports import Act, ActionResult
from knowledge.models import Customer, Evidence, EvidenceKind, Order
from knowledge.orders.backend import EmbeddedBackend
from knowledge.orders.identity import IdentityService
from knowledge.orders.memory import MemoryCatalogue, MemoryOrderBook
from knowledge.orders.rules import Rules
from knowledge.orders.service import OrderService
from tests.unit.requests.shelf import GOODS, JON, MIRA, NOW, english, orders


class TitleSearch:
    """Products by words of their titles, and one policy page."""

    def __init__(self) -> None:
        self._index = index_titles({p.id: p.title for p in GOODS})
        self._titles = {p.id: p.title for p in GOODS}

    async def search(self, query: str, *, kinds: tuple[EvidenceKind, ...] = (), limit: int = 10,
                     **_: Any) -> list[Evidence]:
        if EvidenceKind.PRODUCT not in kinds:
            return [Evidence("chunk:r#1", EvidenceKind.DOCUMENT, "Returns", "Goods go back in 30 days.", 1.0, "r#1")]
        return [Evidence(f"product:{i}", EvidenceKind.PRODUCT, self._titles[i], "", 1.0, i)
                for i in self._index.candidates(query)][:limit]


class PageAnswerer:
    """Quotes the first page, or does not know."""

    async def answer(self, question: str, evidence: Sequence[Evidence], tracker: Tracker) -> Act:
        found = [e for e in evidence if e.kind is EvidenceKind.DOCUMENT and "return" in question.lower()]
        if not found:
            return Act("utter_dont_know")
        return Act("utter_answer", {"answer": found[0].text}, evidence=tuple(found))


@dataclass
class MemoryCaseBook:
    cases: list[Case] = field(default_factory=list)

    async def open(self, case: Case) -> None:
        self.cases.insert(0, case)

    async def of_customer(self, customer_id: str) -> list[Case]:
        return [c for c in self.cases if c.customer_id == customer_id]

    def now(self) -> float:
        return NOW.timestamp()


@dataclass
class ServiceDesk:
    """One conversation: run an action in its frame, and keep what it changed."""

    book: MemoryOrderBook
    services: Services
    runner: InProcessRunner
    tracker: Tracker = field(default_factory=lambda: Tracker("talk"))

    def note(self, *events: ev.Event) -> None:
        for event in events:
            self.tracker.apply(ev.Stamped(self.tracker.seq + 1, NOW.timestamp(), event))

    def start(self, flow: str, *said: str, **slots: Any) -> None:
        for frame in list(self.tracker.stack):
            self.note(ev.FlowCompleted(frame.id))
        frame = f"f{self.tracker.frames_begun + 1}"
        self.note(ev.FlowStarted(frame, flow, {"said": [{"text": t} for t in said], **slots}))

    def say(self, *entries: str | Mapping[str, Any], asked: str = "") -> None:
        """More words, or what a button sends, for the request under way."""
        assert self.tracker.top is not None
        more = [{"text": e, "asked": asked} if isinstance(e, str) else dict(e) for e in entries]
        said = [*self.tracker.top.slots.get("said", ()), *more]
        self.note(ev.SlotSet("said", said, self.tracker.top.id))

    async def run(self, action: str, evidence: Sequence[Evidence] = ()) -> ActionResult:
        result = await self.runner.run(action, self.tracker, evidence)
        self.note(*result.events)
        return result

    async def ask(self, action: str, text: str) -> list[Act]:
        """A question, answered."""
        self.start(action.removeprefix("action_"), text)
        return list((await self.run(action)).acts)

    def slot(self, name: str) -> Any:
        return self.tracker.get(name)

    @property
    def stage(self) -> str:
        return str(self.slot("stage"))

    @property
    def question(self) -> Mapping[str, Any]:
        return self.slot("question") or {}

    async def stored(self, key: str) -> Order:
        found = await self.book.order(key)
        assert found is not None
        return found

    async def everything(self) -> list[Any]:
        """All that a stray write would change."""
        people = [await self.book.customer(c.id) for c in (MIRA, JON)]
        return [*people, *[await self.stored(o.id) for o in orders()]]


@cache
def shipped_rules() -> Rules:
    return Rules.load(SHIPPED / "policies" / "rules.yml")


def open_service(rules: Rules | None = None, customer: Customer | None = MIRA) -> ServiceDesk:
    book, catalogue = MemoryOrderBook([MIRA, JON], orders()), MemoryCatalogue(GOODS)
    rules = rules or shipped_rules()
    service = OrderService(book, catalogue, EmbeddedBackend(book), rules, clock=lambda: NOW)
    services = Services(service, IdentityService(book, rules), catalogue, TitleSearch(), PageAnswerer(),
                        {"en": english()}, MemoryCaseBook())
    desk = ServiceDesk(book, services, InProcessRunner(build_actions(services)))
    if customer is not None:
        desk.note(ev.CustomerIdentified(customer.id, "email"))
    return desk


def responses(result: ActionResult | Sequence[Act]) -> list[str]:
    return [a.response for a in (result.acts if isinstance(result, ActionResult) else result)]


def told(result: ActionResult | Sequence[Act]) -> str:
    """All facts that were given, as one text."""
    acts = result.acts if isinstance(result, ActionResult) else result
    return " ".join(str(v) for a in acts for v in a.facts.values())
