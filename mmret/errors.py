"""What goes wrong, in words for the person who has to mend it.

Every error that mmret expects derives from `MmretError`; the command line prints its message without a traceback and
ends with its `exit_code`. A message names the file, line or id at fault and the way out.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class MmretError(Exception):
    """Base of all expected errors.

    >>> import mmret
    >>> try:
    ...     mmret.load_result("results/of-yesterday")
    ... except mmret.MmretError as error:  # what went wrong, and the way out
    ...     print(error)
    results/of-yesterday/result.json: no such file; is results/of-yesterday the output of `mmret eval`?
    """

    exit_code = 1


class InputError(MmretError):
    """What the user gave is wrong: an option, a name, a path, or the content of a file (exit code 2).

    >>> import mmret
    >>> mmret.load_benchmark("omnicvr-mimi")
    Traceback (most recent call last):
    mmret.errors.InputError: unknown benchmark 'omnicvr-mimi'; did you mean omnicvr-mini...?
    """

    exit_code = 2


class RunError(MmretError):
    """The input was fine and the run failed all the same, as when a model returns NaN (exit code 1).

    >>> import mmret
    >>> clip = mmret.Item("a", video=mmret.Media("gone.mp4"))
    >>> benchmark = mmret.make_benchmark("mine", [mmret.Item("q", text="rain")], [clip], {"q": ["a"]})
    >>> try:
    ...     mmret.evaluate(benchmark, "random")
    ... except mmret.RunError as error:
    ...     print(error)
    mine: no query can be asked, its media are unusable: gone.mp4 (the file is missing)
    """


def unknown_name(kind: str, name: str, known: Iterable[str]) -> InputError:
    """An `InputError` for a name that nobody registered, with the nearest known names."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return InputError(f"unknown {kind} {name!r}; {hint}")


def first_ten(things: Sequence[object]) -> str:
    """The first ten of `things` as text, and how many there are when there are more."""
    shown = ", ".join(str(thing) for thing in things[:10])
    return shown if len(things) <= 10 else f"{shown}, … ({len(things):,} in all)"
