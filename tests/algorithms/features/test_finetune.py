"""Heads on pretrained encoders: features against transformers' own, each row encoded once."""

import importlib.util
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from algorithms._features import encoders as encoding
from algorithms._features.encoders import Encoder, texts
from algorithms.base import Rows, TrainingSet
from algorithms.erm import ERM
from algorithms.finetune import Finetune
from algorithms.hashed_bag import HashedBag
from algorithms.networks import MLP, Linear
from algorithms.runtime.paths import CACHE_VARIABLE, Absent
from bench.contract import checks_for
from bench.core.errors import BenchError, Missing
from bench.core.random_streams import stream
from bench.datasets.real.digits import Digits
from bench.datasets.real.npz_file import Npz
from bench.datasets.real.text_file import TextFile
from bench.datasets.real.tokens import number
from bench.datasets.synthetic.coins import Coins
from bench.experiment.run import run_trials
from bench.experiment.setup import build_training_set
from bench.experiment.trial import Trial
from bench.records.code_version import _version
from bench.spec.grid import Grid, Part
from bench.spec.parsing import parse
from collectives.idle import Idle
from collectives.planting import FeatureLabel
from collectives.signals.image import Patch

pytestmark = pytest.mark.usefixtures("root")


@pytest.fixture
def encoded(tmp_path, monkeypatch):
    """What the network was run on, with a cache folder that is empty."""
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    seen = []
    encode = Encoder.encode
    monkeypatch.setattr(Encoder, "encode", lambda self, one: seen.append(one) or encode(self, one))
    return seen


TEXTS = TextFile(length=8, every=3)
IMAGES = Npz(mark=Patch(size=2, value=1.0))
#: A head that is trained for fewer epochs than by default, to save time.
HEAD = replace(Finetune().base, epochs=30)
READER, VIEWER = Finetune("reader", base=HEAD), Finetune("viewer", base=HEAD)


def trials(data, learner, sizes=(0.0, 0.2), seeds=2):
    strategy = FeatureLabel().with_defaults(data.signal, data.label)
    return [Trial(data, learner, strategy, a, seed) for seed in range(seeds) for a in sizes]


def told(records):
    return [{k: v for k, v in r.items() if k not in ("seconds", "memory")} for r in records]


# ---- features -----------------------------------------------------------------------------


def test_features_of_texts_are_the_mean_over_tokens(transformers, root):
    given = ["free cash now", "home", "the zebra is soon home"]
    x = np.zeros((3, 8), np.float32)
    for row, text in zip(x, given, strict=True):
        row[: len(text.split())] = [number(word) for word in text.split()]
    words = {number(word): word for text in given for word in text.split()}
    tokenizer = transformers.AutoTokenizer.from_pretrained(root / "reader")
    batch = tokenizer(given, padding=True, return_tensors="pt")
    with torch.no_grad():
        model = transformers.AutoModel.from_pretrained(root / "reader")
        hidden = model(**batch).last_hidden_state
    mask = batch["attention_mask"][..., None]
    mean = ((hidden * mask).sum(1) / mask.sum(1)).numpy()
    first = hidden[:, 0].numpy()
    for learner, expected in ((READER, mean), (replace(READER, pooling="first"), first)):
        expected = expected / np.linalg.norm(expected, axis=1, keepdims=True)
        np.testing.assert_allclose(learner.features(x, words), expected, atol=1e-5)


def test_features_of_images_are_those_of_the_prepared_image(transformers, root):
    x = np.random.default_rng(0).random((3, 1, 8, 8), dtype=np.float32)
    seen = torch.from_numpy((x.repeat(3, axis=1) - 0.5) / 0.25)
    with torch.no_grad():
        model = transformers.AutoModel.from_pretrained(root / "viewer")
        expected = model(pixel_values=seen).last_hidden_state.mean(1).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(VIEWER.features(x), expected, atol=1e-5)


def test_images_of_another_size_are_resized():
    small, large = (np.full((1, 1, n, n), 0.3, np.float32) for n in (8, 28))
    np.testing.assert_allclose(VIEWER.features(small), VIEWER.features(large), atol=1e-5)


def test_a_convolutions_feature_is_the_mean_over_places(transformers, root):
    x = np.random.default_rng(0).random((2, 3, 32, 32), dtype=np.float32)
    with torch.no_grad():
        model = transformers.AutoModel.from_pretrained(root / "conv")
        expected = model(pixel_values=torch.from_numpy(x)).pooler_output.flatten(1).numpy()
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(Finetune("conv").features(x), expected, atol=1e-5)


