"""OmniCVR (ICLR 2026) as it is published: composed video retrieval with sound, in two public layouts."""

from .fetch import plan
from .read import read_omnicvr
from .releases import OMNICVR, Release
from .unpack import unpack_videos

__all__ = ["OMNICVR", "Release", "plan", "read_omnicvr", "unpack_videos"]
