"""Passages that say where they stand."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from knowledge.models import Document
from knowledge.splitter import first_heading, plain, sections, split

GUIDE = """---
layout: page
---
Welcome to the *shop*.

Returns
=======

Send it back within **30 days**, see
[the form](https://example.com/form "form").

- in its box
- with the `receipt`

## Shoes ##

Unworn only.

```
# no heading
```

| Country | Days |
|---------|------|
| UK      | 3    |

# Shipping

### Abroad

Ask us.
"""


def document(text: str = "") -> Document:
    return Document(id="guide.md", title="Guide", text=text, source="guide.md", version="v1")


def test_sections_keep_their_heading_path_and_lose_their_signs() -> None:
    found = [(section.headings, section.text) for section in sections(GUIDE)]
    assert found == [
        ((), "Welcome to the shop."),
        (("Returns",), "Send it back within 30 days, see the form.\n\n- in its box\n- with the receipt"),
        (("Returns", "Shoes"), "Unworn only.\n\n# no heading\n\n| Country | Days |\n\n| UK      | 3    |"),
        (("Shipping", "Abroad"), "Ask us.")]


def test_chunks_have_stable_ids_position_source_and_version() -> None:
    chunks = split(document(), GUIDE)
    assert [c.id for c in chunks] == [f"guide.md#{n}" for n in range(4)]
    assert [c.position for c in chunks] == [0, 1, 2, 3]
    assert {(c.document_id, c.source, c.version) for c in chunks} == {("guide.md", "guide.md", "v1")}
    assert split(document(), GUIDE) == chunks


def test_long_text_is_cut_between_sentences() -> None:
    text = " ".join(f"Sentence number {n} tells a little more than the last one did." for n in range(60))
    chunks = split(document(text))
    assert len(chunks) > 2
    assert all(len(c.text) <= 900 and c.text.startswith("Sentence") and c.text.endswith(".") for c in chunks)
    assert " ".join(c.text for c in chunks) == text


def test_chinese_is_cut_between_sentences() -> None:
    chunks = split(document("这是关于退货的一句话。" * 200))
    assert len(chunks) > 2 and all(c.text.endswith("。") and len(c.text) <= 900 for c in chunks)


def test_the_first_heading_is_the_title() -> None:
    assert first_heading(GUIDE) == "Returns"
    assert first_heading("no heading") is None


def test_underscores_and_stars_inside_words_stay() -> None:
    assert plain("order_number 5*3*2 **b** _e_ ![i](x.png)") == "order_number 5*3*2 b e i"


@given(st.text(alphabet="#-*|`=~ab .\n[]()<!>", max_size=300))
def test_any_text_can_be_cut_and_every_letter_of_prose_survives(text: str) -> None:
    chunks = split(document(text))
    assert "".join(c.text for c in chunks).replace(" ", "").count("a") == text.count("a")
    split(document(), text)
