"""Makes the sound streams: spoken sentences, short tunes, recorded samples and synthesised noises.

Every function here returns mono samples as float64 at RATE, roughly within [-1, 1], and gives the same numbers
each time it is called with the same recipe.
"""

from __future__ import annotations

import struct
import subprocess
import tempfile
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

RATE = 48_000
SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")

# Level that all sounds are brought to, measured over the parts that are not silent.
TARGET_RMS = 0.1
PEAK_LIMIT = 0.89

Samples = NDArray[np.float64]

NOTE_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
DRUM_KEYS = {"kick": 36, "snare": 38, "hat": 42, "open": 46, "tom": 45, "lowtom": 41, "hightom": 50, "crash": 49}
DRUM_CHANNEL = 9
TICKS_PER_BEAT = 480


def make_sound(recipe: dict[str, Any], seconds: float, sources: Path) -> Samples:
    """Render one sound of the recipe at exactly the wanted length and at the common level."""
    if "speech" in recipe:
        samples = speak(seconds=seconds, **recipe["speech"])
    elif "tune" in recipe:
        samples = play(seconds=seconds, **recipe["tune"])
    elif "sample" in recipe:
        samples = sample(seconds=seconds, sources=sources, **recipe["sample"])
    else:
        samples = SYNTHS[recipe["synth"]](seconds)
    return set_level(fade_ends(fit(samples, seconds)))


def fit(samples: Samples, seconds: float) -> Samples:
    """Cut at, or fill with silence to, the wanted length."""
    size = round(seconds * RATE)
    return np.pad(samples[:size], (0, max(0, size - len(samples))))


def fade_ends(samples: Samples, seconds: float = 0.02) -> Samples:
    """Ramp the first and last moments so that a cut inside a sound makes no click."""
    size = round(seconds * RATE)
    ramp = np.linspace(0.0, 1.0, size)
    faded = samples.copy()
    faded[:size] *= ramp
    faded[-size:] *= ramp[::-1]
    return faded


