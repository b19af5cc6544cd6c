"""E-mail addresses and order numbers in what a customer says: exact handles, which say nothing to a sentence encoder."""

from __future__ import annotations

import re

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}")
_NUMBER = re.compile(r"#\s?[A-Za-z]{0,4}-?\d{3,20}\b")
_ANY_ADDRESS, _ANY_NUMBER = "me@mail.com", "#1"


def for_meaning(text: str) -> str:
    """The text with one address for every address and one number for every number.

    They cost the encoder more than the words around them, and "where is my order #W1" and "… #W2" mean the same.
    """
    if "@" in text:
        text = _ADDRESS.sub(_ANY_ADDRESS, text)
    return _NUMBER.sub(_ANY_NUMBER, text) if "#" in text else text


def without_handles(text: str) -> str:
    """The text without addresses and numbers: nothing in them is a misspelt word."""
    if "@" in text:
        text = _ADDRESS.sub(" ", text)
    return _NUMBER.sub(" ", text) if "#" in text else text
