"""What two annotations do not share, point by point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..describe import Annotation, Sound

MOST = 3  # things of one kind that a change names
WORDS = 6  # of a longer description or quotation


@dataclass(frozen=True)
class Change:
    """What goes and what comes, in words; one of them may be empty."""

    gone: str
    new: str


def seen_changes(source: Annotation, target: Annotation) -> list[Change]:
    """What changes in the picture, the most telling first."""
    one, other = source.seen, target.seen
    return _changes(
        _listed(one.objects, other.objects),
        _told(one.action, other.action),
        _told(one.scene, other.scene),
        _listed(map(_words_read, one.text), map(_words_read, other.text)),
        _told(one.camera, other.camera),
    )


def heard_changes(source: Annotation, target: Annotation) -> list[Change]:
    """What changes in the sound, the most telling first."""
    one, other = source.heard, target.heard
    both = {sound.name.casefold() for sound in one.sounds} & {sound.name.casefold() for sound in other.sounds}
    return _changes(
        _listed((_named(sound, both) for sound in one.sounds), (_named(sound, both) for sound in other.sounds)),
        _listed(_parts_of(one.music), _parts_of(other.music)),
        _told(_said(one.speech.content), _said(other.speech.content)),
        _listed(one.speech.voice, other.speech.voice),
        _told(_spoken(one.speech.language), _spoken(other.speech.language)),
    )


def _changes(*found: Change) -> list[Change]:
    return [change for change in found if change.gone or change.new]


def _listed(one: Iterable[str], other: Iterable[str]) -> Change:
    """Of two lists, what stands in one alone."""
    here, there = ({text.casefold(): text for text in texts if text.strip()} for texts in (one, other))
    gone = [text for name, text in here.items() if name not in there]
    new = [text for name, text in there.items() if name not in here]
    return Change(_joined(gone), _joined(new))


def _told(one: str, other: str) -> Change:
    """Of two descriptions, both where they differ. One that is empty may only be unknown, and is left out."""
    one, other = one.strip(), other.strip()
    return Change("", "") if one.casefold() == other.casefold() else Change(_short(one), _short(other))


def _joined(texts: Sequence[str]) -> str:
    shown = [_short(text) for text in texts[:MOST]]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))


def _short(text: str) -> str:
    words = text.rstrip(" .;,").split()
    return " ".join(words[:WORDS]) + (" …" if len(words) > WORDS else "")


def _parts_of(music: str) -> list[str]:
    return [part.strip() for part in music.split(",")]


def _named(sound: Sound, both: set[str]) -> str:
    """A sound; with its time where both clips have it, because only that can differ."""
    return f"{sound.name} {sound.when}" if sound.name.casefold() in both else sound.name


def _words_read(text: str) -> str:
    return f"the words “{_short(text)}”" if text.strip() else ""


def _said(content: str) -> str:
    return f"“{_short(content)}” being said" if content.strip() else ""


def _spoken(language: str) -> str:
    return f"{language} speech" if language.strip() else ""
