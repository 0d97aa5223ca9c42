"""Tiny encoders with random weights, and a data root that has them."""

import json

import numpy as np
import torch

from bench.datasets.real.digits import Digits

WORDS = ["free", "win", "cash", "now", "home", "soon", "mum", "lunch", "{", "the"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
SMALL |= {"intermediate_size": 24}
EYES = {"image_size": 8, "patch_size": 4, "num_channels": 3}


def save_encoders(folder):
    """Save one encoder of texts, two of images, and one of both."""
    import transformers

    reader = transformers.BertConfig(vocab_size=14, max_position_embeddings=64, **SMALL)
    conv = transformers.ResNetConfig(
        num_channels=3, embedding_size=8, hidden_sizes=[8, 12], depths=[1, 1], layer_type="basic"
    )
    both = transformers.CLIPConfig(
        text_config={"vocab_size": 14, "max_position_embeddings": 64, "eos_token_id": 3, **SMALL},
        vision_config={**EYES, **SMALL},
    )
    configs = {
        "reader": reader,
        "viewer": transformers.ViTConfig(**EYES, **SMALL),
        "conv": conv,
        "both": both,
    }
    for name, config in configs.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            transformers.AutoModel.from_config(config).save_pretrained(folder / name)
    for name in ("reader", "both"):
        save_tokenizer(folder / name)
    told = {"size": {"height": 8, "width": 8}, "image_mean": [0.5] * 3, "image_std": [0.25] * 3}
    (folder / "viewer" / "preprocessor_config.json").write_text(json.dumps(told))


def save_tokenizer(folder):
    import transformers
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    names = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *WORDS]
    raw = Tokenizer(models.WordLevel({n: i for i, n in enumerate(names)}, unk_token="[UNK]"))
    raw.pre_tokenizer = pre_tokenizers.Whitespace()
    raw.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=64,
    ).save_pretrained(folder)


def save_data(folder):
    """Save a file of texts, and one of images."""
    rng = np.random.default_rng(0)
    lines = ["text,label"]
    for k in range(120):
        own = WORDS[:4] if k % 2 else WORDS[4:8]
        lines.append(" ".join(rng.choice([*own, "the", "zebra"], 6)) + f",{k % 2}")
    (folder / "texts.csv").write_text("\n".join(lines))
    digits, few = Digits().split(rng), slice(300)
    np.savez(folder / "arrays.npz", x=digits.x[few], y=digits.y[few])
