"""What `mmret doctor` finds on a machine: packages, programs, processors, memory and folders."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from subprocess import DEVNULL, PIPE
from typing import TYPE_CHECKING

from ..paths import cache_folder, data_folder

if TYPE_CHECKING:
    from packaging.requirements import Requirement

SECONDS_TO_COUNT = 0.4
"""For the size of a folder, which may hold more files than anybody wants to wait for."""
SECONDS_FOR_TORCH = 30
FONTS = {
    "Liberation Sans": "fonts-liberation",
    "Noto Sans CJK SC": "fonts-noto-cjk",
    "Noto Naskh Arabic": "fonts-noto-core",
    "Noto Color Emoji": "fonts-noto-color-emoji",
}
"""Families that tables are drawn with, and the packages of Debian that hold them."""
_ASK_TORCH = """
import torch
for number in range(torch.cuda.device_count()):
    gpu = torch.cuda.get_device_properties(number)
    print(f"{gpu.name}, {gpu.total_memory / 1e9:.1f} GB")
if torch.backends.mps.is_available():
    print("mps")
"""


@dataclass(frozen=True)
class Finding:
    """What was found under a name, in words.

    Parameters
    ----------
    found: what there is.
    good: whether nothing is missing of what the name promises.
    mend: what helps where something is, a command for the most part.
    """

    found: str
    good: bool = True
    mend: str = ""


def python() -> dict[str, Finding]:
    """mmret, Python and torch."""
    return {
        "mmret": Finding(f"{version('mmret')}, {Path(__file__).parents[1]}"),
        "python": Finding(f"{platform.python_version()}, {sys.executable}, {platform.platform()}"),
        "torch": _torch(),
    }


def _torch() -> Finding:
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return Finding("not there", False, "pip install torch")
    build = run_path(str(Path(spec.origin).with_name("version.py")))  # to import torch takes seconds
    kind = next((f"{name} {build[key]}" for key, name in (("cuda", "CUDA"), ("hip", "ROCm")) if build.get(key)), "CPU")
    return Finding(f"{build['__version__']}, for {kind}")


def extras() -> dict[str, Finding]:
    """What mmret itself and each of its extras need."""
    return {name or "core": _extra(name) for name in ("", *metadata("mmret").get_all("Provides-Extra", []))}


def _extra(name: str) -> Finding:
    from packaging.requirements import Requirement

    needed = map(Requirement, metadata("mmret").get_all("Requires-Dist", []))
    mine = [one for one in needed if _applies(one, name) and not (name and _applies(one, ""))]
    lacking = list(filter(None, map(_lack, mine)))
    if not lacking:
        return Finding("complete")
    return Finding(
        f"lacks {', '.join(lacking)}", False, f"pip install 'mmret[{name}]'" if name else "pip install mmret"
    )


def _applies(requirement: Requirement, extra: str) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": extra})


def _lack(requirement: Requirement) -> str:
    """The package if it is not there, or not in a version that will do; empty if all is well."""
    try:
        here = version(requirement.name)
    except PackageNotFoundError:
        return requirement.name
    if requirement.specifier.contains(here, prereleases=True):
        return ""
    return f"{requirement.name}{requirement.specifier} (here: {here})"


def programs() -> dict[str, Finding]:
    """What is no package of Python: programs, a library and fonts."""
    from ..pipelines.render.chromium import NAMES

    servers = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    pango = find_library("pangoft2-1.0")
    fonts = _families()
    missing = [package for family, package in FONTS.items() if family not in fonts]
    return {
        "chromium": _program(*map(shutil.which, NAMES), what="draws tables", package="chromium"),
        "pdftoppm": _program(shutil.which("pdftoppm"), what="draws PDF pages", package="poppler-utils"),
        "tesseract": _program(shutil.which("tesseract"), what="reads pictures", package="tesseract-ocr"),
        "pango": _program(pango, what="draws tables without a browser", package="libpangoft2-1.0-0"),
        "fonts": Finding(
            f"{len(fonts)} families"
            + (f", but not {', '.join(name for name in FONTS if name not in fonts)}" if missing else ""),
            not missing,
            f"apt-get install {' '.join(missing)}" if missing else "",
        ),
        "postgres": _program(
            *servers, shutil.which("postgres"), what="for tests, and large boards", package="postgresql"
        ),
    }


def _program(*paths: str | None, what: str, package: str) -> Finding:
    found = next(filter(None, paths), None)
    if found:
        return Finding(f"{found} ({what})")
    return Finding(f"not there ({what})", False, f"apt-get install {package}")


def _families() -> set[str]:
    """Names of all families that fontconfig knows."""
    if shutil.which("fc-list") is None:
        return set()
    listed = subprocess.run(["fc-list", ":", "family"], capture_output=True, text=True, check=False).stdout
    return {name.strip() for line in listed.splitlines() for name in line.split(",")}


def ask_torch() -> subprocess.Popen[str] | None:
    """Begin to ask torch for graphics processors, in a process of its own; None where nothing hints at one."""
    apple = (sys.platform, platform.machine()) == ("darwin", "arm64")
    if not apple and shutil.which("nvidia-smi") is None and not Path("/dev/kfd").exists():
        return None
    return subprocess.Popen([sys.executable, "-c", _ASK_TORCH], stdout=PIPE, stderr=DEVNULL, text=True)


def machine(asked: subprocess.Popen[str] | None) -> dict[str, Finding]:
    """Cores, memory and graphics processors; `asked` is what `ask_torch` began."""
    return {"cores": Finding(str(os.cpu_count())), "memory": Finding(_gb(_memory())), "gpu": _gpus(asked)}


def _memory() -> int:
    """Bytes of the machine, or of the container where one has a limit."""
    limit = Path("/sys/fs/cgroup/memory.max")
    said = limit.read_text().strip() if limit.is_file() else "max"
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min(whole, int(said)) if said.isdecimal() else whole


def _gpus(asked: subprocess.Popen[str] | None) -> Finding:
    if asked is None:
        return Finding("none: models run on the CPU")
    with asked:
        try:
            found = asked.communicate(timeout=SECONDS_FOR_TORCH)[0].splitlines()
        except subprocess.TimeoutExpired:
            asked.kill()
            return Finding(f"torch did not say within {SECONDS_FOR_TORCH} s", False, "see whether nvidia-smi answers")
    if found:
        return Finding("; ".join(found))
    return Finding("there seems to be one that torch cannot use", False, "install a build of torch for its driver")


def folders() -> dict[str, Finding]:
    """What mmret and the Hub keep, and the space that is left."""
    from huggingface_hub.constants import HF_HUB_CACHE

    places = {"cache": cache_folder(), "data": data_folder(), "hub": Path(HF_HUB_CACHE)}
    return {name: _folder(place) for name, place in places.items()}


def _folder(folder: Path) -> Finding:
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = f"{_gb(shutil.disk_usage(there).free)} free"
    if there != folder:
        return Finding(f"{folder}: not there yet, {free}")
    if not os.access(folder, os.W_OK):
        return Finding(f"{folder}: cannot be written to, {free}", False, "name another folder")
    return Finding(f"{folder}: {_size(folder)}, {free}")


def _size(folder: Path) -> str:
    """What the files of a folder take, as far as they can be counted in the time."""
    size, end = 0, time.monotonic() + SECONDS_TO_COUNT
    for parent, _, names in os.walk(folder):
        if time.monotonic() > end:
            return f"more than {_gb(size)}"
        for name in names:
            with suppress(OSError):  # it may have gone meanwhile
                size += os.lstat(f"{parent}/{name}").st_size
    return _gb(size)


def _gb(size: int) -> str:
    return f"{size / 1e9:,.2f} GB"
