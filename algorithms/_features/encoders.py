"""Pretrained encoders: from images and texts to features, each row encoded once."""

import functools
import hashlib
import importlib.util
import inspect
import json
import os
import sys
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from algorithms._features.cache import Kept
from algorithms.base import Array, Words
from algorithms.runtime.paths import VARIABLE, Absent, cache, digest, root
from algorithms.runtime.threads import one_thread

Pooling = Literal["mean", "first"]
#: What an encoder is read from: no pickles.
KINDS = (".json", ".txt", ".model", ".safetensors")
#: Rows that are encoded before the next are looked up, and how many a process keeps at hand.
AT_ONCE, MOST = 256, 250_000
#: Stands for a token whose word nobody knows; encoders take it for an unknown one.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def located(name: str) -> tuple[Path, ...]:
    """The files of an encoder: in a folder of the data root, or in the hub's cache.

    Nothing is ever fetched.

    Raises:
        Absent: If it, or the library that reads it, is not there.
    """
    if importlib.util.find_spec("transformers") is None:
        raise Absent(
            "pretrained encoders need the library transformers: "
            "pip install 'collective-bench[text]' (or [vision], which is the same)"
        )
    folder = root() / name
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(name, local_files_only=True))
        except (OSError, ValueError):
            raise Absent(
                f"the encoder {name!r} is not at hand: looked for the folder {folder} and in the "
                f"hub's cache. `hf download {name}` gets it where there is a network; --data DIR "
                f"or {VARIABLE} names another folder"
            ) from None
    files = tuple(p for p in sorted(folder.iterdir()) if p.suffix in KINDS and p.is_file())
    for what in ("config.json", ".safetensors"):
        if not any(path.name.endswith(what) for path in files):
            raise Absent(
                f"the encoder in {folder} has no {what.replace('.s', '*.s')}; weights in other "
                "formats are not read, since reading them may run what they say"
            )
    return files


