"""Folders of tiny, randomly drawn models with a real tokenizer and processor, laid out as on the Hub."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmret import cpu_torch

WORDS = (
    "the same room with a dog that barks loudly and a calm voice instead of music",
    "Find the clip that corresponds to the given sentence and video segment: Describe the sound.",
    "Understand the content of the provided video. Represent the given image.",
)
TEXT = {
    "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 4096, "bos_token_id": 0, "eos_token_id": 0, "pad_token_id": 0,
}  # fmt: skip
ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10_000.0}
SEEN = {"depth": 1, "embed_dim": 16, "hidden_size": 32, "num_heads": 2, "mlp_ratio": 2}


def tokenizer(marks: Sequence[str], **names: str) -> Any:
    """A byte-level tokenizer as Qwen's: "<|endoftext|>" is 0 and pads, the marks follow."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import Qwen2Tokenizer

    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *marks]
    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        WORDS, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    raw.add_special_tokens([AddedToken(mark, special=True) for mark in special])
    return Qwen2Tokenizer(
        tokenizer_object=raw, pad_token="<|endoftext|>", eos_token="<|endoftext|>", extra_special_tokens=names
    )


def qwen2vl(
    folder: Path,
    seed: int = 0,
    *,
    text: Mapping[str, Any] | None = None,
    seen: Mapping[str, Any] | None = None,
    dtype: str = "float32",
    device: str = "cpu",
) -> Path:
    """Qwen2-VL; `text` and `seen` are its two configurations, where it is not to be tiny."""
    cpu_torch.prepare()
    import torch
    from transformers import Qwen2VLConfig, Qwen2VLForConditionalGeneration
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

    words = tokenizer(["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"])
    config = Qwen2VLConfig(
        text_config={**TEXT, "vocab_size": len(words), "rope_parameters": ROPE, **(text or {})},
        vision_config=seen or SEEN,
        image_token_id=words.convert_tokens_to_ids("<|image_pad|>"),
        video_token_id=words.convert_tokens_to_ids("<|video_pad|>"),
        vision_start_token_id=words.convert_tokens_to_ids("<|vision_start|>"),
        vision_end_token_id=words.convert_tokens_to_ids("<|vision_end|>"),
    )
    torch.manual_seed(seed)
    with torch.device(device):
        model = Qwen2VLForConditionalGeneration(config).to(getattr(torch, dtype))
    sharpen(model)
    model.save_pretrained(folder)
    words.save_pretrained(folder)
    Qwen2VLImageProcessorPil(min_pixels=56 * 56, max_pixels=28 * 28 * 1280).save_pretrained(folder)
    return folder


def sharpen(model: Any) -> None:
    """Larger weights than a fresh model has, so that what it reads shows in its vectors."""
    import torch

    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.mul_(4)


def adapter(base: Any, folder: Path, *, dora: bool = False, acts: bool = True, old_names: bool = True) -> Path:
    """An adapter on a base model, its weights named as before transformers 5, as those of VLM2Vec are."""
    import torch
    from peft import LoraConfig, get_peft_model
    from safetensors.torch import load_file, save_file

    torch.manual_seed(7)
    settings = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"], use_dora=dora)
    adapted = get_peft_model(base, settings)
    if acts:
        with torch.no_grad():
            for name, weight in adapted.named_parameters():
                if "lora_B" in name:
                    weight.normal_(std=0.5)
                elif "lora_magnitude" in name:
                    weight.mul_(1.5)
    adapted.save_pretrained(folder)
    if old_names:
        file = folder / "adapter_model.safetensors"
        moved = {
            re.sub(r"model\.model\.(visual|audio_tower)", r"model.\1", name.replace(".language_model", "")): weight
            for name, weight in load_file(file).items()
        }
        save_file(moved, file)
    return folder


def qwen2audio(folder: Path) -> Path:
    """Qwen2-Audio, with the generation settings of the public one: drawn at random, repetition punished."""
    cpu_torch.prepare()
    import torch
    from transformers import (
        GenerationConfig,
        Qwen2AudioConfig,
        Qwen2AudioForConditionalGeneration,
        Qwen2AudioProcessor,
        WhisperFeatureExtractor,
    )

    words = tokenizer(["<|audio_bos|>", "<|AUDIO|>", "<|audio_eos|>"])
    config = Qwen2AudioConfig(
        audio_config={
            "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2, "encoder_ffn_dim": 32,
            "num_mel_bins": 16, "max_source_positions": 200,
        },
        text_config={**TEXT, "model_type": "qwen2", "vocab_size": len(words)},
        audio_token_index=words.convert_tokens_to_ids("<|AUDIO|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen2AudioForConditionalGeneration(config)
    sharpen(model)
    model.generation_config = GenerationConfig(
        do_sample=True, temperature=0.7, top_k=20, repetition_penalty=1.1, eos_token_id=0, pad_token_id=0
    )
    model.save_pretrained(folder)
    Qwen2AudioProcessor(WhisperFeatureExtractor(feature_size=16, chunk_length=4), words).save_pretrained(folder)
    return folder


def decoded_greedily(model: Any, inputs: Any, tokens: int, ends: Sequence[int]) -> Any:
    """Greedy decoding written out: the ids that a model writes to one input, the likeliest next one over and over."""
    import torch

    ids = inputs.pop("input_ids")
    inputs.pop("attention_mask")
    start = ids.shape[1]
    for _ in range(tokens):
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=torch.ones_like(ids), **inputs).logits
        ids = torch.cat([ids, logits[:, -1:].argmax(-1)], dim=1)
        if ids[0, -1] in ends:
            break
    return ids[0, start:]


def colqwen2(folder: Path) -> Path:
    """ColQwen2, over a Qwen2-VL."""
    qwen2vl(folder / "base")
    import torch
    from transformers import (
        AutoTokenizer,
        ColQwen2Config,
        ColQwen2ForRetrieval,
        ColQwen2Processor,
        Qwen2VLConfig,
        Qwen2VLImageProcessor,
    )

    torch.manual_seed(0)
    vision_language = Qwen2VLConfig.from_pretrained(folder / "base")
    model = ColQwen2ForRetrieval(ColQwen2Config(vlm_config=vision_language, embedding_dim=16))
    sharpen(model)
    model.save_pretrained(folder)
    pictures = Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=28 * 28 * 16)
    ColQwen2Processor(pictures, AutoTokenizer.from_pretrained(folder / "base")).save_pretrained(folder)
    return folder


