"""A chat model lists what a message wants, as data of a fixed shape. It is not believed here: the reader checks it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.flow import Flow
from bot.domain.tracker import Tracker
from bot.llm.calls import ModelCall
from bot.llm.prompt import fenced, language_of, prompt, speaks
from knowledge.models import Evidence

_CANDIDATES = 12


class WrittenCommand(BaseModel):
    """One command as a model writes it; which fields count depends on `command`."""

    model_config = ConfigDict(extra="ignore")

    command: Literal[
        "StartFlow",
        "AmendRequest",
        "SetSlot",
        "CorrectSlot",
        "Identify",
        "CancelFlow",
        "Affirm",
        "Deny",
        "AskKnowledge",
        "SearchProducts",
        "Clarify",
        "Chitchat",
        "HumanHandoff",
        "Repeat",
        "CannotHandle",
    ]
    flow: str = Field("", description="StartFlow: the flow's id")
    text: str = Field("", description="the customer's own words for this, copied exactly")
    mode: Literal["add", "only", "remove", "set"] = Field("add", description="AmendRequest")
    claims: dict[str, str] = Field(
        default_factory=dict, description="Identify: email, first_name, last_name, postcode …"
    )
    options: list[str] = Field(default_factory=list, description="Clarify: flow ids")
    topic: str = Field("", description="Chitchat")
    reason: str = Field("", description="CannotHandle: unclear or out_of_scope")
    evidence: list[str] = Field(default_factory=list, description="ids of candidates the words point at")


class WrittenCommands(BaseModel):
    """What the customer wants, in order."""

    commands: list[WrittenCommand]


@dataclass(slots=True)
class CommandWriter:
    """Asks the model. `topics` are the kinds of small talk the assistant has responses for."""

    call: ModelCall
    flows: Mapping[str, Flow]
    topics: tuple[str, ...] = (
        "greet",
        "thanks",
        "goodbye",
        "chitchat",
        "bot_abilities",
        "insult",
        "no_more",
        "feedback_positive",
        "wait",
    )

    def speaks(self, locale: str) -> bool:
        """Whether there is a prompt in this language."""
        return speaks(locale)

    async def write(
        self, text: str, tracker: Tracker, evidence: Sequence[Evidence], asked: str, said: Sequence[str]
    ) -> tuple[Mapping[str, object], ...]:
        """The commands as plain data, unchecked. Raises bot.llm.calls.ModelFailed."""
        frame = tracker.top
        flows = "\n".join(f"- {flow.id}: {flow.name}. {flow.description}".strip() for flow in self.flows.values())
        candidates = "\n".join(f"- {e.id}: {fenced(e.title, 120)}" for e in evidence[:_CANDIDATES]) or "(none)"
        system, user = prompt("understand", language_of(tracker.locale)).render(
            {
                "flows": flows,
                "topics": ", ".join(self.topics),
                "active": frame.flow if frame else "nothing",
                "asked": asked or "nothing",
                "said": fenced(" ".join(said), 600) or "nothing",
                "candidates": candidates,
                "message": fenced(text),
            }
        )
        written = await self.call.structured(WrittenCommands, system, user, tracker.conversation_id)
        assert isinstance(written, WrittenCommands)
        return tuple(command.model_dump() for command in written.commands)