def test_an_encoder_of_both_reads_texts_and_sees_images():
    both = Finetune("both")
    assert both.features(np.zeros((1, 3, 8, 8), np.float32)).shape == (1, 16)
    assert both.features(np.float32([[number("free"), 0]]), {number("free"): "free"}).shape == (
        1,
        16,
    )


@pytest.mark.parametrize("kind", ["texts", "images"])
def test_features_are_the_same_to_the_bit_alone_and_among_others(kind, tmp_path, monkeypatch):
    data, learner = (TEXTS, READER) if kind == "texts" else (IMAGES, VIEWER)
    split = data.split(stream(0, "data"))
    x = split.x[:12]
    together = learner.features(x, split.words)
    for i in (0, 7, 11):
        encoding.encoder.cache_clear()
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / f"other{i}"))
        np.testing.assert_array_equal(learner.features(x[i : i + 1], split.words)[0], together[i])


def test_the_words_of_texts_come_back_with_the_signals():
    split = TEXTS.split(stream(0, "data"))
    line = (TEXTS.files()[0].read_text().splitlines())[1].split(",")[0]
    assert texts(split.x[:1], split.words) == [line]
    parts = line.split()
    parts[2] = parts[5] = "{"
    assert texts(TEXTS.signal(split.x[:1]), split.words) == [" ".join(parts)]


# ---- trials -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "learner"),
    [
        (TEXTS, READER),
        (IMAGES, VIEWER),
        (TEXTS, Finetune("reader", base=ERM(network=MLP((8,)), learning_rate=0.5))),
    ],
    ids=["text", "image", "perceptron"],
)
def test_a_trial_from_end_to_end(data, learner):
    alone, among = run_trials(trials(data, learner, seeds=1))
    assert alone["error"] is None
    assert among["error"] is None
    assert alone["accuracy"] > 0.7
    assert among["success"] > alone["success"] + 0.3


def test_every_row_is_encoded_once_and_never_again(encoded):
    mine = trials(TEXTS, READER)
    first = run_trials(mine)
    assert 120 < len(encoded) == len(set(encoded))
    # Another head, in another process as it were, finds all in the file.
    del encoded[:]
    encoding.encoder.cache_clear()
    again, other = (
        run_trials(mine),
        run_trials(trials(TEXTS, replace(READER, base=replace(HEAD, learning_rate=0.5)))),
    )
    assert encoded == []
    assert told(first) == told(again) != told(other)


def test_only_what_members_changed_is_encoded_in_addition(encoded):
    run_trials(trials(TEXTS, READER, sizes=(0.0,), seeds=1))
    before = len(encoded)
    run_trials(trials(TEXTS, READER, sizes=(0.05,), seeds=1))
    members = round(0.05 * len(TEXTS.split(stream(0, "data")).train))
    assert 0 < len(encoded) - before <= members


def test_trials_are_the_same_alone_and_together(tmp_path, monkeypatch):
    mine = trials(TEXTS, READER)[:3:2]
    together = told(run_trials(mine))
    assert [record["error"] for record in together] == [None, None]
    for i, trial in enumerate(mine):
        encoding.encoder.cache_clear()
        monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / f"own{i}"))
        assert told(run_trials([trial])) == [together[i]]


@pytest.mark.parametrize("check", checks_for(VIEWER), ids=lambda check: check.__name__)
def test_the_contract_with_an_encoder_that_is_there(check):
    check(VIEWER)


@pytest.mark.parametrize("learner", [READER, HashedBag()])
def test_parts_of_a_sample_keep_their_words(learner):
    split = TEXTS.split(stream(0, "data"))
    trial = Trial(TEXTS, learner, Idle(TEXTS.signal, TEXTS.label), 0.0, 0)
    sample, _ = build_training_set(trial, split, split.train)
    assert sample.take(np.arange(5)).rows.words is sample.rows.words is split.words


def test_a_cache_that_cannot_be_used_is_done_without(tmp_path, monkeypatch, encoded):
    x = Digits().split(stream(0, "data")).x[:3]
    before = VIEWER.features(x)
    (file,) = (tmp_path / "cache").glob("features-*.sqlite")
    file.write_bytes(b"no database" * 200)
    for where in (tmp_path / "cache", file):
        monkeypatch.setenv(CACHE_VARIABLE, str(where))
        encoding.encoder.cache_clear()
        np.testing.assert_array_equal(VIEWER.features(x), before)
    assert len(encoded) == 9


def test_the_version_tells_other_weights(root):
    before = _version(Finetune("viewer"))
    assert before == _version(Finetune("viewer"))
    with (root / "viewer" / "config.json").open("a") as file:
        file.write("\n")
    assert before != _version(Finetune("viewer"))


