"""The composition root: the only file that names adapters. Nothing is built at import; heavy libraries load when chosen."""

from __future__ import annotations

import asyncio
import importlib
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy.ext.asyncio import AsyncEngine

from bot.actions.attempts import ContactAttempts
from bot.actions.registry import build_actions
from bot.actions.runner import InProcessRunner
from bot.actions.services import Services
from bot.assistant_files import SHIPPED, Assistant, load_assistant
from bot.between_turns import BetweenTurns
from bot.config import BotSettings
from bot.engine.engine import Engine
from bot.engine.flow_machine import FlowMachine
from bot.engine.guard import Guard
from bot.engine.inbox import Inbox
from bot.engine.repair import Repair
from bot.engine.say import Speaker
from bot.feed import ConversationFeed
from bot.feedback import Feedback
from bot.finder import KnowledgeFinder
from bot.handoffs import Handoffs
from bot.late_answers import settle_forever
from bot.nlu.classifier import IntentClassifier
from bot.nlu.language import load_languages
from bot.nlu.reader import EmbeddedReader
from bot.observer import LogObserver
from bot.ports import Answerer, Composer, Reader
from bot.stores import database
from bot.stores.backlog import backlog
from bot.stores.cases import SqlCaseBook
from bot.stores.keys import SqlKeyStore
from bot.stores.locks import ProcessLock
from bot.stores.restore import settle
from bot.stores.sql import SqlTrackerStore
from bot.telemetry import open_spans
from knowledge import db
from knowledge.catalogue import SqlCatalogue
from knowledge.errors import ConfigError
from knowledge.index_build import SearchBundle, load_search
from knowledge.orderbook import SqlOrderBook
from knowledge.orders.backend import EmbeddedBackend
from knowledge.orders.identity import IdentityService
from knowledge.orders.ledger_sql import SqlAudit, SqlLedger, SqlOrderEvents
from knowledge.orders.service import OrderService
from knowledge.ports import Embedder, OrderBackend, OrderBook
from knowledge.sentence_vectors import open_known
from knowledge.settings import load_settings
from knowledge.writing import Write

# One table per port: name → where its factory is. Plug-ins of others join through the entry-point group.
ORDER_BACKENDS: Mapping[str, Callable[[OrderBook], OrderBackend]] = {"embedded": EmbeddedBackend}
PLUGINS = "shopclerk.order_backends"


class SystemClock:
    def now(self) -> float:
        return time.time()


@dataclass(slots=True)
class Shop:
    """One shop, opened. Use as an async context manager."""

    directory: Path
    settings: BotSettings
    assistant: Assistant
    engine: Engine
    inbox: Inbox
    store: SqlTrackerStore
    orders: OrderService
    order_events: SqlOrderEvents
    book: OrderBook
    catalogue: SqlCatalogue
    search: SearchBundle
    services: Services
    actions: list[Any]
    keys: SqlKeyStore
    handoffs: Handoffs
    feed: ConversationFeed
    feedback: Feedback
    observer: LogObserver
    database: AsyncEngine
    _opened: AsyncExitStack = field(default_factory=AsyncExitStack)
    _beside: list[asyncio.Task[None]] = field(default_factory=list)

    async def __aenter__(self) -> Self:
        self._beside = [
            asyncio.create_task(settle_forever(self.orders, self.handoffs)),
            asyncio.create_task(self.services.warm()),  # or the first question about a product waits for it
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def queues(self) -> dict[str, int]:
        """What waits in the database."""
        return await backlog(self.database)

    async def close(self) -> None:
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)
        if self.observer.spans is not None:
            await asyncio.to_thread(self.observer.spans.close)
        await self._opened.aclose()


async def open_shop(directory: Path, **overrides: Any) -> Shop:
    """Open a shop's folder, bringing its database up to date. Raises ConfigError, DataError, Unavailable."""
    await settle(directory)
    settings = load_settings(BotSettings, directory, **overrides)
    assistant = load_assistant(directory / "assistant" if (directory / "assistant").is_dir() else SHIPPED)
    async with AsyncExitStack() as opened:
        engine = database.open_engine(db.database_url(directory, settings))
        opened.push_async_callback(engine.dispose)
        await database.bring_up_to_date(engine)
        write = await opened.enter_async_context(database.open_writer(engine))
        catalogue = SqlCatalogue(engine)
        search = await asyncio.to_thread(load_search, directory, settings, catalogue)
        known = await opened.enter_async_context(open_known(directory, search.embedder, catalogue))
        search = replace(search, embedder=known)
        shop = _assemble(directory, settings, assistant, engine, write, catalogue, search)
        shop._opened = opened.pop_all()
    return shop


