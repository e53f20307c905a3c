"""Seconds and operations an item, against what the parts are known to need."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from mmret.benchmarks import load_benchmark
from mmret.encoders import Memory, Options, Spec, create_encoder
from mmret.evaluation import Settings, evaluate
from mmret.evaluation.cost import cost_of_sides
from mmret.items import Item, Media, Side
from mmret.media import Workers
from mmret.meter import Meter

WIDTH, HEADS, TOKENS = 16, 2, 8


class Known:
    """A model whose operations can be told on paper: a product, and attention of 8 tokens to themselves."""

    spec = Spec("known", "1", frozenset({"text"}), frozenset({"text"}), "", "", packages=("torch",))

    def __init__(self, options: Options) -> None:
        self.preprocessing = {"a": 1}
        self._memory = options.memory.table()
        self.calls: list[list[str]] = []
        self._weights = torch.ones(WIDTH, WIDTH)

    def embed(self, items: Sequence[Item], side: Side) -> NDArray[np.float32]:
        self.calls.append([item.id for item in items])
        for item in items:
            if item.text not in self._memory:
                with torch.inference_mode():
                    x = torch.ones(TOKENS, WIDTH) @ self._weights
                    x = x.reshape(1, HEADS, TOKENS, WIDTH // HEADS)
                    torch.nn.functional.scaled_dot_product_attention(x, x, x)
                self._memory[item.text] = 1
        return np.ones((len(items), 4), np.float32)


def test_operations_are_those_on_paper(workers: Workers) -> None:
    meter, memory = Meter(), Memory()
    encoder = Known(Options(workers, meter=meter, memory=memory))
    items = [Item(f"{i}", text=f"text {i}") for i in range(40)]
    costs = cost_of_sides(encoder, {"document": items, "query": items}, 8, meter, memory)
    product = 2 * TOKENS * WIDTH * WIDTH
    attention = 2 * 2 * TOKENS * TOKENS * WIDTH
    for side in ("document", "query"):
        assert costs[side]["items"] == 8
        # The same texts on both sides: nothing is remembered from one to the other.
        assert costs[side]["embed"]["flops"] == product + attention
        assert costs[side]["embed"]["seconds"] > 0
        assert costs[side]["captions_add"] is None
    assert [len(call) for call in encoder.calls] == [4, 8, 4, 8]
    assert not set(encoder.calls[0]) & set(encoder.calls[1])


def test_minilm_needs_two_operations_a_weight_and_token(workers: Workers) -> None:
    meter, memory = Meter(), Memory()
    encoder = create_encoder("text", Options(workers, meter=meter, memory=memory))
    items = [Item(f"{i}", text="snow " * 30 + str(i)) for i in range(10)]
    cost = cost_of_sides(encoder, {"query": items}, 4, meter, memory)["query"]
    tokens = 33  # 30, a number, and the two at the ends
    # 10.65 million weights are in its layers' products, the rest looks words up; attention adds a little.
    assert cost["embed"]["flops"] == pytest.approx(2 * tokens * 10.65e6, rel=0.03)


def test_a_result_says_what_an_item_costs_and_so_does_one_from_the_store(small: Path, tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache", cost_items=3, frames=2)
    first = evaluate(str(small), "audiovlm2vec-offline", settings).record
    item = first["cost"]["item"]
    assert item["document"]["items"] <= 3
    for stage in ("decode", "caption", "embed"):
        assert item["document"][stage]["seconds"] > 0
    assert item["document"]["decode"]["flops"] is None
    # One patch through YAMNet, which runs outside of torch, and its spectrogram.
    assert item["document"]["caption"]["flops"] == pytest.approx(2 * 69_165_056, rel=0.05)
    assert item["document"]["bytes"] == item["query"]["bytes"] == 4 * 768  # what is seen, and what is read or heard
    added, parts = item["document"]["captions_add"], item["document"]
    base = parts["decode"]["seconds"] + parts["embed"]["seconds"]
    assert added["seconds"] == pytest.approx(parts["caption"]["seconds"] / base)
    assert added["flops"] == pytest.approx(parts["caption"]["flops"] / parts["embed"]["flops"])
    assert item["query"]["captions_add"] is None  # the preset captions documents alone
    second = evaluate(str(small), "audiovlm2vec-offline", settings).record
    assert second["cost"]["item"] == item
    assert second["model"]["parameters"] == first["model"]["parameters"] > 30e6
    none = evaluate(str(small), "audiovlm2vec-offline", replace(settings, cost_items=0, cache=tmp_path / "other"))
    assert none.record["cost"]["item"] == {}
    assert none.record["scores"] == first["scores"]


def test_captions_kept_from_before_cost_what_they_took(small: Path, tmp_path: Path) -> None:
    """Another model finds the captions written: seconds are those of then, operations nobody counted."""
    cache = tmp_path / "cache"
    evaluate(str(small), "audiovlm2vec-offline", Settings(cache=cache, cost_items=0, frames=1))
    settings = Settings(cache=cache, cost_items=1, frames=1, choices={"backbone": "text"})
    record = evaluate(str(small), "audiovlm2vec-offline", settings).record
    caption = record["cost"]["item"]["document"]["caption"]
    assert caption["seconds"] > 0
    assert caption["flops"] is None
    assert "caption" not in record["cost"]["stages"]


def test_what_other_items_cost_is_not_what_these_cost(tmp_path: Path) -> None:
    """Two views of the same tables share a store, and no cost."""
    flops = []
    for view in ("title=text,content=none", "content=native"):
        whole = load_benchmark("tarvir-mini", view=view)
        few = whole.subset(np.arange(2), np.unique([whole.positives[0][0], whole.positives[1][0]]))
        made = evaluate(few, "text", Settings(cache=tmp_path, cost_items=1)).record
        flops.append(made["cost"]["item"]["document"]["embed"]["flops"])
    assert 0 < 3 * flops[0] < flops[1]


def test_the_meter_adds_up() -> None:
    meter, count = Meter(), [0.0]
    meter.operations = lambda: count[0]
    with meter.stage("outer"):
        count[0] += 5
        with meter.stage("inner", items=2):
            count[0] += 7
            meter.add_flops(100)
        count[0] += 1
    assert (meter.stages["outer"].flops, meter.stages["inner"].flops) == (6, 107)
    with meter.stage("outer"):
        meter.add_flops(math.nan)
    assert math.isnan(meter.stages["outer"].flops)
    meter.add_elsewhere("inner", 1.5)
    assert meter.elsewhere["inner"].seconds == 1.5


def test_items_that_are_timed_share_no_file(workers: Workers) -> None:
    meter, memory = Meter(), Memory()
    encoder = Known(Options(workers, meter=meter, memory=memory))
    files = [Media(Path(f"{i // 3}.mp4")) for i in range(30)]
    items = [Item(f"{i}", text=f"{i}", video=media) for i, media in enumerate(files)]
    cost = cost_of_sides(encoder, {"document": items}, 8, meter, memory)["document"]
    asked = [name for call in encoder.calls for name in call]
    assert len(asked) == len({int(name) // 3 for name in asked}) == 10
    assert cost["items"] == 6
