"""The stand-ins for compiled parts are made once, whichever thread needs them first."""

from __future__ import annotations

import subprocess
import sys

RUN = """
import threading
import torch
from mmret import cpu_torch
together, failed = threading.Barrier(8), []
def run():
    together.wait()
    try:
        cpu_torch.prepare()
    except Exception as error:
        failed.append(error)
threads = [threading.Thread(target=run) for _ in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
assert not failed, failed
import torchvision
"""


def test_threads_may_prepare_at_once() -> None:
    subprocess.run([sys.executable, "-c", RUN], check=True, timeout=120)
