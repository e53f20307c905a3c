"""Where work is done: in this process, in processes beside it, or on a Ray cluster."""

from .base import ATTEMPTS, Executor, Here, as_done, share
from .crews import ENGINES, EngineName, connected, open_crew, open_executor

__all__ = [
    "ATTEMPTS",
    "ENGINES",
    "EngineName",
    "Executor",
    "Here",
    "as_done",
    "connected",
    "open_crew",
    "open_executor",
    "share",
]