def set_level(samples: Samples) -> Samples:
    """Scale to the common loudness; a sound of short hits stays a little below it rather than clip."""
    frame = RATE // 50
    frames = samples[: len(samples) // frame * frame].reshape(-1, frame)
    power = (frames**2).mean(axis=1)
    heard = power > power.max() * 1e-3
    gain = TARGET_RMS / np.sqrt(power[heard].mean())
    return samples * float(min(gain, PEAK_LIMIT / np.abs(samples).max()))


# --- speech -----------------------------------------------------------------------------------------------------


def speak(*, text: str, voice: str, speed: int, pitch: int, seconds: float) -> Samples:
    """Let espeak-ng say the text; refuse a sentence that would be cut off."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        settings = ["-v", voice, "-s", str(speed), "-p", str(pitch)]
        subprocess.run(["espeak-ng", *settings, "-w", str(path), text], check=True)
        spoken = trim_silence(read_audio(path))
    lead = np.zeros(round(0.12 * RATE))
    samples = np.concatenate([lead, spoken])
    if len(samples) > seconds * RATE:
        raise ValueError(f"{len(samples) / RATE:.2f} s of speech do not fit into {seconds} s: {text}")
    return samples


def trim_silence(samples: Samples, threshold: float = 0.01) -> Samples:
    """Drop what is almost silent at both ends."""
    loud = np.flatnonzero(np.abs(samples) > threshold * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1]


# --- tunes ------------------------------------------------------------------------------------------------------


def play(*, notes: str, tempo: float, seconds: float, program: int = 0, velocity: int = 96) -> Samples:
    """Render a tune, repeated as often as the length needs, with fluidsynth.

    ``notes`` is a row of ``pitch+pitch:beats``; pitches are like C4 or F#5, drum names like kick, or r for a rest.
    Drum names are played on the drum channel, where the program is not used.
    """
    events = parse_tune(notes)
    beats = sum(length for _, length in events)
    needed = seconds * tempo / 60
    events *= int(needed // beats) + 1
    with tempfile.TemporaryDirectory() as folder:
        midi, rendered = Path(folder) / "tune.mid", Path(folder) / "tune.wav"
        midi.write_bytes(midi_file(events, tempo, program, velocity))
        # The chorus is off because it only blurs; the reverb gives the short notes a natural end.
        flags = ["-n", "-i", "-q", "-C", "0", "-R", "1", "-r", str(RATE), "-g", "0.6"]
        command = ["fluidsynth", *flags, "-F", str(rendered), str(SOUNDFONT), str(midi)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        samples = read_audio(rendered)
    # fluidsynth starts with a short silence of its own that depends on its buffer size.
    return samples[np.flatnonzero(np.abs(samples) > 1e-3)[0] :]


def parse_tune(notes: str) -> list[tuple[list[tuple[int, bool]], float]]:
    """Turn the written tune into (keys with a mark for drums, length in beats)."""
    events = []
    for token in notes.split():
        names, _, beats = token.partition(":")
        keys = [note_key(name) for name in names.split("+") if name != "r"]
        events.append((keys, float(beats)))
    return events


def note_key(name: str) -> tuple[int, bool]:
    """MIDI key of a note or drum name, and whether it is a drum."""
    if name in DRUM_KEYS:
        return DRUM_KEYS[name], True
    step = NOTE_STEPS[name[0]] + name.count("#") - name[1:].count("b")
    return 12 * (int(name[-1]) + 1) + step, False


def midi_file(events: list[tuple[list[tuple[int, bool]], float]], tempo: float, program: int, velocity: int) -> bytes:
    """Standard MIDI file, format 0, of the parsed tune."""
    messages: list[tuple[int, bytes]] = [(0, bytes([0xC0, program]))]
    now = 0.0
    for keys, beats in events:
        start, end = round(now * TICKS_PER_BEAT), round((now + beats * 0.97) * TICKS_PER_BEAT)
        for key, is_drum in keys:
            channel = DRUM_CHANNEL if is_drum else 0
            messages.append((start, bytes([0x90 | channel, key, velocity])))
            messages.append((end, bytes([0x80 | channel, key, 0])))
        now += beats
    messages.sort(key=lambda message: message[0])
    track = b"\x00\xff\x51\x03" + round(60_000_000 / tempo).to_bytes(3, "big")
    last = 0
    for tick, message in messages:
        track += variable_length(tick - last) + message
        last = tick
    track += b"\x00\xff\x2f\x00"
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, TICKS_PER_BEAT)
    return header + b"MTrk" + struct.pack(">I", len(track)) + track


def variable_length(value: int) -> bytes:
    """MIDI's seven-bits-a-byte number."""
    parts = [value & 0x7F]
    while value := value >> 7:
        parts.append(0x80 | (value & 0x7F))
    return bytes(reversed(parts))


# --- recordings -------------------------------------------------------------------------------------------------


def sample(*, file: str, origin: str, seconds: float, sources: Path, start: float = 0.0, gap: float = 0.0) -> Samples:
    """Take a recording from ``start`` on and repeat it, with a pause between, until the length is filled."""
    recorded = read_audio(sources / origin / file)
    turn = np.concatenate([fade_ends(recorded[round(start * RATE) :]), np.zeros(round(gap * RATE))])
    return np.tile(turn, int(seconds * RATE // len(turn)) + 1)


def read_audio(path: Path) -> Samples:
    """Decode any audio file to mono at RATE."""
    if path.suffix == ".wav":
        with wave.open(str(path)) as reader:
            rate, channels = reader.getframerate(), reader.getnchannels()
            raw = np.frombuffer(reader.readframes(reader.getnframes()), np.int16).reshape(-1, channels)
        mono: Samples = np.asarray(raw.mean(axis=1) / 32768, np.float64)
        return mono if rate == RATE else resample(mono, rate)
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    chunks = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            chunks += [out.to_ndarray()[0] for out in resampler.resample(frame)]
        chunks += [out.to_ndarray()[0] for out in resampler.resample(None)]
    return np.concatenate(chunks).astype(np.float64)


def resample(samples: Samples, rate: int) -> Samples:
    """Bring samples of another rate to RATE."""
    frame = av.AudioFrame.from_ndarray(samples.astype(np.float32)[None, :], format="flt", layout="mono")
    frame.sample_rate = rate
    resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
    chunks = [out.to_ndarray()[0] for source in (frame, None) for out in resampler.resample(source)]
    return np.concatenate(chunks).astype(np.float64)


# --- synthesised noises -----------------------------------------------------------------------------------------


def clock(seconds: float) -> Samples:
    """Seconds of the sound as a time axis."""
    return np.arange(round(seconds * RATE), dtype=np.float64) / RATE


def shaped_noise(seconds: float, seed: int, shape: Callable[[Samples], Samples]) -> Samples:
    """White noise whose spectrum is multiplied by ``shape`` of the frequency in hertz."""
    size = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    pitches = np.fft.rfftfreq(size, 1 / RATE).astype(np.float64)
    shaped = np.fft.irfft(spectrum * shape(pitches), size).astype(np.float64)
    return np.asarray(shaped / np.abs(shaped).max())


def rain(seconds: float) -> Samples:
    """Soft hiss of falling rain under many single drops, each a short pure tone that dies away."""
    hiss = shaped_noise(seconds, 11, lambda f: np.exp(-(((np.log2(np.maximum(f, 1)) - 11) / 2) ** 2)))
    rng = np.random.default_rng(12)
    drops = np.zeros_like(hiss)
    span = np.arange(480) / RATE
    for at in rng.integers(0, len(hiss) - len(span), int(1500 * seconds)):
        tone = np.sin(2 * np.pi * rng.uniform(800, 6000) * span) * np.exp(-span * rng.uniform(300, 1500))
        drops[at : at + len(span)] += tone * rng.uniform(0.05, 0.5) ** 2
    return 0.35 * hiss + drops


def siren(seconds: float) -> Samples:
    """Wailing emergency siren that glides up and down, with echoes of the street."""
    time = clock(seconds)
    pitch = 700 + 450 * (1 - np.cos(2 * np.pi * 0.25 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    dry = np.asarray(sum(np.sin(part * phase) / part**0.8 for part in range(1, 9)))
    wet = dry + 0.045 * np.random.default_rng(61).standard_normal(len(dry))
    for delay, gain in ((0.09, 0.5), (0.17, 0.35), (0.31, 0.25)):
        shift = round(delay * RATE)
        wet[shift:] += gain * dry[:-shift]
    return wet


def telephone(seconds: float) -> Samples:
    """Old bell telephone: two short rings, a pause, and again."""
    time = clock(seconds)
    within = time % 2.0
    ringing = (within < 0.5) | ((within > 0.75) & (within < 1.25))
    strikes = (time * 22) % 1.0
    bell = sum(np.sin(2 * np.pi * f * time) * a for f, a in ((1180, 1.0), (1490, 0.8), (2630, 0.5), (3970, 0.3)))
    gate = np.convolve(ringing.astype(float), np.ones(480) / 480, mode="same")
    return np.asarray(bell * np.exp(-strikes * 2.2) * gate)


def waves(seconds: float) -> Samples:
    """Surf that rolls in and draws back."""
    body = shaped_noise(seconds, 41, lambda f: 1 / (1 + (f / 900) ** 1.5) * (f > 60))
    swell = 0.15 + np.maximum(0, np.sin(2 * np.pi * 0.42 * clock(seconds) - 0.6)) ** 2
    return body * swell


SYNTHS: dict[str, Callable[[float], Samples]] = {
    "rain": rain,
    "siren": siren,
    "telephone": telephone,
    "waves": waves,
}
