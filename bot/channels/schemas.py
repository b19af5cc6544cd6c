"""The bodies and parameters of the HTTP interface. Requests are read with these models, and the OpenAPI document is
generated from them, so neither can drift from the other. Texts of the fields' descriptions are for the document.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from bot.channels.fields import Comment, Identifier, Label, Locale, MessageText, Payload, SaidText, Seq

PAGE_BYTES = 20_000
PAGE_DEPTH = 20


class Body(BaseModel):
    """What a caller sends: fields we do not know are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Answer(BaseModel):
    """What we send; it is only described by these models, so unset means: may be absent."""

    model_config = ConfigDict(extra="allow")


# --- what everybody shares -------------------------------------------------------------------------------------------

def _url_alone(value: Any) -> Any:
    return {"url": value} if isinstance(value, str) else value


def _bounded(value: Any) -> Any:
    """Small and flat enough to be kept and written again anywhere; what it says is the assistant's matter."""
    if _deeper_than(PAGE_DEPTH, value):
        raise ValueError(f"must be nested at most {PAGE_DEPTH} levels deep")
    try:
        size = len(json.dumps(value, default=str, allow_nan=False))
    except ValueError:
        raise ValueError("must hold no infinite number") from None
    if size > PAGE_BYTES:
        raise ValueError(f"must be a JSON object of at most {PAGE_BYTES} bytes")
    return value


def _deeper_than(levels: int, value: Any) -> bool:
    """Level by level, because what is looked for would exhaust the stack of a recursion."""
    level = [value]
    for _ in range(levels + 1):
        level = [inner for one in level for inner in (
            one.values() if isinstance(one, dict) else one if isinstance(one, list) else ())]
        if not level:
            return False
    return True


AnyPage = Annotated[
    dict[str, Any] | None, BeforeValidator(_bounded),
    BeforeValidator(_url_alone, json_schema_input_type=dict[str, Any] | str | None),
    Field(description="Where the customer is on the shop's site, as its URL or as url, title, product_id, cart; "
                      f"at most {PAGE_BYTES} bytes, {PAGE_DEPTH} levels deep.")]


class Button(Answer):
    title: str
    payload: str


class Problem(BaseModel):
    """An RFC 9457 problem document; `docs/http.md` lists the types."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = Field(default=None, description="Quote it when you ask for help; the log has it too.")
    field: str | None = Field(default=None, description="Where the first mistake is.")


class Status(Answer):
    status: str


class Committed(Answer):
    seq: int = Field(description="The conversation stands at this event.")


# --- Rasa's REST channel ---------------------------------------------------------------------------------------------

class RasaMetadata(Body):
    message_id: Label | None = Field(default=None, description=
                                     "The same id again gets the same reply; nothing is done twice.")
    customer_token: Any = Field(default=None, description=
                                "Signs in: JWT (HS256, sub, exp, aud) or 'id.hex-hmac-sha256'.")
    locale: Locale | None = None
    page: AnyPage = None


class RasaMessage(Body):
    """One message to the assistant."""

    sender: Identifier = Field(description="Names the conversation.")
    message: MessageText
    metadata: RasaMetadata | None = None


class RasaQuery(Body):
    stream: Literal["true", "false", "1", "0", "True", "False", ""] = Field(default="", description=
        "'true': newline-delimited JSON, one message a line; lines with 'type': 'delta' come before it is complete.")


class RasaReply(Answer):
    """One bubble of the reply."""

    recipient_id: str
    text: str | None = None
    image: str | None = None
    buttons: list[Button] = []
    custom: dict[str, Any] = Field(default={}, description="cards, sources, responses, requested_slot, sender")


class RasaTracker(Answer):
    """Rasa's tracker state."""

    sender_id: str
    slots: dict[str, Any]
    latest_message: dict[str, Any]
    events: list[dict[str, Any]]
    active_loop: dict[str, Any]
    paused: bool


class TrackerQuery(Body):
    include_events: str = Field(default="", max_length=40, description="'NONE' leaves the events out.")


# --- conversations of the widget -------------------------------------------------------------------------------------

class Begin(Body):
    locale: Locale | None = None


class Begun(Answer):
    conversation_id: str
    token: str = Field(description="Lets its holder read and write this conversation.")


class After(Body):
    after: Seq = Field(default=0, description="Only what has a greater seq.")


class WidgetMessage(Body):
    """One message of the customer; the same client_id again is the same message."""

    client_id: Identifier
    text: MessageText
    payload: Payload | None = Field(default=None, description=
                                                                    "A pressed button's payload.")
    page: AnyPage = None
    customer_token: Any = Field(default=None, description=
                                "Signs in: JWT (HS256, sub, exp, aud) or 'id.hex-hmac-sha256'.")
    locale: Locale | None = None


class SaidMessage(Answer):
    seq: int
    at: float | None = None
    from_: str = Field(alias="from", description="assistant, agent or customer")
    text: str


class Said(Answer):
    messages: list[SaidMessage]
    seq: int
    mode: Literal["bot", "queued", "agent"]


class Feedback(Body):
    """Thumbs on a message (`seq`, `rating`), or the score of a whole conversation."""

    seq: Seq | None = None
    rating: Literal["up", "down"] | None = None
    score: Annotated[int, Field(ge=1, le=5)] | None = None
    comment: Comment = ""


# --- the shop's backend ----------------------------------------------------------------------------------------------

class AgentReply(Body):
    text: SaidText
    agent: Label = ""


class Order(Answer):
    """An order in the native format."""

    id: str
    number: str
    status: str
    lines: list[dict[str, Any]]


class TranscriptLine(Answer):
    seq: int
    at: float
    sender: str
    text: str


class Handoff(Answer):
    conversation_id: str
    mode: Literal["queued", "agent"]
    reason: str
    summary: str
    since: str
    customer_id: str | None = None
    transcript: list[TranscriptLine]


class Handoffs(Answer):
    handoffs: list[Handoff]
