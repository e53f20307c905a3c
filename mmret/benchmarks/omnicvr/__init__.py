"""OmniCVR (ICLR 2026) as it is published: composed video retrieval with sound, in two public layouts."""

from .read import read_omnicvr
from .releases import OMNICVR, Release

__all__ = ["OMNICVR", "Release", "read_omnicvr"]
