"""What mmret adds to a model's own time, and how busy it keeps a GPU: `python perf/encoders.py [--busy cuda]`.

The first part embeds the same decoded clips through mmret's encoder, with its batches, store and checks, and by calling
the library directly, in turn in one process; the models are of the real classes with random weights, large enough that
a forward pass takes most of the time. The second, for a machine with a CUDA GPU, embeds clips with models of the size
of Qwen2-VL-2B and 7B (random weights, bfloat16), decoding included, while the driver is asked how busy the GPU is.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from mmret import cpu_torch
from mmret.benchmarks import load_benchmark
from mmret.encoders import Encoder, Memory, Options, create_encoder
from mmret.evaluation.embedding import embed_sides
from mmret.evaluation.replica import Replica
from mmret.items import Item
from mmret.media import ClipRequest, Workers, decode
from mmret.meter import Meter

ROOT = Path(__file__).resolve().parents[1]
FRAMES = 4


def clips(count: int) -> list[Item]:
    """So many clips of omnicvr-mini, each once."""
    return [item.keep(["video"]) for item in load_benchmark("omnicvr-mini").documents[:count]]


def made(reference: str, workers: Workers, device: str, dtype: str) -> Replica:
    """A model, loaded."""
    meter, memory = Meter(), Memory()
    options = Options(workers, device=device, dtype=dtype, frames=FRAMES, meter=meter, memory=memory)
    encoder = create_encoder(reference, options)
    assert isinstance(encoder, Encoder)
    return Replica(encoder, workers, meter, memory)


def through_mmret(model: Replica, items: Sequence[Item]) -> float:
    """Seconds to embed and keep the items, without decoding."""
    model.memory.clear()
    before = decoding(model)
    with tempfile.TemporaryDirectory() as cache:
        start = time.perf_counter()
        sides = {"document": items}
        embed_sides(model, sides, Path(cache), batch_size=16, cost_items=0, device="perf", show=False)
        seconds = time.perf_counter() - start
    return seconds - (decoding(model) - before)


def decoding(model: Replica) -> float:
    """Seconds that the model has waited for clips so far."""
    return model.meter.stages["decode"].seconds if "decode" in model.meter.stages else 0.0


def clip_directly(folder: Path, frames: Sequence[np.ndarray]) -> Callable[[], None]:
    """open_clip as its own pages show it, one clip at a time, as mmret does on a CPU."""
    import open_clip
    import torch
    from PIL import Image

    model, _, transform = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    model.eval()

    def run() -> None:
        for clip in frames:
            pixels = torch.stack([transform(Image.fromarray(frame)) for frame in clip])
            with torch.inference_mode():
                vectors = torch.nn.functional.normalize(model.encode_image(pixels), dim=-1)
            vectors.mean(0).numpy()

    return run


def overhead(count: int, rounds: int) -> None:
    """Ratio of mmret's seconds to the library's on the same decoded clips."""
    cpu_torch.prepare()
    import open_clip

    items = clips(count)
    request = ClipRequest(FRAMES, False)
    frames = [decode(item.media[0], request).frames for item in items]
    with tempfile.TemporaryDirectory() as name, Workers(2) as workers:
        folder = Path(name)
        config = {"model_cfg": open_clip.get_model_config("ViT-B-32"), "preprocess_cfg": {}}
        _write_clip(folder, config)
        model = made(f"clip:local-dir:{folder}", workers, "cpu", "float32")
        model.encoder.embed(items[:1], "document")
        directly = clip_directly(folder, frames)
        ours, theirs = [], []
        for _ in range(rounds):
            ours.append(through_mmret(model, items))
            start = time.perf_counter()
            directly()
            theirs.append(time.perf_counter() - start)
    ratio = median(ours) / median(theirs)
    print(f"clip ViT-B-32, {count} clips of {FRAMES} frames, {rounds} rounds, decoding left out")
    print(f"mmret      {median(ours):7.2f} s\nopen_clip  {median(theirs):7.2f} s")
    print(f"overhead   {100 * (ratio - 1):7.1f} %   aim at most 5 %")


def _write_clip(folder: Path, config: dict[str, Any]) -> None:
    import json

    import open_clip
    from safetensors.torch import save_file

    model = open_clip.create_model("ViT-B-32")
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    save_file(
        {name: value.contiguous() for name, value in model.state_dict().items()}, folder / "open_clip_model.safetensors"
    )


ROPE = {"rope_type": "default", "mrope_section": [16, 24, 24], "rope_theta": 1_000_000.0}
EYES = {"depth": 32, "embed_dim": 1280, "num_heads": 16, "mlp_ratio": 4}
QWEN: dict[str, dict[str, int]] = {
    "tiny": {},
    "2B": {"hidden_size": 1536, "num_attention_heads": 12, "intermediate_size": 8960},
    "7B": {"hidden_size": 3584, "num_attention_heads": 28, "intermediate_size": 18944},
}


def build(size: str, folder: Path, device: str, dtype: str) -> None:
    """A Qwen2-VL of that size with random weights; its vocabulary alone is small."""
    sys.path.insert(0, str(ROOT))
    from tests.encoders.tiny_qwen import qwen2vl

    own = QWEN[size]
    heads = {"2B": 2, "7B": 4}
    text = own | {"num_hidden_layers": 28, "num_key_value_heads": heads[size], "rope_parameters": ROPE} if own else None
    seen = EYES | {"hidden_size": own["hidden_size"]} if own else None
    qwen2vl(folder, text=text, seen=seen, dtype=dtype, device=device)


def busy(sizes: Sequence[str], count: int, device: str) -> None:
    """Clips a second with decoding, and, on a CUDA device, the share of time in which it is busy."""
    cpu_torch.prepare()
    import torch

    if device.startswith("cuda") and not (torch.cuda.is_available() and shutil.which("nvidia-smi")):
        sys.exit("no CUDA device here, or no nvidia-smi to ask how busy it is")
    dtype = "bfloat16" if device.startswith("cuda") else "float32"
    items = clips(count)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder, Workers(None) as workers:
            build(size, Path(folder), device, dtype)
            model = made(f"vlm2vec:{folder}", workers, device, dtype)
            model.encoder.embed(items[:4], "document")
            model.memory.clear()
            waited = decoding(model)
            samples: list[float] = []
            done = threading.Event()
            watcher = threading.Thread(target=_watch, args=(samples, done))
            if device.startswith("cuda"):
                watcher.start()
            start = time.perf_counter()
            model.encoder.embed(items, "document")
            seconds = time.perf_counter() - start
            done.set()
            waited = decoding(model) - waited
        told = f", busy {sum(samples) / len(samples):.0f} % of the time, aim at least 90 %" if samples else ""
        print(
            f"vlm2vec {size} on {device}: {count / seconds:.1f} clips/s{told}; {waited:.1f} of {seconds:.1f} s waiting"
        )


def _watch(samples: list[float], done: threading.Event) -> None:
    query = ["nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits"]
    while not done.wait(0.2):
        samples.append(float(subprocess.run(query, capture_output=True, text=True, check=True).stdout.split()[0]))


def main() -> None:
    """Parse and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", metavar="DEVICE", help="how busy this device is kept, in place of the overhead")
    parser.add_argument("--sizes", nargs="+", choices=QWEN, default=["2B", "7B"])
    parser.add_argument("--count", type=int, default=48, help="clips")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if arguments.busy:
        busy(arguments.sizes, arguments.count, arguments.busy)
    else:
        overhead(arguments.count, arguments.rounds)


if __name__ == "__main__":
    main()
