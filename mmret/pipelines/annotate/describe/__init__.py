"""What is seen and heard in each clip, in a typed form: by a model at a server, by one here, or by trained tags."""

from .schema import Annotation, Heard, Seen, Sound, Speech
from .stage import describe_project

__all__ = ["Annotation", "Heard", "Seen", "Sound", "Speech", "describe_project"]
