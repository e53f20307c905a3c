"""Qwen2.5-Omni here: what the model reads, beside the library's own processor and greedy decoding written out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmret.errors import RunError
from mmret.pipelines.annotate.config import Describe
from mmret.pipelines.annotate.describe import Annotation, describe_project
from mmret.pipelines.annotate.describe.omni import OmniDescriber
from mmret.pipelines.annotate.describe.parts import frames_and_sound
from mmret.pipelines.annotate.llm import Askers, Prompt

from ....encoders import tiny_qwen as tiny
from ..described import mini, project

TOKENS = 5


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.omni(tmp_path_factory.mktemp("omni"))


def greedy(folder: Path, path: Path, settings: Describe) -> str:
    from transformers import Qwen2_5OmniProcessor, Qwen2_5OmniThinkerForConditionalGeneration

    processor: Any = Qwen2_5OmniProcessor.from_pretrained(folder)
    model: Any = Qwen2_5OmniThinkerForConditionalGeneration.from_pretrained(folder).eval()
    frames, sound = frames_and_sound(path, settings)
    asked = (
        "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
        "<|vision_bos|><|VIDEO|><|vision_eos|><|audio_bos|><|AUDIO|><|audio_eos|>"
        f"{Prompt.named('describe').text}\n\nAnswer with one JSON object and nothing else. Its JSON schema:\n"
        f"{json.dumps(Annotation.model_json_schema())}<|im_end|>\n<|im_start|>assistant\n"
    )
    inputs = processor(
        text=[asked], videos=[np.stack([np.asarray(frame) for frame in frames])], audio=[sound],
        videos_kwargs={"do_sample_frames": False, "fps": 0.5}, return_tensors="pt",
    )  # fmt: skip
    ids = tiny.decoded_greedily(model, inputs, TOKENS, [0, processor.tokenizer.convert_tokens_to_ids("<|im_end|>")])
    return str(processor.decode(ids, skip_special_tokens=True))


def test_the_model_reads_frames_sound_and_the_form(folder: Path) -> None:
    settings = Describe(frames=2, side=64, tokens=TOKENS)
    (path,) = mini("violin")
    describer = OmniDescriber(settings, str(folder), "cpu", "float32")
    assert describer.name == f"omni:{folder.name}"
    frames, sound = frames_and_sound(path, settings)
    answer = describer.answer(frames, 0.5, sound, [])
    assert answer.text == greedy(folder, path, settings)
    assert (answer.cut, answer.written) == (True, TOKENS)
    deaf = describer.answer(frames, 0.5, None, ["{}", "seen: Field required"])
    assert deaf.read != answer.read


def test_what_it_says_without_the_form_is_rejected(folder: Path, tmp_path: Path) -> None:
    settings = {"by": f"omni:{folder}", "frames": 2, "side": 64, "tokens": 3, "device": "cpu"}
    made = project(tmp_path / "project", mini("violin"), describe=settings)
    with made:
        assert describe_project(made, Askers.of(made)) == {"rejected": 1}
    assert made.rows("describe")["clip0"].reason == "no valid answer: it was cut off at the limit of tokens: be brief"


def test_other_weights_are_refused(tmp_path: Path) -> None:
    folder = tiny.qwen2audio(tmp_path / "qwen2audio")
    made = project(tmp_path / "project", mini("violin"), describe={"by": f"omni:{folder}", "device": "cpu"})
    with made, pytest.raises(RunError, match="holds a model of kind 'qwen2_audio'"):
        describe_project(made, Askers.of(made))
