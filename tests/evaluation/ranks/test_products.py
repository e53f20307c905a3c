from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from mmret.evaluation.ranks.products import maxima, product


def whole(random: np.random.Generator, *shape: int) -> np.ndarray:
    """Small integers: every product is exact."""
    return random.integers(-9, 10, shape).astype(np.float32)


@pytest.mark.parametrize("device", ["cpu", "numpy", "torch"])
@pytest.mark.parametrize("edges", [[0, 4, 8, 12], [0, 1, 7, 12], [0, 12]])
def test_products_and_their_maxima(device: str, edges: list[int]) -> None:
    random = np.random.default_rng(0)
    left = whole(random, 11, 6)
    multiply, largest = product(left, device), [maxima(left, device, step) for step in (1, 4, 50)]
    for _ in range(3):
        right = whole(random, 12, 6)
        right.flags.writeable = False
        expected = left @ right.T
        np.testing.assert_array_equal(multiply(right), expected)
        parts = np.stack([part.max(axis=1) for part in np.split(expected, edges[1:-1], axis=1)])
        for one in largest:
            np.testing.assert_array_equal(one(right, edges), parts)
        np.testing.assert_array_equal(multiply(right[:5]), expected[:, :5])


def test_torch_is_not_loaded_for_a_product() -> None:
    script = """
import sys, numpy as np
from mmret.evaluation.ranks.products import product
product(np.ones((3, 2), np.float32), "cpu")(np.ones((4, 2), np.float32))
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", script], check=True)
