"""JSON read and written quickly is the JSON the standard library reads and writes."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.stores import schema
from knowledge import json_text

_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3), max_leaves=8)


@given(_VALUES)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert json_text.load(json_text.dump(value)) == json.loads(json.dumps(value)) == json.loads(json_text.dump(value))


@given(_VALUES)
def test_the_bots_tables_hold_ascii(value: Any) -> None:
    text = schema.dump(value)
    assert text.isascii() and schema.load(text) == json.loads(json.dumps(value))


@pytest.mark.parametrize("value", [2**70, "\ud83d", {1: "a key that is a number"}, "\x00 and \u2028"])
def test_what_orjson_refuses_is_left_to_the_standard_library(value: Any) -> None:
    assert json_text.load(json_text.dump(value)) == json.loads(json.dumps(value))
    assert json_text.load(json.dumps(value)) == json.loads(json.dumps(value))


def test_no_number_that_is_none() -> None:
    assert math.isnan(json_text.load("NaN")) and json_text.load("1e999") == math.inf


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        json_text.dump({"at": datetime.now(UTC)})
    with pytest.raises(ValueError):
        json_text.load("{")