class Encoder:
    """A pretrained network without its head, which is loaded when there is something to encode.

    Arguments:
        files: What it is read from, all in one folder.
        pooling: What of all tokens or places is its feature: their mean, or the first.
    """

    def __init__(self, files: tuple[Path, ...], pooling: Pooling) -> None:
        self.folder, self.pooling = files[0].parent, pooling
        self.known: dict[bytes, Array] = {}
        self.towers: dict[bool, Any] = {}
        told = [*(f"{path.name} {digest(path)}" for path in files), pooling]
        # Another library, or other code, may make other features of the same files.
        told += [
            torch.__version__,
            version("transformers"),
            inspect.getsource(sys.modules[__name__]),
        ]
        key = hashlib.sha256("\n".join(told).encode()).hexdigest()[:16]
        self.kept = Kept(cache() / f"features-{key}.sqlite")

    def __call__(self, x: Array, words: Words | None) -> Array:
        """Features (m, F) of m points, of length one each; texts come with their words."""
        made: Sequence[Array | str] = images(x) if words is None else texts(x, words)
        keys = [_key(one) for one in made]
        if len(self.known) > MOST:
            self.known.clear()
        lacking = {key: one for key, one in zip(keys, made, strict=True) if key not in self.known}
        order = list(lacking)
        # Processes begin at different places, so that each finds what others have done.
        start = os.getpid() * AT_ONCE % max(len(order), 1)
        order = order[start:] + order[:start]
        # As in trials: cached features must not depend on the number of threads.
        with one_thread():
            for i in range(0, len(order), AT_ONCE):
                part = order[i : i + AT_ONCE]
                found = self.kept.get(part)
                fresh = {key: self.encode(lacking[key]) for key in part if key not in found}
                if fresh:
                    self.kept.put(fresh)
                self.known |= found | fresh
        return np.stack([self.known[key] for key in keys])

    @torch.no_grad()
    def encode(self, one: Array | str) -> Array:
        """The features (F,) of one image or text.

        It is encoded alone: sums in a batch depend on its shape, to the last digits.
        """
        tower = self.tower(isinstance(one, str))
        if isinstance(one, str):
            seen = getattr(self.config, "text_config", self.config)
            # Some count their positions from two on.
            most = getattr(seen, "max_position_embeddings", None) or 514
            most = min(most - 2, self.tokenizer.model_max_length)
            ids = self.tokenizer(one, truncation=True, max_length=most)["input_ids"]
            given = torch.tensor([ids or [self.tokenizer.unk_token_id or 0]])
            hidden = tower(input_ids=given, attention_mask=torch.ones_like(given))
        else:
            hidden = tower(pixel_values=self.pixels(one))
        places = hidden.last_hidden_state[0]
        # Tokens are rows; places of a convolution are columns behind its channels.
        places = places if places.ndim == 2 else places.flatten(1).T
        feature = places.mean(0) if self.pooling == "mean" else places[0]
        return (feature / feature.norm().clamp_min(1e-12)).numpy()

    @cached_property
    def config(self) -> Any:
        """What the encoder says of itself."""
        return self._load("AutoConfig")

    @cached_property
    def tokenizer(self) -> Any:
        """From a text to its tokens."""
        return self._load("AutoTokenizer")

    def tower(self, reads: bool) -> Any:
        """The part of the network that reads texts, or sees images."""
        if reads not in self.towers:
            self.towers[reads] = self._tower(reads)
        return self.towers[reads]

    def _tower(self, reads: bool) -> Any:
        own, sign = ("text", "vocab_size") if reads else ("vision", "num_channels")
        two = hasattr(self.config, f"{own}_config")
        if not (two or hasattr(self.config, sign)):
            what = "images, and these points are texts" if reads else "texts, and these are none"
            raise ValueError(f"the encoder in {self.folder} takes {what}")
        model, told = self._load(
            "AutoModel", use_safetensors=True, output_loading_info=True, dtype=torch.float32
        )
        # Networks often have a head on top, of which nothing is used here.
        lacking = sorted(name for name in told["missing_keys"] if "pooler" not in name)
        if lacking:
            raise ValueError(
                f"the encoder in {self.folder} lacks {len(lacking)} weights, {lacking[0]} first"
            )
        model.eval()
        if getattr(self.config, "is_encoder_decoder", False):
            model = model.get_encoder()
        return getattr(model, f"{own}_model") if two else model

    def _load(self, kind: str, **options: Any) -> Any:
        """What transformers makes of the folder, without network, pickles or code in it."""
        import transformers

        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        try:
            # What is lacking in the file is drawn at random, though it is not used.
            with torch.random.fork_rng(devices=[]):
                return getattr(transformers, kind).from_pretrained(
                    self.folder, local_files_only=True, trust_remote_code=False, **options
                )
        except Exception as error:
            text = str(error).strip().partition("\n")[0]
            raise ValueError(f"the encoder in {self.folder} cannot be read: {text}") from error

    def pixels(self, image: Array) -> Tensor:
        """An image (c, h, w) from 0 to 1 as the encoder was trained to see it, (1, c, h, w)."""
        seen = getattr(self.config, "vision_config", self.config)
        file = self.folder / "preprocessor_config.json"
        told = json.loads(file.read_text()) if file.is_file() else {}
        channels = seen.num_channels
        if len(image) not in (1, channels):
            raise ValueError(
                f"the encoder in {self.folder} takes images of {channels} channels, given "
                f"{len(image)}"
            )
        x = torch.tensor(image).expand(channels, -1, -1)[None]
        size = told.get("crop_size") or told.get("size") or getattr(seen, "image_size", None)
        if isinstance(size, dict):
            size = size.get("height") or size.get("shortest_edge")
        if size:
            shape = (size, size) if isinstance(size, int) else tuple(size)
            x = interpolate(x, shape, mode="bilinear", antialias=True)
        if not told.get("do_normalize", True) or "image_mean" not in told:
            return x
        mean, std = (torch.tensor(told[f"image_{n}"]).view(-1, 1, 1) for n in ("mean", "std"))
        return (x - mean) / std


@functools.cache
def encoder(files: tuple[Path, ...], pooling: Pooling) -> Encoder:
    """An encoder, once a process."""
    return Encoder(files, pooling)


def images(x: Array) -> list[Array]:
    """Points as images, one by one."""
    if x.ndim != 4:
        raise ValueError(f"it takes images (channels, height, width), given points {x.shape[1:]}")
    return list(x.astype(np.float32, copy=False))


def texts(x: Array, words: Words) -> list[str]:
    """Rows of token numbers as texts: their words, with a space between two.

    Example:
        >>> texts(np.float32([[7, 9, 0], [9, 3, 9]]), {7: "free", 9: "!"}) == [
        ...     "free !", f"! {UNKNOWN} !"]
        True
    """
    rows = x.astype(np.int64).reshape(len(x), int(np.prod(x.shape[1:]))).tolist()
    return [" ".join(words.get(number, UNKNOWN) for number in row if number) for row in rows]


def _key(one: Array | str) -> bytes:
    raw = one.encode() if isinstance(one, str) else repr(one.shape).encode() + one.tobytes()
    return hashlib.blake2b(raw, digest_size=16).digest()
