from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from mmret.tables import PERTURBATIONS, Perturbation, parse_perturbation

PICTURES = [name for name, way in PERTURBATIONS.items() if way.kind == "picture"]


@pytest.fixture
def page() -> Image.Image:
    """A black frame with a line of text on white, 200 × 120."""
    image = Image.new("RGB", (200, 120), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((10, 10, 189, 109), outline="black", width=2)
    draw.text((30, 50), "Population 12,345", fill="black")
    return image


def apply(text: str, image: Image.Image, seed: int = 0) -> NDArray[np.float64]:
    return np.asarray(parse_perturbation(text).apply(image, seed), np.float64)


@pytest.mark.parametrize("name", PICTURES)
def test_degradation_repeats_and_leaves_the_picture_alone(name: str, page: Image.Image) -> None:
    before = page.tobytes()
    for one in Perturbation.levels(name):
        first, second = one.apply(page, 7), one.apply(page, 7)
        assert first.mode == "RGB"
        assert first.tobytes() == second.tobytes() != before
    assert page.tobytes() == before


@pytest.mark.parametrize("name", ["blur", "jpeg", "noise"])
def test_usual_levels_grow_worse(name: str, page: Image.Image) -> None:
    clean = np.asarray(page, np.float64)
    errors = [np.square(apply(str(one), page) - clean).mean() for one in Perturbation.levels(name)]
    assert errors == sorted(errors)
    assert errors[0] > 0


def test_scale(page: Image.Image) -> None:
    assert apply("scale=0.25", page).shape == (30, 50, 3)
    assert apply("scale=0.01", Image.new("RGB", (20, 5))).shape == (1, 1, 3)


def test_skew_cuts_nothing(page: Image.Image) -> None:
    turned = apply("skew=5", page)
    assert turned.shape[0] > 120
    assert turned.shape[1] > 200
    assert (turned[[0, 0, -1, -1], [0, -1, 0, -1]] == 255).all()
    ink = (255 - np.asarray(page, np.float64)).sum()
    assert (255 - turned).sum() == pytest.approx(ink, rel=0.02)
    assert (255 - apply("skew=-5", page)).sum() == pytest.approx(ink, rel=0.02)


def test_scan_noise_has_grain_and_uneven_light() -> None:
    grey = Image.new("RGB", (400, 300), (128, 128, 128))
    noisy = apply("noise=0.4", grey)
    assert (noisy[..., 0] == noisy[..., 1]).all()
    corners = [noisy[y : y + 75, x : x + 100].mean() for y in (0, 225) for x in (0, 300)]
    assert max(corners) - min(corners) > 3
    assert noisy[:20, :20].std() == pytest.approx(0.25 * 255 * 0.4, rel=0.2)
    assert (noisy != apply("noise=0.4", grey, seed=1)).any()


def test_noise_of_no_strength_is_none(page: Image.Image) -> None:
    assert (apply("noise=0", page) == np.asarray(page)).all()
    assert (apply("blur=0", page) == np.asarray(page)).all()


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_any_picture_mode(name: str, mode: str) -> None:
    assert Perturbation.levels(name)[0].apply(Image.new(mode, (9, 7)), 0).mode == "RGB"


def test_pictures_longer_than_a_jpeg_may_be() -> None:
    tall = Image.new("L", (3, 70_000), 255)
    tall.paste(0, (0, 69_000, 3, 70_000))
    squeezed = apply("jpeg=50", tall)
    assert squeezed.shape == (70_000, 3, 3)
    assert squeezed[:65_000].min() > 250
    assert squeezed[69_500:].max() < 5


def test_noise_does_not_depend_on_how_the_picture_is_worked_on() -> None:
    """The strips of a long picture have no seams: the light varies slowly."""
    tall = apply("noise=0.2", Image.new("L", (40, 4_000), 200))[..., 0]
    means = tall.reshape(40, 100, 40).mean((1, 2))
    assert np.abs(np.diff(means)).max() < 6
