"""Fine-tuning, measuring and quantising for real, with a model of forty thousand parameters."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bot.cli import main
from bot.llm.spans import Rules
from knowledge.artifact import read_manifest, sha256_file
from training.evaluate_generation import evaluate_generation, reply_figures
from training.llm import LlmSettings, train_llm
from training.llm_base import load_base, read_spans
from training.llm_data import Row, read_rows, write_rows
from training.llm_examples import arrays, batches, encode_rows
from training.llm_loop import Pace
from training.llm_new import TINY, new_model
from training.quantise import is_of, quantise
from training.replies import Way
from training.schedules import Schedule

NAMES = ["Mill Inn", "The Heron", "Blue Door", "Ann's Place", "Old Forge", "North Pier"]
FOODS = ["soup", "noodles", "pies", "curry", "fresh bread"]


def rows() -> list[Row]:
    made = []
    for number in range(80):
        name, food = NAMES[number % 6], FOODS[number % 5]
        made.append(Row(({"role": "user", "content": f"inform(name={name};food={food};kids={'yes' if number % 2 else 'no'})"},),
                        f"{name} serves {food} and {'welcomes children' if number % 2 else 'is for adults'}"))
    return made


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("llm") / "base"
    new_model(folder, [row.prompt + " " + row.reply for row in rows()] * 5, replace(TINY, vocabulary=400))
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    write_rows(path, rows())
    return path


def settings(base: Path, epochs: float = 2, **others: Any) -> LlmSettings:
    pace = Pace(Schedule("cosine", 0.01), epochs=epochs, batch_tokens=512, patience=0)
    return LlmSettings(pace, base=str(base), decoding=False, **others)


@pytest.fixture(scope="module")
def trained(base: Path, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "model"
    train_llm(data, None, out, settings(base, epochs=12), command="shopclerk train llm")
    return out


def test_the_artifact_says_where_it_comes_from_and_what_it_learned(trained: Path, base: Path) -> None:
    manifest = read_manifest(trained, kind="llm")
    assert manifest.parent == load_base(str(base)).hash
    assert manifest.settings["pointed_at"] == ["food", "name"]
    assert manifest.metrics["examples"] + manifest.metrics["validation_rows"] == 80
    assert {"torch", "transformers", "accelerate"} <= set(manifest.versions)
    losses = json.loads((trained / "loss.json").read_text(encoding="utf-8"))
    assert losses["train"][-1][1] < losses["train"][0][1] / 2
    assert losses["validation"][-1][1] < losses["validation"][0][1]
    assert (trained / "loss.svg").read_text(encoding="utf-8").count("<polyline") == 2
    assert not list(trained.parent.glob(".*"))


def test_only_the_assistants_tokens_are_learned_from(base: Path) -> None:
    loaded = load_base(str(base))
    rules = Rules.learn((row.prompt, row.reply) for row in rows())
    examples, left_out = encode_rows(rows(), loaded.tokenizer, rules, 512)
    assert (len(examples), left_out) == (80, 0)
    said = loaded.tokenizer.decode(examples[0].ids[examples[0].learned])
    # A tag for each key, in the order of their names: food, name.
    assert said == "<v1> serves <v0> and is for adults<|end|>"
    ids, labels = arrays(examples[:3], 0)
    assert ids[0][: len(examples[0].ids)].tolist() == examples[0].ids.tolist()
    assert set(labels[0][~np.pad(examples[0].learned, (0, ids.shape[1] - len(examples[0].learned)))]) == {-100}


def test_every_example_is_in_one_batch_of_an_epoch(base: Path) -> None:
    examples, _ = encode_rows(rows(), load_base(str(base)).tokenizer, Rules(), 512)
    made = batches(examples, 300, 0, 1)
    assert sorted(number for batch in made for number in batch) == list(range(80))
    assert all(len(batch) * max(len(examples[i].ids) for i in batch) <= 300 for batch in made)
    assert made == batches(examples, 300, 0, 1) != batches(examples, 300, 0, 2)


class Interrupted(Exception):
    pass


def after(steps: int) -> Callable[[Any, float], None]:
    def show(at: Any, part: float) -> None:
        if at.step == steps:
            raise Interrupted

    return show


def test_an_interrupted_training_goes_on_to_the_same_weights(base: Path, data: Path, tmp_path: Path) -> None:
    train_llm(data, None, tmp_path / "whole", settings(base))
    steps = read_manifest(tmp_path / "whole").metrics["steps"]
    told: list[str] = []
    with pytest.raises(Interrupted):
        train_llm(data, None, tmp_path / "cut", settings(base), show=after(steps // 2 + 1))
    assert not (tmp_path / "cut").exists()
    train_llm(data, None, tmp_path / "cut", settings(base), report=told.append)
    assert any("goes on after step" in line for line in told)
    assert sha256_file(tmp_path / "cut" / "model.safetensors") == sha256_file(tmp_path / "whole" / "model.safetensors")


def test_other_settings_begin_from_the_beginning(base: Path, data: Path, tmp_path: Path) -> None:
    told: list[str] = []
    with pytest.raises(Interrupted):
        train_llm(data, None, tmp_path / "out", settings(base), show=after(5))
    train_llm(data, None, tmp_path / "out", settings(base, epochs=1), report=told.append)
    assert not any("goes on" in line for line in told)


def test_accumulated_batches_make_one_step(base: Path, data: Path, tmp_path: Path) -> None:
    pace = Pace(Schedule("constant", 0.01), epochs=1, batch_tokens=256, accumulate=4, checkpointing=True)
    manifest = train_llm(data, None, tmp_path / "out", LlmSettings(pace, base=str(base), decoding=False))
    assert 0 < manifest.metrics["steps"] <= 9
    assert math.isfinite(manifest.metrics["validation_loss"])


def test_lora_is_merged_or_kept(base: Path, data: Path, tmp_path: Path) -> None:
    merged = train_llm(data, None, tmp_path / "merged", settings(base, epochs=1, method="lora"))
    assert 0 < merged.metrics["trained_parameters"] < sum(p.numel() for p in load_base(str(base)).model.parameters())
    assert not (tmp_path / "merged" / "adapter_config.json").exists()
    train_llm(data, None, tmp_path / "kept", settings(base, epochs=1, method="lora", keep_adapter=True))
    assert (tmp_path / "kept" / "adapter_model.safetensors").is_file()
    one, other = (evaluate_generation(str(tmp_path / name), rows()[:5], way=Way()) for name in ("merged", "kept"))
    assert one["perplexity"] == pytest.approx(other["perplexity"], rel=1e-3)


def test_patience_ends_a_training_that_learns_nothing_more(base: Path, data: Path, tmp_path: Path) -> None:
    pace = Pace(Schedule("constant", 1e-12), epochs=40, batch_tokens=2048, patience=1)
    manifest = train_llm(data, None, tmp_path / "out", LlmSettings(pace, base=str(base), decoding=False))
    assert manifest.metrics["stopped"].startswith("validation loss")
    assert manifest.metrics["epochs"] < 40


@pytest.mark.parametrize("way", [Way(longest=24), Way("beam", 3, longest=24), Way("consensus", 4, 0.8, 24)])
def test_replies_are_measured_and_written(trained: Path, tmp_path: Path, way: Way) -> None:
    said = tmp_path / "said.jsonl"
    figures = evaluate_generation(str(trained), rows()[:12], group="delexicalised", way=way, predictions=said)
    assert {"bleu", "rouge_l", "chrf", "slot_error", "groundedness", "perplexity", "tokens_per_s"} <= set(figures)
    assert figures["slot_error_of_references"] == 0
    written = [json.loads(line)["text"] for line in said.read_text(encoding="utf-8").splitlines()]
    again = reply_figures(rows()[:12], written, read_spans(trained) or Rules(), "delexicalised")
    assert again == {name: figures[name] for name in again}


def test_the_way_replies_are_decoded_is_chosen_by_measurement(base: Path, data: Path, tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.decoding.TRIED", (Way("greedy"), Way("consensus", 3, 0.7)))
    train_llm(data, None, tmp_path / "out", replace(settings(base, epochs=6), decoding=True))
    chosen = read_manifest(tmp_path / "out").settings["generation"]
    assert chosen["method"] in ("greedy", "consensus") and len(chosen["tried"]) == 2
    assert "validation_bleu" in read_manifest(tmp_path / "out").metrics


def test_the_fast_form_is_smaller_and_says_the_same(trained: Path, data: Path) -> None:
    figures = quantise(trained, "int8", data, 20)
    slow, fast = figures["forms"]
    assert fast["mb"] < slow["mb"]
    assert fast["rouge_l"] > 0.6 * slow["rouge_l"]
    assert is_of(trained)
    assert read_rows(data) == rows()


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["shopclerk", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def test_the_commands_answer_in_json(base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                     capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "model"
    assert run(monkeypatch, "train", "llm", "--data", data, "--base", base, "--out", out, "--epochs", 1, "--no-decoding",
               "--schedule", "exponential", "--json") == 0
    assert json.loads(capsys.readouterr().out)["steps"] > 0
    asked = ("--model", out, "--data", data, "--limit", 3, "--longest", 16, "--json")
    assert run(monkeypatch, "evaluate", "generation", *asked) == 0
    assert json.loads(capsys.readouterr().out)["rows"] == 3
    assert run(monkeypatch, "quantise", out, "--json") == 0
    assert json.loads(capsys.readouterr().out)["forms"][1]["mb"] > 0
    assert "--epochs 1" in read_manifest(out).command and str(tmp_path) not in read_manifest(out).command


@pytest.mark.parametrize(("change", "told"), [
    ({"--base": "nowhere"}, "no such folder"),
    ({"--base": "."}, "no config.json"),
    ({"--longest": 8}, "every example is longer"),
    ({"--schedule": "zigzag"}, "use constant, linear"),
    ({"--method": "half"}, "use full, lora"),
])
def test_wrong_usage_is_one_line(base: Path, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                 capsys: pytest.CaptureFixture[str], change: dict[str, object], told: str) -> None:
    given: dict[str, object] = {"--data": data, "--base": base, "--out": tmp_path / "out", "--epochs": 1} | change
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "train", "llm", *(part for pair in given.items() for part in pair)) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert told in error[-1] and error[-1].startswith("shopclerk: ")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_none_are_named(tmp_path: Path, base: Path, data: Path, monkeypatch: pytest.MonkeyPatch,
                                         capsys: pytest.CaptureFixture[str]) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in base.iterdir():
        (broken / path.name).write_bytes(path.read_bytes()[:100] if path.suffix == ".safetensors" else path.read_bytes())
    for command in (("train", "llm", "--base", broken, "--out", tmp_path / "out"), ("evaluate", "generation", "--model", broken)):
        assert run(monkeypatch, *command, "--data", data) == 2
        assert "cannot be loaded as a language model" in capsys.readouterr().err
