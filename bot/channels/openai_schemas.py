"""OpenAI's chat completions as far as we speak them: the request's fields that mean something here, and the answers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from bot.channels.fields import Identifier
from bot.channels.schemas import Answer, Body

MODEL = "shopclerk"
MOST_MESSAGES = 2000


class TextPart(Body):
    type: Literal["text"]
    text: Annotated[str, Field(max_length=100_000)]


class OtherPart(Body):
    """Pictures, sound, files: accepted beside text and not looked at."""

    type: Annotated[str, Field(max_length=100)]


class ChatMessage(Body):
    role: Annotated[str, Field(min_length=1, max_length=40)]
    content: Annotated[str, Field(max_length=100_000)] | list[TextPart | OtherPart] | None = None

    @property
    def text(self) -> str:
        if isinstance(self.content, str):
            return self.content
        return "\n".join(part.text for part in self.content or () if isinstance(part, TextPart))


class StreamOptions(Body):
    include_usage: bool | None = None


class ChatRequest(Body):
    """The last message of the user is the turn; what came before is in the conversation already."""

    model: Annotated[str, Field(max_length=200)] = Field(description="Any name; the answer names it again.")
    messages: list[ChatMessage] = Field(min_length=1, max_length=MOST_MESSAGES)
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Identifier | None = Field(default=None, description=
                                    "Names the conversation; without it each call is a conversation of its own.")
    n: Literal[1] | None = Field(default=None, description="There is one answer.")


class Usage(Answer):
    """Approximate: four characters count as one token; the turn's message, not the whole list, is the prompt."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class AssistantMessage(Answer):
    role: Literal["assistant"]
    content: str
    refusal: str | None


class Choice(Answer):
    index: int
    message: AssistantMessage
    finish_reason: Literal["stop"]
    logprobs: None


class Completion(Answer):
    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    shopclerk: dict[str, Any] = Field(description="The reply as Rasa's messages: buttons, cards, sources; its mode.")


class Model(Answer):
    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(Answer):
    object: Literal["list"]
    data: list[Model]


class ErrorDetail(Answer):
    message: str
    type: str
    param: str | None
    code: str | None


class OpenAiError(Answer):
    error: ErrorDetail
