"""Who answers: one interface for all encoders, their names, and the store of their vectors."""

from .base import Encoder, Options, Spec, fingerprint
from .registry import create_encoder, encoders, find_encoder, missing_packages, register_encoder
from .store import VectorStore

__all__ = [
    "Encoder",
    "Options",
    "Spec",
    "VectorStore",
    "create_encoder",
    "encoders",
    "find_encoder",
    "fingerprint",
    "missing_packages",
    "register_encoder",
]
