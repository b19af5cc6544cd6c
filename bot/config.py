"""The bot's settings: one frozen object per shop folder, read once. It knows no adapter and reads no secret file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import SettingsConfigDict

from knowledge.config import KnowledgeSettings

Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ServerSettings(Section):
    """`[server]`"""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    trusted_proxies: tuple[str, ...] = ()      # networks (CIDR) whose X-Forwarded-For is believed
    cors_origins: tuple[str, ...] = ()         # exact origins that may call the API from a browser; none by default
    drain_s: Positive = 20.0                   # how long a stopping server waits for turns under way


class LimitSettings(Section):
    """`[limits]`: per_minute figures are token buckets that hold one minute's worth."""

    message_chars: int = Field(default=4000, ge=1)
    body_bytes: int = Field(default=1_000_000, ge=1024)
    address_per_minute: int = Field(default=1200, ge=1)
    conversation_per_minute: int = Field(default=60, ge=1)
    key_per_minute: int = Field(default=6000, ge=1)
    contact_per_hour: int = Field(default=20, ge=1)    # wrong guesses at one e-mail address, order number …
    turns: int = Field(default=1000, ge=1)     # under way or waiting at once; beyond it 503 with Retry-After
    sockets: int = Field(default=20_000, ge=1) # open WebSockets and event streams


class TimeoutSettings(Section):
    """`[timeouts]`, in seconds."""

    turn_s: Positive = 30.0
    llm_s: Positive = 15.0
    handoff_s: Positive = 600.0                # queued, and nobody came
    agent_idle_s: Positive = 3600.0            # an agent took over and fell silent


Models = str | tuple[str, ...]


class LlmSettings(Section):
    """`[llm]`: the models of each task, `embedded`, `embedded:FOLDER` or `provider:model`; of several, the first that
    answers speaks; none: the templates do."""

    understand: Models = ""
    answer: Models = ""
    rephrase: Models = ""
    promo: Models = ""
    mine: Models = ""
    assist: Models = ""
    base_url: str = ""                         # of an OpenAI-compatible server
    api_key: SecretStr | None = None
    adapter: str = ""                          # folder of a LoRA adapter, for `transformers:`
    at_once: int = Field(default=0, ge=0)      # calls under way at a model beyond which the next one speaks; 0: any
    tokens_per_conversation: int = Field(default=40_000, ge=0)     # in a day, of models that are not embedded; 0: any
    tokens_per_day: int = Field(default=0, ge=0)                   # of all conversations together; 0: any

    def models(self, task: str) -> tuple[str, ...]:
        """The models of a task, the first choice first."""
        named: Models = getattr(self, task)
        return tuple(m for m in ((named,) if isinstance(named, str) else named) if m)

    @property
    def configured(self) -> dict[str, tuple[str, ...]]:
        """Task → models, of the tasks that have any."""
        tasks = ("understand", "answer", "rephrase", "promo", "mine", "assist")
        return {task: self.models(task) for task in tasks if self.models(task)}


class WebhookSettings(Section):
    """`[webhook]`: where order writes, handoffs and cases are announced (Standard Webhooks)."""

    url: str = ""
    secret: SecretStr | None = None            # "whsec_" + base64
    timeout_s: Positive = 10.0


class CustomerTokenSettings(Section):
    """`[customer_token]`: how the shop's own site signs a customer in."""

    key: SecretStr | None = None               # shared with the shop's backend; none: nobody can sign in by token
    audience: str = "shopclerk"


class OpenAiSettings(Section):
    """`[openai]`: the assistant as a model, `POST /v1/chat/completions`."""

    key_required: bool = False                 # only callers with an API key of the scope `chat`


class LogSettings(Section):
    """`[log]`: what the server writes to stderr."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "json", "text"] = "auto"       # auto: JSON where stderr is no terminal


class TelemetrySettings(Section):
    """`[telemetry]`: spans of turns, over OTLP/HTTP; none while both this and OTEL_EXPORTER_OTLP_ENDPOINT are empty."""

    otlp_endpoint: str = ""
    sample: float = Field(default=1.0, ge=0, le=1)         # share of the turns traced that nobody else decided about


class BotSettings(KnowledgeSettings):
    """Everything a shop may set, the knowledge base's keys among them; an unknown key is a mistake."""

    model_config = SettingsConfigDict(extra="forbid")

    locale: str = "en"
    server: ServerSettings = ServerSettings()
    limits: LimitSettings = LimitSettings()
    timeouts: TimeoutSettings = TimeoutSettings()
    llm: LlmSettings = LlmSettings()
    webhook: WebhookSettings = WebhookSettings()
    customer_token: CustomerTokenSettings = CustomerTokenSettings()
    openai: OpenAiSettings = OpenAiSettings()
    log: LogSettings = LogSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
