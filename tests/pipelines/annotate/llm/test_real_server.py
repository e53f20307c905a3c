"""A real server program, transformers' `serve`, with a tiny model that has learnt one answer by heart."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from mmret import cpu_torch
from mmret.pipelines.annotate.config import Endpoint
from mmret.pipelines.annotate.llm import Asker, Calls, Prompt, Question, settle

from ....encoders import tiny_qwen as tiny
from .test_asker import GOOD, Fruit

SERVE = """
import sys
from mmret import cpu_torch
cpu_torch.prepare()
from transformers.cli.transformers import main
sys.argv = ["transformers", "serve", *sys.argv[1:]]
main()
"""
ASKED = Prompt("fruit", "Which fruit is red?")
TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}:"


def learnt(folder: Path, question: str, answer: str) -> Path:
    """A language model of 2 layers that was shown one answer until it knew it."""
    cpu_torch.prepare()
    import torch
    from transformers import Qwen2Config, Qwen2ForCausalLM

    words: Any = tiny.tokenizer([])
    words.chat_template = TEMPLATE
    torch.manual_seed(0)
    model: Any = Qwen2ForCausalLM(Qwen2Config(**{**tiny.TEXT, "vocab_size": len(words)}))
    ids = torch.tensor([words(f"{question}:{answer}<|endoftext|>")["input_ids"]])
    start = len(words(f"{question}:")["input_ids"])
    steps = torch.optim.Adam(model.parameters(), lr=1e-2)
    for _ in range(100):
        loss = torch.nn.functional.cross_entropy(model(ids).logits[0, start - 1 : -1], ids[0, start:])
        steps.zero_grad()
        loss.backward()
        steps.step()
    assert loss < 0.1
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


@contextmanager
def serving(folder: Path, log: Path) -> Iterator[str]:
    """The address of a server that has started."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    options = [str(folder), "--device", "cpu", "--host", "127.0.0.1", "--port", str(port)]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    with (
        log.open("w") as file,
        subprocess.Popen([sys.executable, "-c", SERVE, *options], stdout=file, stderr=file, env=environment) as program,
    ):
        try:
            end = time.monotonic() + 120
            while True:
                assert program.poll() is None, log.read_text()
                assert time.monotonic() < end, log.read_text()
                try:
                    if httpx.get(f"http://127.0.0.1:{port}/health").is_success:
                        break
                except httpx.TransportError:
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            program.kill()


def test_a_real_server_answers_and_is_not_asked_again(tmp_path: Path) -> None:
    folder = learnt(tmp_path / "model", ASKED.text, GOOD)
    known = Question("describe", "known", ASKED, ASKED.text)
    other = Question("describe", "other", ASKED, "Which fruit is green, and what else is there to say of it?")
    path = tmp_path / "calls"
    with serving(folder, tmp_path / "log") as address:
        endpoint = Endpoint(model=f"{folder}@{address}", tokens=40, price_read=1.0, price_written=1.0)
        asker = Asker(endpoint, Calls(path))
        found = [settle(lambda one=one: asker.ask(one, Fruit)) for one in (known, other)]
    assert found[0].record == {"name": "apple", "ripe": True}
    total = Calls(path).totals["describe", str(folder)]
    assert (total.uncounted, total.read > 0, total.written > 0) == (0, True, True)
    assert total.cost == pytest.approx((total.read + total.written) / 1e6)
    again = Asker(endpoint, Calls(path))  # the server is gone
    assert [settle(lambda one=one: again.ask(one, Fruit)) for one in (known, other)] == found
