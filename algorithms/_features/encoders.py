"""Pretrained encoders: from images and texts to features, which are cached."""

import functools
import hashlib
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
from torch.nn.utils.rnn import pad_sequence

from algorithms._features.cache import FeatureCache
from algorithms.base import Array, Words
from algorithms.runtime.names import is_relative
from algorithms.runtime.paths import VARIABLE, Absent, cache, digest, require_library, root
from algorithms.runtime.threads import one_thread

Pooling = Literal["mean", "first"]
#: The encoder of learners at their defaults, a name on the hub.
DEFAULT = "sentence-transformers/all-MiniLM-L6-v2"
#: The files of an encoder; pickles are not read.
KINDS = (".json", ".txt", ".model", ".safetensors")
#: The number of rows that are looked up in the cache at once.
CHUNK = 256
#: The number of rows whose features a process has in memory.
MAX_ROWS = 250_000
#: The word of a token number without a word; encoders take it for an unknown token.
UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def check_name(name: str) -> None:
    """Check that an encoder is not a path of one machine, since its name is part of keys.

    Raises:
        ValueError: If it is one.
    """
    if not is_relative(name):
        raise ValueError(
            f"encoder={name!r} is neither a name on the hub nor a folder relative to "
            f"the data root, which --data DIR or {VARIABLE} sets"
        )


def located(name: str) -> tuple[Path, ...]:
    """Return the files of an encoder in a folder of the data root or in the hub's cache.

    Nothing is downloaded.

    Raises:
        Absent: If the encoder, or the library that loads it, is not installed.
    """
    require_library("transformers", "text", "a pretrained encoder")
    folder = root() / name
    if not folder.is_dir():
        from huggingface_hub import snapshot_download

        try:
            folder = Path(snapshot_download(name, local_files_only=True))
        except (OSError, ValueError):
            raise Absent(
                f"the encoder {name!r} is neither the folder {folder} nor in the hub's cache. "
                f"`hf download {name}` downloads it; --data DIR or {VARIABLE} sets another data "
                "root"
            ) from None
    files = tuple(p for p in sorted(folder.iterdir()) if p.suffix in KINDS and p.is_file())
    for ending in ("config.json", ".safetensors"):
        if not any(path.name.endswith(ending) for path in files):
            raise Absent(
                f"the encoder in {folder} has no {ending.replace('.s', '*.s')}; weights in other "
                "formats are not read, since loading them may execute code"
            )
    return files


