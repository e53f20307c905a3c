"""What must change in the source to get the target, in words: by a language model, or composed of the difference."""

from .base import Task
from .checks import faults
from .stage import write_project

__all__ = ["Task", "faults", "write_project"]