def colpali(folder: Path) -> Path:
    """ColPali, over a PaliGemma that makes a picture 9 tokens."""
    cpu_torch.prepare()
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import (
        ColPaliConfig,
        ColPaliForRetrieval,
        ColPaliProcessor,
        PaliGemmaConfig,
        PreTrainedTokenizerFast,
        SiglipImageProcessor,
    )

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    special = ["<pad>", "<eos>", "<bos>", "<image>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    raw.train_from_iterator(
        WORDS, trainers.BpeTrainer(vocab_size=400, special_tokens=special, initial_alphabet=alphabet)
    )
    words = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="<pad>", eos_token="<eos>", bos_token="<bos>",
        extra_special_tokens={"image_token": "<image>"},
    )  # fmt: skip
    pictures = SiglipImageProcessor(size={"height": 42, "width": 42})
    pictures.image_seq_length = 9
    processor = ColPaliProcessor(pictures, words)
    config = PaliGemmaConfig(
        text_config={**TEXT, "model_type": "gemma", "vocab_size": len(words), "head_dim": 8, "pad_token_id": 0},
        vision_config={
            "model_type": "siglip_vision_model", "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
            "num_attention_heads": 2, "image_size": 42, "patch_size": 14, "vision_use_head": False,
        },
        projection_dim=32,
        image_token_index=words.convert_tokens_to_ids("<image>"),
    )  # fmt: skip
    torch.manual_seed(0)
    model = ColPaliForRetrieval(ColPaliConfig(vlm_config=config, embedding_dim=16))
    sharpen(model)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


OMNI_TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% for content in message['content'] %}"
    "{% if content['type'] == 'image' %}<|vision_bos|><|IMAGE|><|vision_eos|>"
    "{% elif content['type'] == 'audio' %}<|audio_bos|><|AUDIO|><|audio_eos|>"
    "{% elif content['type'] == 'video' %}<|vision_bos|><|VIDEO|><|vision_eos|>"
    "{% elif 'text' in content %}{{ content['text'] }}{% endif %}{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def omni(folder: Path) -> Path:
    """The thinker of Qwen2.5-Omni."""
    cpu_torch.prepare()
    import torch
    from transformers import (
        Qwen2_5OmniProcessor,
        Qwen2_5OmniThinkerConfig,
        Qwen2_5OmniThinkerForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
        WhisperFeatureExtractor,
    )

    names = {
        "image_token": "<|IMAGE|>", "audio_token": "<|AUDIO|>", "video_token": "<|VIDEO|>",
        "vision_bos_token": "<|vision_bos|>", "vision_eos_token": "<|vision_eos|>",
        "audio_bos_token": "<|audio_bos|>", "audio_eos_token": "<|audio_eos|>",
    }  # fmt: skip
    words = tokenizer(list(names.values()), **names)
    words.chat_template = OMNI_TEMPLATE
    number = words.convert_tokens_to_ids
    config = Qwen2_5OmniThinkerConfig(
        text_config={**TEXT, "vocab_size": len(words), "rope_parameters": ROPE},
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 32, "num_heads": 2, "out_hidden_size": 32,
            "fullatt_block_indexes": [1],
        },
        audio_config={
            "num_mel_bins": 16, "d_model": 16, "encoder_layers": 1, "encoder_attention_heads": 2,
            "encoder_ffn_dim": 32, "output_dim": 32, "max_source_positions": 1500,
        },
        audio_token_index=number("<|AUDIO|>"),
        image_token_index=number("<|IMAGE|>"),
        video_token_index=number("<|VIDEO|>"),
        vision_start_token_id=number("<|vision_bos|>"),
        vision_end_token_id=number("<|vision_eos|>"),
        audio_start_token_id=number("<|audio_bos|>"),
        audio_end_token_id=number("<|audio_eos|>"),
    )  # fmt: skip
    torch.manual_seed(0)
    model = Qwen2_5OmniThinkerForConditionalGeneration(config)
    sharpen(model)
    model.save_pretrained(folder)
    Qwen2_5OmniProcessor(
        Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=784 * 784),
        Qwen2VLVideoProcessor(min_pixels=56 * 56, max_pixels=784 * 784),
        WhisperFeatureExtractor(feature_size=16, chunk_length=30),
        words,
        chat_template=OMNI_TEMPLATE,
    ).save_pretrained(folder)
    return folder
