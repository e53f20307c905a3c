"""Files to arrays: inspection, frames, sound and pictures, in worker processes with a time limit."""

from .archives import members
from .decode import SAMPLINGS, Clip, ClipRequest, Reader, decode
from .digests import digest_all
from .loader import ClipLoader
from .preflight import Preflight, Report, inspect
from .sound import resample
from .workers import Fault, Workers, default_workers

__all__ = [
    "SAMPLINGS",
    "Clip",
    "ClipLoader",
    "ClipRequest",
    "Fault",
    "Preflight",
    "Reader",
    "Report",
    "Workers",
    "decode",
    "default_workers",
    "digest_all",
    "inspect",
    "members",
    "resample",
]
