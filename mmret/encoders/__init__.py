"""Who answers: one interface for all encoders, their names, and the store of their vectors."""

from ..vectors import Vectors, VectorSets
from .base import Cuts, Encoder, Memory, Model, Options, PairScorer, Spec, fingerprint
from .registry import (
    checked,
    create_encoder,
    encoders,
    find_encoder,
    lacking,
    missing_packages,
    missing_weights,
    register_encoder,
)
from .store import VectorStore

__all__ = [
    "Cuts",
    "Encoder",
    "Memory",
    "Model",
    "Options",
    "PairScorer",
    "Spec",
    "VectorSets",
    "VectorStore",
    "Vectors",
    "checked",
    "create_encoder",
    "encoders",
    "find_encoder",
    "fingerprint",
    "lacking",
    "missing_packages",
    "missing_weights",
    "register_encoder",
]
