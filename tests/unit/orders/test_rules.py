"""The rules file: what ships is what the code assumes, and a mistake is named."""

from __future__ import annotations

import re

import pytest

from knowledge.errors import ConfigError
from knowledge.orders.refusals import Code
from knowledge.orders.rules import Rules
from tests.fakes_orders import SHIPPED_RULES


def test_the_shipped_file_says_what_the_code_would_assume():
    assert Rules.load(SHIPPED_RULES) == Rules()


def test_every_key_is_explained_in_the_policy_beside_it():
    policy = SHIPPED_RULES.with_name("orders.md").read_text(encoding="utf-8")
    keys = {key for part in Rules.model_fields.values() if hasattr(part.annotation, "model_fields")
            for key in part.annotation.model_fields} | set(Rules.model_fields)
    assert {key for key in keys if f"`{key}`" not in policy} == set()


@pytest.mark.parametrize(("text", "named"), [
    ("cancel_order: {reason: [x]}", "cancel_order.reason"),
    ("cancel_order: {statuses: [paid]}", "cancel_order.statuses.0"),
    ("return_items: {restocking_fee_percent: 120}", "return_items.restocking_fee_percent"),
    ("return_items: {window_days: -1}", "return_items.window_days"),
    ("identity: {accept: [[shoe_size]]}", "identity.accept.0.0"),
    ("undated: perhaps", "undated"),
    ("refunds: {}", "refunds"),
    ("- a list", "mapping"),
    ("cancel_order: [", "not valid YAML"),
])
def test_a_mistake_is_one_line_that_names_file_and_key(tmp_path, text, named):
    path = tmp_path / "rules.yml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        Rules.load(path)
    message = str(caught.value)
    assert str(path) in message
    assert named in message
    assert "\n" not in message


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "rules.yml"))):
        Rules.load(tmp_path / "rules.yml")


def test_refusal_codes_can_be_names_of_responses():
    assert all(re.fullmatch(r"[a-z_]+", code.value) for code in Code)
