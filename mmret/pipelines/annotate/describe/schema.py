"""The annotation of a clip. Its parts are those that the OmniCVR paper names; their wording is ours.

Nothing has a default, so that a model must answer each point. What there is not is an empty text or list. The
descriptions go to the model with the schema.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from ..records import Record

Source = Literal["human", "animal", "nature", "thing", "ambiguous", "surroundings"]
"""Top of AudioSet's hierarchy of sounds (Gemmeke et al. 2017), music apart, which stands by itself."""
When = Literal["throughout", "at the beginning", "in the middle", "at the end", "now and then"]


class Seen(Record):
    """What can be seen."""

    scene: str = Field(description="Place, light, weather, time of day.")
    objects: list[str] = Field(description="People, animals and things, with number, colour and look.")
    action: str = Field(description="What happens, in its order.")
    camera: str = Field(description="Shot size, angle and movement.")
    text: list[str] = Field(description="Text on the screen, word by word.")


class Speech(Record):
    """What is said and how."""

    content: str = Field(description="What is said, word by word where it can be understood.")
    language: str = Field(description="Its language in English, such as French.")
    voice: list[str] = Field(description="How it is said: who speaks, feeling, tone, pace, loudness, accent.")


class Sound(Record):
    """A sound that is neither speech nor music."""

    source: Source = Field(description="Kind of its source.")
    name: str = Field(description="The sound, such as a dog barking.")
    when: When = Field(description="When it is heard.")


class Heard(Record):
    """What can be heard."""

    speech: Speech
    music: str = Field(description="Genre, instruments, mood, tempo.")
    sounds: list[Sound] = Field(description="All other sounds, the loudest first.")
    course: str = Field(description="How the sound changes over time.")


class Annotation(Record):
    """What is seen and heard in a clip."""

    seen: Seen
    heard: Heard

    @property
    def empty(self) -> bool:
        """Nothing is described at all."""
        seen, heard = self.seen, self.heard
        said = (seen.scene, seen.action, heard.speech.content, heard.music, *seen.objects, *seen.text)
        return not heard.sounds and not any(text.strip() for text in said)
