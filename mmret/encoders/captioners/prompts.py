"""What a language model is asked about a sound; the settings that Qwen2-Audio and servers have in common.

The prompt of the paper (OmniCVR, appendix G) is not public. This one asks for what the paper says its captions hold,
and forbids guesses about the picture, as the public attempt at a rerun does; so is its cap of 72 tokens.
"""

from __future__ import annotations

PROMPT = (
    "Describe in detail what can be heard: what is said and how it is said, the sound events, the music with its genre "
    "and mood, how the sounds are layered and how they change over time. Describe only what is audible; "
    "do not guess what may be seen."
)
TOKENS = 72