def _assemble(
    directory: Path,
    settings: BotSettings,
    assistant: Assistant,
    engine: AsyncEngine,
    write: Write,
    catalogue: SqlCatalogue,
    search: SearchBundle,
) -> Shop:
    feed, observer = ConversationFeed(), LogObserver(open_spans(settings.telemetry))
    ladders = importlib.import_module("bot.llm.ladder").Ladders(settings.llm, settings.timeouts.llm_s, observer)
    book, events, store, lock, clock = (
        SqlOrderBook(engine, write),
        SqlOrderEvents(engine, write),
        SqlTrackerStore(engine, write, feed),
        ProcessLock(),
        SystemClock(),
    )
    orders = OrderService(
        book,
        catalogue,
        order_backend("embedded", book),
        assistant.rules,
        lines=search.order_lines,
        audit=SqlAudit(engine, write),
        ledger=SqlLedger(engine, write),
        events=events,
    )
    services = Services(
        orders,
        IdentityService(book, assistant.rules),
        catalogue,
        search.search,
        _answerer(ladders, search.embedder, observer),
        assistant.lexicons,
        SqlCaseBook(engine, write),
        _similar(search.embedder),
        search.embedder.embed,
        ContactAttempts(settings.limits.contact_per_hour),
    )
    actions = build_actions(services)
    chat = Engine(
        store=store,
        guard=Guard(settings.limits.message_chars, _link_hosts(settings)),
        finder=KnowledgeFinder(search.search, orders, search.embedder, catalogue=catalogue),
        reader=_reader(ladders, assistant, search.embedder),
        repair=Repair(assistant.flows, load_languages(assistant.folder / "languages.yml").reply),
        machine=FlowMachine(assistant.flows, InProcessRunner(actions)),
        speaker=Speaker(assistant.responses, _composer(ladders, assistant, observer)),
        observer=observer,
        clock=clock,
        handoff_timeout=settings.timeouts.handoff_s,
        agent_timeout=settings.timeouts.agent_idle_s,
    )
    between = BetweenTurns(store, lock, clock)
    return Shop(
        directory,
        settings,
        assistant,
        chat,
        Inbox(chat, store, lock),
        store,
        orders,
        events,
        book,
        catalogue,
        search,
        services,
        actions,
        SqlKeyStore(engine),
        Handoffs(between, timeout_s=settings.timeouts.handoff_s, idle_s=settings.timeouts.agent_idle_s),
        feed,
        Feedback(between),
        observer,
        engine,
    )


def order_backend(name: str, book: OrderBook) -> OrderBackend:
    """The shop's order system by name: ours, or one that a plug-in registers. Raises ConfigError."""
    if name in ORDER_BACKENDS:
        return ORDER_BACKENDS[name](book)
    found = next((p for p in entry_points(group=PLUGINS) if p.name == name), None)
    if found is None:
        raise ConfigError(f"setting 'order_backend': '{name}' is not known (known: {', '.join(ORDER_BACKENDS)})")
    backend: OrderBackend = found.load()(book)
    return backend


def chat_model(task: str, settings: BotSettings) -> Any:
    """The LangChain chat model that is a task's first choice, or None where none is configured."""
    specs = settings.llm.models(task)
    return importlib.import_module("bot.llm.models").chat_model(specs[0], settings.llm) if specs else None


def _reader(ladders: Any, assistant: Assistant, embedder: Embedder) -> Reader:
    models = {
        locale: IntentClassifier.load(assistant.folder / locale / "intent", embedder) for locale in assistant.locales
    }
    embedded = EmbeddedReader(models["en"], assistant.lexicons, load_languages(assistant.folder / "languages.yml"))
    reader: Reader = embedded
    calls = ladders.of("understand")
    if any(call.name == "embedded" for call in calls):
        reader = _beside(embedded, next(call for call in calls if call.name == "embedded"))
    for call in reversed([call for call in calls if call.name != "embedded"]):
        writer = importlib.import_module("bot.llm.commands").CommandWriter(call, assistant.flows)
        reader = importlib.import_module("bot.nlu.llm_reader").LlmReader(writer, reader, assistant.flows)
    return reader


def _beside(reader: EmbeddedReader, call: Any) -> Reader:
    """The embedded model reads beside the classifier."""
    small = importlib.import_module("bot.nlu.small_reader")
    weigher = importlib.import_module("bot.llm.weighing").EmbeddedWeigher(call.model.model)
    found: Reader = small.SmallReader(weigher, reader, small.labels_of(reader.model))
    return found


def _answerer(ladders: Any, embedder: Embedder, observer: LogObserver) -> Answerer:
    module = importlib.import_module("bot.llm.answerer")
    extract = importlib.import_module("knowledge.extract")
    finder = extract.Extractor(embedder, importlib.import_module("knowledge.lexicon").load_lexicon().analyzer())
    answerer: Answerer = module.ExtractiveAnswerer(finder, _pair_similarity(embedder), observer=observer)
    for call in reversed(ladders.of("answer")):
        answerer = module.LlmAnswerer(call, answerer, observer=observer)
    return answerer


def _pair_similarity(embedder: Embedder) -> Callable[[str, str], float]:
    def similar(one: str, other: str) -> float:
        vectors = embedder.embed([one, other])
        return float(vectors[0] @ vectors[1])

    return similar


def _composer(ladders: Any, assistant: Assistant, observer: LogObserver) -> Composer | None:
    calls = ladders.of("rephrase")
    if not calls:
        return None
    phraser = ladders.phraser(calls, assistant.responses)
    composer: Composer = importlib.import_module("bot.llm.composer").LlmComposer(
        phraser, assistant.responses, observer=observer
    )
    return composer


def _similar(embedder: Embedder) -> Callable[[str, Sequence[str]], Sequence[float]]:
    """Cosine of a phrase to each of some titles."""

    def similar(phrase: str, titles: Sequence[str]) -> Sequence[float]:
        vectors = embedder.embed([phrase, *titles])
        return [float(x) for x in vectors[1:] @ vectors[0]]

    return similar


def _link_hosts(settings: BotSettings) -> frozenset[str]:
    return frozenset({settings.server.host})