# ---- what cannot be used ------------------------------------------------------------------


def test_without_the_extra_the_command_is_named(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "transformers" else find(name)
    )
    with pytest.raises(Absent, match=r"pip install 'collective-bench\[text\]'"):
        READER.files()


def test_an_encoder_that_is_not_there_is_named_with_the_command(bench, root):
    said = bench("run", "quick", "--learners", "Finetune(encoder='me/none')", "--jobs", "0")
    assert said.code == 2
    assert f"neither the folder {root / 'me' / 'none'}" in said.line
    assert "`hf download me/none`" in said.line
    with pytest.raises(Missing, match="hf download"):
        Grid(
            "one", (Part(("Coins",), ("HashedBag(base=Finetune(encoder='me/none'))",)),)
        ).check_files_and_labels()


def test_of_all_learners_one_without_its_encoder_is_left_out():
    (part,) = Grid("all", (Part(("Coins",), ("*",)),)).written_out().parts
    assert not [text for text in part.learners if text.startswith("Finetune")]


@pytest.mark.parametrize("name", ["/abs", "../up", "a\\b", "c:d", ""])
def test_an_encoder_is_no_path_of_a_machine(name):
    with pytest.raises(BenchError, match="neither a name on the hub nor a folder relative to"):
        parse(f"Finetune(encoder={name!r})", "learners")


def test_weights_that_may_run_code_are_not_read(root):
    torch.save({}, root / "viewer" / "pytorch_model.bin")
    (root / "viewer" / "model.safetensors").unlink()
    with pytest.raises(Absent, match=r"has no \*\.safetensors; weights in other formats"):
        VIEWER.files()


@pytest.mark.parametrize(
    ("data", "learner", "says"),
    [
        (Digits(), READER, "takes texts, and these are none"),
        (TEXTS, VIEWER, "takes images, and these points are texts"),
        (
            Coins(n=40, n_test=40),
            VIEWER,
            r"takes images \(channels, height, width\), given points",
        ),
    ],
)
def test_an_encoder_of_another_kind_is_a_failure_with_its_reason(data, learner, says):
    (record,) = run_trials(trials(data, learner, sizes=(0.0,), seeds=1))
    assert record["status"] == "failed"
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(record["error"])


def test_images_of_other_channels_are_refused():
    with pytest.raises(ValueError, match="images of 3 channels, given 2"):
        VIEWER.features(np.zeros((1, 2, 8, 8), np.float32))


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("model.safetensors", b"cut", "cannot be read"),
        ("config.json", b"{", "cannot be read"),
        ("config.json", b'{"model_type": "nobody"}', "cannot be read"),
    ],
)
def test_a_broken_encoder_is_named(root, file, content, says):
    (root / "viewer" / file).write_bytes(content)
    with pytest.raises(ValueError, match=says):
        VIEWER.features(np.zeros((1, 1, 8, 8), np.float32))


def test_weights_of_another_network_are_found_out(root):
    shutil.copy(root / "conv" / "model.safetensors", root / "viewer" / "model.safetensors")
    with pytest.raises(ValueError, match=r"lacks \d+ weights"):
        VIEWER.features(np.zeros((1, 1, 8, 8), np.float32))


def test_a_head_that_is_lacking_is_not_missed_and_no_global_generator_is_used(root, encoded):
    from safetensors.torch import load_file, save_file

    x = IMAGES.split(stream(0, "data")).x[:2]
    before = VIEWER.features(x)
    weights = load_file(root / "viewer" / "model.safetensors")
    kept = {name: w for name, w in weights.items() if "pooler" not in name}
    assert len(kept) < len(weights)
    save_file(kept, root / "viewer" / "model.safetensors", {"format": "pt"})
    encoding.encoder.cache_clear()
    state = torch.get_rng_state()
    np.testing.assert_array_equal(VIEWER.features(x), before)
    assert torch.equal(torch.get_rng_state(), state)
    assert len(encoded) == 4  # other files, other features


def test_the_head_is_the_projects_own_on_those_features():
    split = Digits().split(stream(0, "data"))
    train, test = split.part(split.train[:200]), split.x[split.test]
    sample = TrainingSet(Rows(train.x), train.y, classes=10)
    other = TrainingSet(VIEWER.features(train.x), train.y, classes=10)
    head = ERM(network=Linear(), scaling="none", epochs=30, learning_rate=1.0)
    one = VIEWER.fit(sample, stream(0, "fit")).predict_proba(test)
    np.testing.assert_array_equal(
        one, head.fit(other, stream(0, "fit")).predict_proba(VIEWER.features(test))
    )
