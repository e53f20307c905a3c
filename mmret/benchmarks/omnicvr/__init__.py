"""OmniCVR (ICLR 2026) as it is published: composed video retrieval with sound, in two public layouts."""

from .fetch import plan
from .labels import query_id
from .original import NAME
from .read import LAYOUT, read_folder, read_omnicvr
from .releases import OMNICVR, Release
from .unpack import unpack_videos

__all__ = ["LAYOUT", "NAME", "OMNICVR", "Release", "plan", "query_id", "read_folder", "read_omnicvr", "unpack_videos"]
