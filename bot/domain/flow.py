"""Flows as data: what the assistant does step by step, in Rasa's flow syntax as far as it fits.

A step is one of `action` (an action, or a response `utter_*` to say), `collect` (wait until a slot is filled),
`call` (another flow, then go on), `set_slots`; `next` names the step that follows, by condition. Loading checks
everything, so that a mistake in a shop's file is reported with its place instead of surprising a customer.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

END = "END"
_KINDS = ("action", "collect", "call", "set_slots")


class FlowError(ValueError):
    """A flow file is wrong; the message names flow, step and remedy."""


@dataclass(frozen=True, slots=True)
class Branch:
    """Go to `then` when `condition` holds; an empty condition always does."""

    condition: str
    then: str


@dataclass(frozen=True, slots=True)
class Step:
    id: str
    kind: str
    name: str  # action, slot or flow; "" for set_slots
    next: tuple[Branch, ...]
    slots: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Flow:
    """`kind`: "write" asks before it changes something and may wait in the queue, "read" answers at once, "talk" likewise."""

    id: str
    name: str
    description: str
    steps: Mapping[str, Step]
    first: str
    kind: str = "read"
    precedence: int = 5  # of writes asked for together: the smaller goes first


def parse_flows(data: Mapping[str, Any]) -> dict[str, Flow]:
    """A flows file: `flows`, and `patterns` of steps that several flows share. Raises FlowError."""
    patterns = data.get("patterns") or {}
    return {
        str(flow_id): parse_flow(str(flow_id), node or {}, patterns)
        for flow_id, node in (data.get("flows") or {}).items()
    }


def parse_flow(flow_id: str, data: Mapping[str, Any], patterns: Mapping[str, Any] | None = None) -> Flow:
    """One flow. With `pattern`, its steps are the pattern's, with `{key}` replaced by the flow's own `key`."""
    raw = data.get("steps")
    if "pattern" in data:
        if data["pattern"] not in (patterns or {}):
            raise FlowError(f"flow '{flow_id}': pattern '{data['pattern']}' is not defined under 'patterns'")
        raw = [_filled(step, data) for step in (patterns or {})[data["pattern"]]]
    if not isinstance(raw, list) or not raw:
        raise FlowError(f"flow '{flow_id}': 'steps' must be a list with at least one step")
    ids = [str(step.get("id", f"step_{i}")) for i, step in enumerate(raw)]
    steps: dict[str, Step] = {}
    for i, step in enumerate(raw):
        follower = ids[i + 1] if i + 1 < len(ids) else END
        steps[ids[i]] = _parse_step(flow_id, ids[i], step, follower)
    _check_targets(flow_id, steps)
    kind = str(data.get("kind", "read"))
    if kind not in ("write", "read", "talk"):
        raise FlowError(f"flow '{flow_id}': kind '{kind}' is none of write, read, talk")
    return Flow(
        flow_id,
        str(data.get("name", flow_id.replace("_", " "))),
        str(data.get("description", "")),
        steps,
        ids[0],
        kind,
        int(data.get("precedence", 5)),
    )


def _filled(step: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v.format(**data) if isinstance(v, str) and "{" in v else v for k, v in step.items()}


def _parse_step(flow_id: str, step_id: str, data: Mapping[str, Any], follower: str) -> Step:
    kinds = [k for k in _KINDS if k in data]
    if len(kinds) != 1:
        raise FlowError(f"flow '{flow_id}', step '{step_id}': needs exactly one of {', '.join(_KINDS)}")
    kind = kinds[0]
    slots = tuple((k, v) for item in data["set_slots"] for k, v in item.items()) if kind == "set_slots" else ()
    return Step(
        step_id,
        kind,
        "" if kind == "set_slots" else str(data[kind]),
        _parse_next(flow_id, step_id, data.get("next"), follower),
        slots,
    )


def _parse_next(flow_id: str, step_id: str, data: Any, follower: str) -> tuple[Branch, ...]:
    if data is None:
        return (Branch("", follower),)
    if isinstance(data, str):
        return (Branch("", data),)
    branches = []
    for item in data:
        if "else" in item:
            branches.append(Branch("", str(item["else"])))
        else:
            check_condition(str(item["if"]), f"flow '{flow_id}', step '{step_id}'")
            branches.append(Branch(str(item["if"]), str(item["then"])))
    return tuple(branches)


def _check_targets(flow_id: str, steps: Mapping[str, Step]) -> None:
    for step in steps.values():
        for branch in step.next:
            if branch.then != END and branch.then not in steps:
                raise FlowError(
                    f"flow '{flow_id}', step '{step.id}': goes to '{branch.then}', which is no step of this flow"
                )


_ALLOWED = (
    ast.Expression,
    ast.BoolOp,
    ast.And,
    ast.Or,
    ast.UnaryOp,
    ast.Not,
    ast.Compare,
    ast.Eq,
    ast.NotEq,
    ast.In,
    ast.NotIn,
    ast.Gt,
    ast.GtE,
    ast.Lt,
    ast.LtE,
    ast.Attribute,
    ast.Name,
    ast.Load,
    ast.Constant,
    ast.List,
    ast.Tuple,
)


def check_condition(text: str, place: str) -> None:
    """Conditions are comparisons over `slots.<name>`, with and / or / not. Raises FlowError."""
    try:
        tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise FlowError(f"{place}: condition '{text}' is not understood: {error.msg}") from error
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED) or (isinstance(node, ast.Name) and node.id != "slots"):
            raise FlowError(
                f"{place}: condition '{text}': only slots.<name>, constants, comparisons, and/or/not are allowed"
            )


def holds(condition: str, slots: Mapping[str, Any]) -> bool:
    """Evaluate a checked condition; a slot that is not set is None."""
    return True if not condition else bool(_value(_parsed(condition), slots))


@lru_cache(maxsize=1024)
def _parsed(condition: str) -> ast.expr:
    return ast.parse(condition, mode="eval").body


def _value(node: ast.expr, slots: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant():
            return node.value
        case ast.List() | ast.Tuple():
            return [_value(e, slots) for e in node.elts]
        case ast.Attribute():
            return slots.get(node.attr)
        case ast.BoolOp(op=ast.And()):
            return all(_value(v, slots) for v in node.values)
        case ast.BoolOp():
            return any(_value(v, slots) for v in node.values)
        case ast.UnaryOp():
            return not _value(node.operand, slots)
        case ast.Compare():
            return _compare(node, slots)
    raise FlowError(f"condition part {ast.dump(node)} is not allowed")


def _compare(node: ast.Compare, slots: Mapping[str, Any]) -> bool:
    left = _value(node.left, slots)
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = _value(right_node, slots)
        ok = {
            ast.Eq: lambda a, b: a == b,
            ast.NotEq: lambda a, b: a != b,
            ast.In: lambda a, b: a in (b or ()),
            ast.NotIn: lambda a, b: a not in (b or ()),
            ast.Gt: lambda a, b: a is not None and a > b,
            ast.GtE: lambda a, b: a is not None and a >= b,
            ast.Lt: lambda a, b: a is not None and a < b,
            ast.LtE: lambda a, b: a is not None and a <= b,
        }[type(op)](left, right)
        if not ok:
            return False
        left = right
    return True
