"""From a setting like "openai:gpt-4o-mini" to a LangChain chat model. Nothing heavy is imported before one is built.

embedded                    the model that shopclerk brings; embedded:FOLDER one of your own, trained and quantised
openai:NAME                 OpenAI, or with `llm.base_url` any compatible server (vLLM, Ollama, TGI …)
transformers:PATH_OR_ID     a local Hugging Face folder or a Hub id, with `llm.adapter` a LoRA adapter on top
PROVIDER:NAME               whatever `langchain.chat_models.init_chat_model` knows
"""

from __future__ import annotations

import importlib.util
import os
import threading
from typing import TYPE_CHECKING, Any

from bot.config import LlmSettings
from knowledge.errors import ConfigError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_MAX_TOKENS = 600
_RETRIES = 1  # the breaker and the fallback do the rest: a customer is waiting


class LazyModel:
    """A model that is built at its first use, once."""

    def __init__(self, spec: str, settings: LlmSettings, timeout_s: float = 15.0) -> None:
        self.spec, self._settings, self._timeout = spec, settings, timeout_s
        self._lock = threading.Lock()
        self._model: BaseChatModel | None = None

    def build(self) -> BaseChatModel:
        """Raises ConfigError when the setting cannot be made into a model."""
        with self._lock:
            if self._model is None:
                self._model = chat_model(self.spec, self._settings, self._timeout)
            return self._model


def chat_model(spec: str, settings: LlmSettings, timeout_s: float = 15.0) -> BaseChatModel:
    """Build the model of a task. Raises ConfigError naming the setting and the remedy."""
    provider, _, name = spec.partition(":")
    if provider == "embedded":
        from bot.llm.embedded_chat import load as load_embedded

        return load_embedded(name)
    if not provider or not name:
        raise ConfigError(f"llm: '{spec}' is no model; write provider:name, for example openai:gpt-4o-mini")
    if provider == "transformers":
        from bot.llm.transformers_chat import load

        return load(name, settings.adapter or None, max_new_tokens=_MAX_TOKENS)
    if provider == "openai":
        return _openai(name, settings, timeout_s)
    return _init(spec, {"max_tokens": _MAX_TOKENS, "temperature": 0})


def _openai(name: str, settings: LlmSettings, timeout_s: float) -> BaseChatModel:
    if importlib.util.find_spec("langchain_openai") is None:
        raise ConfigError(f"llm: 'openai:{name}' needs langchain-openai: pip install shopclerk[scale]")
    key = settings.api_key.get_secret_value() if settings.api_key else os.environ.get("OPENAI_API_KEY", "")
    if not key and not settings.base_url:
        raise ConfigError(
            "llm.api_key: needed for openai models; set it, OPENAI_API_KEY, or llm.base_url for a server of your own"
        )
    options: dict[str, Any] = {
        "api_key": key or "none",
        "timeout": timeout_s,
        "max_retries": _RETRIES,
        "temperature": 0,
        "max_tokens": _MAX_TOKENS,
        "stream_usage": True,
    }
    if settings.base_url:
        options["base_url"] = settings.base_url
    return _init(f"openai:{name}", options)


def _init(spec: str, options: dict[str, Any]) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        model: BaseChatModel = init_chat_model(spec, **options)
    except ImportError as error:
        raise ConfigError(f"llm: '{spec}': {_first_line(error)}") from error
    except ValueError as error:
        raise ConfigError(f"llm: '{spec}' is not known: {_first_line(error)}") from error
    return model


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n")[0]