class Encoder:
    """A pretrained network without its head, which is loaded at its first use.

    Arguments:
        files: The encoder's files, all in one folder.
        pooling: The feature is the mean over all tokens or places, or the first one.
    """

    def __init__(self, files: tuple[Path, ...], pooling: Pooling) -> None:
        self.folder, self.pooling = files[0].parent, pooling
        self.features: dict[bytes, Array] = {}
        self.towers: dict[bool, Any] = {}
        identity = [*(f"{path.name} {digest(path)}" for path in files), pooling]
        # Other versions of the libraries or of this code may give other features.
        identity += [
            torch.__version__,
            version("transformers"),
            inspect.getsource(sys.modules[__name__]),
        ]
        key = hashlib.sha256("\n".join(identity).encode()).hexdigest()[:16]
        self.cache = FeatureCache(cache() / f"features-{key}.sqlite")

    def __call__(self, x: Array, words: Words | None) -> Array:
        """Return features (m, F) of m points, each of norm one.

        Arguments:
            x: Images (m, c, h, w), or texts (m, length) as rows of token numbers.
            words: The word of each token number; None for images.
        """
        rows: Sequence[Array | str] = images(x) if words is None else texts(x, words)
        keys = [_key(row) for row in rows]
        if len(self.features) > MAX_ROWS:
            self.features.clear()
        missing = {k: row for k, row in zip(keys, rows, strict=True) if k not in self.features}
        order = list(missing)
        # Processes start at different rows, so that they encode different ones.
        start = os.getpid() * CHUNK % max(len(order), 1)
        order = order[start:] + order[:start]
        # Cached features must not depend on the number of threads.
        with one_thread():
            for i in range(0, len(order), CHUNK):
                part = order[i : i + CHUNK]
                cached = self.cache.get(part)
                encoded = {key: self.encode(missing[key]) for key in part if key not in cached}
                if encoded:
                    self.cache.put(encoded)
                self.features |= cached | encoded
        return np.stack([self.features[key] for key in keys])

    @torch.no_grad()
    def encode(self, one: Array | str) -> Array:
        """Return the features (F,) of one image or text.

        It is encoded alone, since rounding in a batch depends on the batch's shape.
        """
        tower = self.tower(isinstance(one, str))
        inputs = self.inputs([self.tokens(one) if isinstance(one, str) else one])
        hidden = tower(**inputs).last_hidden_state
        (feature,) = pooled(hidden, self.pooling, inputs.get("attention_mask"))
        return (feature / feature.norm().clamp_min(1e-12)).numpy()

    def tokens(self, text: str) -> list[int]:
        """Return the tokens of a text, the first ones of a text that is too long."""
        config = getattr(self.config, "text_config", self.config)
        # Some encoders count positions from two.
        most = getattr(config, "max_position_embeddings", None) or 514
        most = min(most - 2, self.tokenizer.model_max_length)
        ids = self.tokenizer(text, truncation=True, max_length=most)["input_ids"]
        return ids or [self.tokenizer.unk_token_id or 0]

    def inputs(self, rows: Sequence[list[int] | Array]) -> dict[str, Tensor]:
        """Return the network's arguments for a batch of tokens of texts, or of images."""
        if not isinstance(rows[0], list):
            return {"pixel_values": torch.cat([self.pixels(np.asarray(row)) for row in rows])}
        tokens = [torch.tensor(row) for row in rows]
        # Some encoders count the positions of tokens that are not this one.
        padding = self.tokenizer.pad_token_id or 0
        return {
            "input_ids": pad_sequence(tokens, batch_first=True, padding_value=padding),
            "attention_mask": pad_sequence([torch.ones_like(t) for t in tokens], batch_first=True),
        }

    @cached_property
    def config(self) -> Any:
        """The configuration of the encoder."""
        return self._load("AutoConfig")

    @cached_property
    def tokenizer(self) -> Any:
        """The function from a text to its tokens."""
        return self._load("AutoTokenizer")

    def tower(self, text: bool) -> Any:
        """Return the part of the network that encodes texts, or the one that encodes images."""
        if text not in self.towers:
            self.towers[text] = self._load_tower(text)
        return self.towers[text]

    def _load_tower(self, text: bool) -> Any:
        name, field = ("text", "vocab_size") if text else ("vision", "num_channels")
        both = hasattr(self.config, f"{name}_config")
        if not (both or hasattr(self.config, field)):
            kinds = "images, and these points are texts" if text else "texts, and these are none"
            raise ValueError(f"the encoder in {self.folder} takes {kinds}")
        model, report = self._load(
            "AutoModel", use_safetensors=True, output_loading_info=True, dtype=torch.float32
        )
        # The pooler is part of the head, which is not used.
        missing = sorted(name for name in report["missing_keys"] if "pooler" not in name)
        if missing:
            raise ValueError(
                f"the encoder in {self.folder} lacks {len(missing)} weights, {missing[0]} first"
            )
        model.eval()
        if getattr(self.config, "is_encoder_decoder", False):
            model = model.get_encoder()
        return getattr(model, f"{name}_model") if both else model

    def _load(self, kind: str, **options: Any) -> Any:
        """Load an object of transformers from the folder, without pickles or remote code."""
        import transformers

        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        try:
            # Weights that the file lacks are drawn from the global generator, though not used.
            with torch.random.fork_rng(devices=[]):
                return getattr(transformers, kind).from_pretrained(
                    self.folder, local_files_only=True, trust_remote_code=False, **options
                )
        except Exception as error:
            text = str(error).strip().partition("\n")[0]
            raise ValueError(f"the encoder in {self.folder} cannot be read: {text}") from error

    def pixels(self, image: Array) -> Tensor:
        """Return an image (c, h, w) from 0 to 1, resized and normalised, (1, c, h, w)."""
        config = getattr(self.config, "vision_config", self.config)
        file = self.folder / "preprocessor_config.json"
        processor = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
        channels = config.num_channels
        if len(image) not in (1, channels):
            raise ValueError(
                f"the encoder in {self.folder} takes images of {channels} channels, given "
                f"{len(image)}"
            )
        x = torch.tensor(image).expand(channels, -1, -1)[None]
        size = processor.get("crop_size") or processor.get("size")
        size = size or getattr(config, "image_size", None)
        if isinstance(size, dict):
            size = size.get("height") or size.get("shortest_edge")
        if size:
            shape = (size, size) if isinstance(size, int) else tuple(size)
            x = interpolate(x, shape, mode="bilinear", antialias=True)
        if not processor.get("do_normalize", True) or "image_mean" not in processor:
            return x
        mean, std = (torch.tensor(processor[f"image_{n}"]).view(-1, 1, 1) for n in ("mean", "std"))
        return (x - mean) / std


def pooled(hidden: Tensor, pooling: Pooling, mask: Tensor | None) -> Tensor:
    """Return the features (B, F) of a batch.

    Arguments:
        hidden: Vectors of the last layer: of T tokens, (B, T, F), or of places, (B, F, h, w).
        pooling: The feature is the mean over all tokens or places, or the first one.
        mask: One for tokens, and zero for padding behind them, (B, T); None for images.

    Example:
        >>> hidden = torch.tensor([[[1.0], [3.0], [8.0]]])
        >>> pooled(hidden, "mean", torch.tensor([[1, 1, 0]])), pooled(hidden, "first", None)
        (tensor([[2.]]), tensor([[1.]]))
    """
    # Tokens are rows; the places of a convolution follow its channels.
    places = hidden if hidden.ndim == 3 else hidden.flatten(2).mT
    if pooling == "first":
        return places[:, 0]
    if mask is None:
        return places.mean(1)
    return (places * (mask / mask.sum(1, keepdim=True))[..., None]).sum(1)


@functools.cache
def encoder(files: tuple[Path, ...], pooling: Pooling) -> Encoder:
    """Return an encoder, which a process makes once."""
    return Encoder(files, pooling)


def images(x: Array) -> list[Array]:
    """Return points as a list of images."""
    if x.ndim != 4:
        raise ValueError(
            f"the encoder takes images (channels, height, width), given points {x.shape[1:]}"
        )
    return list(x.astype(np.float32, copy=False))


def texts(x: Array, words: Words) -> list[str]:
    """Return rows of token numbers as texts: their words, separated by spaces.

    Example:
        >>> texts(np.float32([[7, 9, 0], [9, 3, 9]]), {7: "free", 9: "!"}) == [
        ...     "free !", f"! {UNKNOWN} !"]
        True
    """
    rows = x.astype(np.int64).reshape(len(x), int(np.prod(x.shape[1:]))).tolist()
    return [" ".join(words.get(number, UNKNOWN) for number in row if number) for row in rows]


def _key(row: Array | str) -> bytes:
    raw = row.encode() if isinstance(row, str) else repr(row.shape).encode() + row.tobytes()
    return hashlib.blake2b(raw, digest_size=16).digest()
