"""What is asked: benchmarks, the layouts they are read from, and their names."""

from .base import Benchmark
from .composed import load_composed
from .ragged import Ragged
from .registry import benchmarks, load_benchmark, register_benchmark

__all__ = ["Benchmark", "Ragged", "benchmarks", "load_benchmark", "load_composed", "register_benchmark"]
