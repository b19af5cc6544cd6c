"""A trained intent model: right, calibrated, repeatable, honest about what it does not know, and whole on disk."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import bot
from bot.nlu.classifier import OOS, WEIGHTS_FILE, IntentClassifier
from knowledge.embedders import HashEmbedder
from knowledge.errors import BadInput, DataError
from training.evaluate_intent import evaluate_intent, figures
from training.intent import IntentSettings, train_intent
from training.intent_data import Example

EMBEDDER = HashEmbedder(384)
NEGATIVES = Path(bot.__file__).parent / "assistant" / "en" / "nlu" / "out_of_scope.yml"
SAYINGS = {
    "track": ["where is my parcel", "parcel has not arrived", "track my parcel", "when will the parcel come",
              "parcel still not here", "is my parcel on its way", "parcel status please", "my parcel is late"],
    "refund": ["i want my money back", "refund please", "when do i get the refund", "refund not on my account",
               "give me a refund", "how long does a refund take", "money back for my order", "refund still missing"],
    "size": ["which size fits me", "size chart please", "is this size large", "do you have size 42",
             "what size should i take", "size small or medium", "does the size run small", "size guide"],
    "voucher": ["my voucher does not work", "where do i enter the voucher", "voucher code invalid", "got a voucher",
                "can i use two vouchers", "voucher expired", "voucher for new customers", "voucher refused"],
}


def training_rows() -> list[tuple[str, str]]:
    return [(text, label) for label, texts in SAYINGS.items() for text in texts]


def write_csv(path: Path, rows: list[tuple[str, str]]) -> Path:
    path.write_text("text,label\n" + "".join(f"{text},{label}\n" for text, label in rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("intent")
    train_intent(write_csv(folder / "train.csv", training_rows()), folder / "model", EMBEDDER,
                 IntentSettings(negatives=NEGATIVES))
    return folder / "model"


def test_new_wordings_are_understood_and_probabilities_add_up(model: Path) -> None:
    classifier = IntentClassifier.load(model, EMBEDDER)
    asked = ["has my parcel arrived", "refund for my order please", "what size is it", "this voucher is invalid"]
    rankings = classifier.classify(asked)
    assert [ranking[0][0] for ranking in rankings] == ["track", "refund", "size", "voucher"]
    for ranking in rankings:
        probabilities = [p for _, p in ranking]
        assert {label for label, _ in ranking} == {*SAYINGS, OOS}
        assert math.isclose(sum(probabilities), 1, abs_tol=1e-5)
        assert probabilities == sorted(probabilities, reverse=True)


def test_what_fits_nothing_is_out_of_scope_without_an_example_of_it(model: Path) -> None:
    classifier = IntentClassifier.load(model, EMBEDDER)
    foreign = ["who painted the mona lisa", "kharab gaadi", "?", "qwertz uiop", "my goldfish looks unhappy"]
    assert [ranking[0][0] for ranking in classifier.classify(foreign)] == [OOS] * len(foreign)


def test_out_of_scope_examples_in_the_data_are_used(tmp_path: Path) -> None:
    jobs = ["are you hiring", "job openings", "send my application for a job", "any job for me", "apply for a job",
            "job interview", "student job", "the job in the warehouse"]
    shop = [(text, OOS) for text in jobs]
    model = tmp_path / "model"
    train_intent(write_csv(tmp_path / "t.csv", training_rows() + shop), model, EMBEDDER, IntentSettings())
    classifier = IntentClassifier.load(model, EMBEDDER)
    assert [r[0][0] for r in classifier.classify(["is there a job for me", "where is the parcel"])] == [OOS, "track"]
    assert OOS not in classifier.labels


def test_odd_messages_are_answered(model: Path) -> None:
    classifier = IntentClassifier.load(model, EMBEDDER)
    odd = ["", " ", "\x00", "🙂" * 500, "ا" * 100, "parcel " * 5000]
    assert all(math.isfinite(p) for ranking in classifier.classify(odd) for _, p in ranking)
    assert classifier.classify([]) == []


def test_one_message_or_many_and_own_vectors_give_the_same(model: Path) -> None:
    classifier = IntentClassifier.load(model, EMBEDDER)
    texts = ["where is it", "refund", "size"]
    together = classifier.classify(texts)
    assert classifier.encoder_is_shared
    for text, ranking in zip(texts, together, strict=True):
        alone = IntentClassifier.load(model).classify([text], EMBEDDER.embed([text]))[0]
        assert [label for label, _ in alone] == [label for label, _ in ranking]
        assert np.allclose([p for _, p in alone], [p for _, p in ranking], atol=1e-5)
    with pytest.raises(DataError, match="hash"):
        IntentClassifier.load(model).classify(["refund"])


def test_the_same_seed_and_data_give_the_same_weights(model: Path, tmp_path: Path) -> None:
    train_intent(write_csv(tmp_path / "train.csv", training_rows()), tmp_path / "again", EMBEDDER,
                 IntentSettings(negatives=NEGATIVES))
    with np.load(model / WEIGHTS_FILE) as first, np.load(tmp_path / "again" / WEIGHTS_FILE) as second:
        assert all(np.array_equal(first[name], second[name]) for name in first.files)


def test_a_damaged_or_foreign_folder_is_refused(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in model.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    (copy / WEIGHTS_FILE).write_bytes(b"broken")
    with pytest.raises(DataError, match="does not match its hash"):
        IntentClassifier.load(copy)
    with pytest.raises(DataError, match=r"no manifest\.json"):
        IntentClassifier.load(tmp_path)


def test_training_overwrites_only_what_training_wrote(model: Path, tmp_path: Path) -> None:
    data = write_csv(tmp_path / "train.csv", training_rows())
    holiday = tmp_path / "photos"
    holiday.mkdir()
    (holiday / "beach.jpg").write_bytes(b"sun")
    with pytest.raises(BadInput, match="something else"):
        train_intent(data, holiday, EMBEDDER, IntentSettings())
    assert [p.name for p in holiday.iterdir()] == ["beach.jpg"]
    train_intent(data, tmp_path / "new", EMBEDDER, IntentSettings(seed=1))
    assert train_intent(data, tmp_path / "new", EMBEDDER, IntentSettings(seed=2)).seed == 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["new", "photos", "train.csv"]


@pytest.mark.parametrize(("rows", "problem"), [
    ([("a", "x"), ("b", "x")], "only the label 'x'"),
    ([("a", OOS), ("b", OOS)], "no label besides oos"),
    ([("a", "x"), ("b", "y")], "every intent has one example"),
])
def test_data_nothing_can_be_learned_from_is_refused(tmp_path: Path, rows: list[tuple[str, str]], problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        train_intent(write_csv(tmp_path / "t.csv", rows), tmp_path / "out", EMBEDDER, IntentSettings())
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


@pytest.mark.parametrize("negatives", [None, NEGATIVES])
def test_two_intents_with_few_and_uneven_examples_are_enough(tmp_path: Path, negatives: Path | None) -> None:
    rows = [("yes", "yes"), ("yes please", "yes"), ("yeah yes", "yes"), ("no", "no"), ("no thanks", "no")]
    train_intent(write_csv(tmp_path / "t.csv", rows), tmp_path / "m", EMBEDDER, IntentSettings(negatives=negatives))
    said = IntentClassifier.load(tmp_path / "m", EMBEDDER).classify(["yes yes please", "no no"])
    assert [next(label for label, _ in ranking if label != OOS) for ranking in said] == ["yes", "no"]


def test_figures_are_those_of_the_definitions() -> None:
    found = figures(["a", "a", "b", OOS, OOS, OOS], ["a", OOS, "b", OOS, OOS, "a"])
    assert found["accuracy"] == pytest.approx(4 / 6)
    assert found["in_scope_accuracy"] == pytest.approx(2 / 3)
    assert found["oos_recall"] == pytest.approx(2 / 3)
    assert found["oos_precision"] == pytest.approx(2 / 3)
    assert found["macro_f1"] == pytest.approx((0.5 + 1 + 2 / 3) / 3)
    assert found["per_label"]["a"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    nothing_outside = figures(["a", "b"], ["a", "b"])
    assert nothing_outside["oos_recall"] is None and nothing_outside["mcc"] == 1


def test_predictions_are_one_line_per_row(model: Path, tmp_path: Path) -> None:
    rows = [Example("where is my parcel", "track"), Example("line\nbreak ü", OOS)]
    evaluate_intent(IntentClassifier.load(model, EMBEDDER), rows, tmp_path / "p.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["text"] for line in lines] == [row.text for row in rows]
    assert all(set(line) == {"text", "label", "confidence"} and 0 < line["confidence"] <= 1 for line in lines)


def test_serving_imports_neither_torch_nor_scikit_learn(model: Path) -> None:
    program = ("import sys; from pathlib import Path; from bot.nlu.classifier import IntentClassifier\n"
               "from knowledge.embedders import HashEmbedder\n"
               "IntentClassifier.load(Path(sys.argv[1]), HashEmbedder(384)).classify(['where is my parcel'])\n"
               "print([m for m in ('torch', 'sklearn', 'scipy', 'transformers') if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", program, str(model)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
