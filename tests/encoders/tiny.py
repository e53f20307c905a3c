"""Tiny models of the real classes, drawn at random, in folders as their libraries write them."""

from __future__ import annotations

import json
from pathlib import Path

from mmret import cpu_torch

cpu_torch.prepare()

CLIP = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 2},
}
PREPROCESS = {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.3], "interpolation": "bilinear", "resize_mode": "shortest"}


def tiny_clip(folder: Path, seed: int = 0) -> Path:
    """A CLIP of open_clip with its own tokenizer of 49,408 tokens."""
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    torch.manual_seed(seed)
    model = open_clip.CLIP(**CLIP)
    for name, weight in model.named_parameters():  # fresh weights hardly tell one input from another
        if name.endswith("weight") and weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    save_file(model.state_dict(), folder / "open_clip_model.safetensors")
    config = {"model_cfg": CLIP, "preprocess_cfg": PREPROCESS}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    return folder


def tiny_tokenizer() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """Vocabulary and merges of a byte-level BPE that knows every byte."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(["a dog barks loudly and a siren howls"] * 3, trainer)
    model = json.loads(tokenizer.to_str())["model"]
    return model["vocab"], [tuple(pair) for pair in model["merges"]]


def tiny_clap(folder: Path, truncation: str = "rand_trunc", seconds: int = 1) -> Path:
    """A CLAP of transformers; "rand_trunc" as in models without fusion, "fusion" as in those with."""
    import torch
    from transformers import ClapConfig, ClapFeatureExtractor, ClapModel, ClapProcessor, RobertaTokenizer

    torch.manual_seed(0)
    sound = {
        "patch_embeds_hidden_size": 8, "hidden_size": 64, "depths": [1, 1, 1, 1], "num_attention_heads": [1, 2, 4, 8],
        "spec_size": 128, "window_size": 2, "enable_fusion": truncation == "fusion", "fusion_type": "aff_2d",
        "enable_patch_fusion": truncation == "fusion",
    }  # fmt: skip
    text = {
        "vocab_size": 300, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
        "max_position_embeddings": 66,
    }  # fmt: skip
    model = ClapModel(ClapConfig(audio_config=sound, text_config=text, projection_dim=16))
    for name, weight in model.named_parameters():
        if weight.ndim > 1 and "relative" not in name:
            torch.nn.init.normal_(weight, std=0.2)
    model.save_pretrained(folder)
    vocabulary, merges = tiny_tokenizer()
    tokenizer = RobertaTokenizer(vocab=vocabulary, merges=merges, model_max_length=64)
    front = ClapFeatureExtractor(truncation=truncation, max_length_s=seconds)
    ClapProcessor(front, tokenizer).save_pretrained(folder)
    return folder


def tiny_bert(folder: Path, labels: int = 0) -> Path:
    """A BERT of transformers that spells its words; with `labels`, one that classifies pairs."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel, BertTokenizer

    torch.manual_seed(0)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{one}" for one in letters), *":?,."]
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    config = BertConfig(vocab_size=len(words), max_position_embeddings=64, num_labels=labels or 2, **sizes)
    model = BertForSequenceClassification(config) if labels else BertModel(config)
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    BertTokenizer(vocab={word: i for i, word in enumerate(words)}, model_max_length=64).save_pretrained(folder)
    return folder


def tiny_hf_clip(folder: Path) -> Path:
    """A CLIP of transformers, as sentence-transformers loads them."""
    import torch
    from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor, CLIPTokenizer

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    vocabulary, merges = tiny_tokenizer()
    text = {**sizes, "vocab_size": 300, "max_position_embeddings": 64, "bos_token_id": 0, "eos_token_id": 2}
    model = CLIPModel(
        CLIPConfig(text_config=text, vision_config={**sizes, "image_size": 32, "patch_size": 8}, projection_dim=16)
    )
    for weight in model.parameters():
        if weight.ndim > 1:
            torch.nn.init.normal_(weight, std=0.3)
    model.save_pretrained(folder)
    tokenizer = CLIPTokenizer(
        vocab=vocabulary,
        merges=merges,
        model_max_length=64,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
    )
    size = {"size": {"shortest_edge": 32}, "crop_size": {"height": 32, "width": 32}}
    CLIPProcessor(CLIPImageProcessorPil(**size), tokenizer).save_pretrained(folder)
    return folder
