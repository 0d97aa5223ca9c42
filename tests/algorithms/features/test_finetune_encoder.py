"""Encoders that are trained: against plain torch, with all weights and with adapters."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from algorithms import finetune_encoder
from algorithms._features import encoders as encoding
from algorithms.base import TrainingSet
from algorithms.engine.loop import Diverged
from algorithms.finetune import Finetune
from algorithms.finetune_encoder import FinetuneEncoder
from algorithms.rows import Rows
from algorithms.runtime.paths import Absent
from bench.contract import checks_for
from bench.core.errors import BenchError
from bench.core.random_streams import stream
from bench.datasets.real.text_file import TextFile
from bench.datasets.real.tokens import number
from bench.experiment.run import run_trials
from bench.experiment.trial import Trial
from bench.spec.parsing import parse
from collectives.planting import FeatureLabel
from tests.helpers.fake_device import accelerator
from tests.helpers.tiny_encoders import WORDS

pytestmark = pytest.mark.usefixtures("peft", "root")

FULL = FinetuneEncoder("reader", epochs=2, batch_size=8, learning_rate=0.01, selection="last")
ADAPTED = replace(FULL, rank=2, learning_rate=0.05)
NUMBERS = {number(word): word for word in [*WORDS, "zebra"]}


def sample_of(given, labels, validation=None):
    """A training set of texts."""
    x = np.zeros((len(given), 6), np.float32)
    for row, text in zip(x, given, strict=True):
        row[: len(text.split())] = [number(word) for word in text.split()]
    return TrainingSet(Rows(x, words=NUMBERS), labels, classes=2, validation=validation)


def drawn(seed, n):
    """Texts of one to six words, and a label that says whether one of two words is there."""
    rng = np.random.default_rng(seed)
    given = [" ".join(rng.choice([*WORDS, "zebra"], rng.integers(1, 7))) for _ in range(n)]
    return given, np.array([("free" in t.split()) != ("home" in t.split()) for t in given]) * 1


def images_of(n, side=8, seed=0):
    """A training set of images: bright ones and dark ones."""
    rng = np.random.default_rng(seed)
    y = rng.integers(2, size=n)
    x = rng.random((n, 1, side, side), dtype=np.float32) / 2
    return TrainingSet(x + y[:, None, None, None].astype(np.float32) / 2, y, classes=2)


def fit(learner, sample, seed=0):
    fitted = learner.fit(sample, stream(seed, "fit"))
    return fitted, fitted.predict_proba.__self__


def plain(root, learner, given, y, held_out, labels):
    """The validation loss and the probabilities on held-out texts after each epoch."""
    import transformers

    rng = stream(0, "fit")
    tokenizer = transformers.AutoTokenizer.from_pretrained(root / "reader")
    tower = transformers.AutoModel.from_pretrained(root / "reader", dtype=torch.float32)
    torch.manual_seed(int(rng.integers(2**63)))
    head = torch.nn.Linear(16, 2)
    torch.nn.init.normal_(head.weight, std=0.02)
    head.bias.data[:] = 0

    def logits(texts):
        batch = tokenizer(texts, padding=True, return_tensors="pt")
        mask = batch["attention_mask"][..., None]
        return head((tower(**batch).last_hidden_state * mask).sum(1) / mask.sum(1))

    named = [*tower.named_parameters(), *head.named_parameters()]
    plain_names = [p for name, p in named if name.endswith("bias") or "LayerNorm" in name]
    decayed = [p for name, p in named if not (name.endswith("bias") or "LayerNorm" in name)]
    optimiser = torch.optim.AdamW(
        [{"params": plain_names, "weight_decay": 0}, {"params": decayed}],
        weight_decay=learner.weight_decay,
    )
    steps, at, after = learner.epochs * -(-len(given) // learner.batch_size), 0, []
    rising = round(learner.warmup * steps)
    for _ in range(learner.epochs):
        tower.train()
        for index in np.array_split(
            rng.permutation(len(given)), range(learner.batch_size, len(given), learner.batch_size)
        ):
            rate = at / rising if at < rising else (steps - at) / (steps - rising)
            for group in optimiser.param_groups:
                group["lr"] = learner.learning_rate * rate
            optimiser.zero_grad()
            loss = cross_entropy(logits([given[i] for i in index]), torch.tensor(y[index]))
            loss.backward()
            gradients = [p.grad for _, p in named if p.grad is not None]
            norm = sum(float((g**2).sum()) for g in gradients) ** 0.5
            for gradient in gradients:
                gradient *= min(1.0, 1.0 / norm)
            optimiser.step()
            at += 1
        tower.eval()
        with torch.no_grad():
            found = logits(held_out)
        score = float(cross_entropy(found, torch.tensor(labels)))
        after.append((score, found.softmax(1).numpy()))
    return after, float(loss.detach())


def without_dropout(root):
    file = root / "reader" / "config.json"
    config = json.loads(file.read_text())
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    file.write_text(json.dumps(config | off))
    encoding.encoder.cache_clear()


# ---- all weights --------------------------------------------------------------------------


@pytest.mark.parametrize("dropout", [False, True])
def test_training_is_that_of_a_plain_loop(root, dropout):
    if not dropout:
        without_dropout(root)
    given, y = drawn(0, 29)
    held_out, labels = drawn(1, 10)
    with torch.random.fork_rng():
        after, loss = plain(root, FULL, given, y, held_out, labels)
    fitted, _ = fit(FULL, sample_of(given, y))
    x = sample_of(held_out, labels).x
    np.testing.assert_allclose(fitted.predict_proba(x), after[-1][1], atol=2e-5)
    assert fitted.report == {"loss": pytest.approx(loss, abs=2e-5), "epochs": 2}
    # The loop moves far enough that another one would be seen.
    assert np.abs(after[-1][1] - after[0][1]).max() > 0.01


def test_the_epoch_with_the_smallest_validation_loss_is_kept(root):
    given, y = drawn(0, 29)
    held_out, labels = drawn(1, 10)
    # The more is learnt of the sample, the worse these labels are predicted.
    learner = replace(FULL, epochs=4, selection="loss")
    with torch.random.fork_rng():
        after, _ = plain(root, learner, given, y, held_out, 1 - labels)
    best = min(range(4), key=lambda e: after[e][0])
    assert best < 3
    validation = sample_of(held_out, 1 - labels)
    fitted, _ = fit(learner, sample_of(given, y, validation))
    np.testing.assert_allclose(fitted.predict_proba(validation.x), after[best][1], atol=2e-5)
    alone, _ = fit(learner, sample_of(given, y))
    np.testing.assert_allclose(alone.predict_proba(validation.x), after[3][1], atol=2e-5)


def test_an_encoder_learns_what_its_random_features_do_not_show(root):
    without_dropout(root)
    sample, test = sample_of(*drawn(0, 160)), sample_of(*drawn(1, 200))
    long = {"epochs": 10, "batch_size": 16, "learning_rate": 0.02}
    right = [
        (learner.fit(sample, stream(0, "fit")).predict(test.x) == test.y).mean()
        for learner in (
            Finetune("reader", base=replace(Finetune().base, epochs=30)),
            replace(ADAPTED, **long | {"rank": 8}),
            replace(FULL, **long),
        )
    ]
    assert right[0] < 0.65 < right[1] - 0.05 < right[2] - 0.1


@pytest.mark.parametrize("learner", [FULL, ADAPTED])
def test_the_loaded_encoder_is_not_changed(learner):
    tower = encoding.encoder(learner.files(), "mean").tower(True)
    before = {name: value.clone() for name, value in tower.state_dict().items()}
    _, model = fit(learner, sample_of(*drawn(0, 20)))
    assert model.tower is not tower
    assert encoding.encoder(learner.files(), "mean").tower(True) is tower
    assert list(tower.state_dict()) == list(before)
    assert all(torch.equal(tower.state_dict()[name], before[name]) for name in before)
    assert not tower.training


def test_a_convolution_keeps_its_statistics_and_trains_on_a_batch_of_one():
    sample = images_of(9, side=32)
    _, model = fit(replace(FULL, encoder="conv"), sample)
    before = encoding.encoder(Finetune("conv").files(), "mean").tower(False)
    changed = {
        name
        for name, value in model.tower.state_dict().items()
        if not torch.equal(value, before.state_dict()[name])
    }
    assert changed == {name for name, _ in before.named_parameters()}


# ---- adapters -----------------------------------------------------------------------------


def test_only_adapters_and_the_head_are_trained():
    _, model = fit(ADAPTED, sample_of(*drawn(0, 29)))
    before = encoding.encoder(ADAPTED.files(), "mean").tower(True).state_dict()
    after = {k.replace(".base_layer", ""): v for k, v in model.tower.state_dict().items()}
    adapters = {name for name in after if "lora_" in name}
    assert set(after) - adapters == set(before)
    assert all(torch.equal(after[name], before[name]) for name in before)
    # Six linear layers of one block, with two matrices each.
    assert len(adapters) == 12
    assert all(after[name].abs().max() > 0 for name in adapters)
    assert {id(p) for p in model.trained()} == {
        id(p) for name, p in model.named_parameters() if "lora_" in name or "head" in name
    }


def test_an_adapted_layer_is_the_sum_of_its_weights_and_twice_a_product(transformers, root):
    sample = sample_of(*drawn(0, 29))
    fitted, model = fit(ADAPTED, sample)
    tower = transformers.AutoModel.from_pretrained(root / "reader")
    found = model.tower.state_dict()
    for name, layer in tower.named_modules():
        if f"{name}.lora_A.default.weight" in found:
            a, b = (found[f"{name}.lora_{k}.default.weight"] for k in "AB")
            layer.weight.data += 2 * b @ a
    model.tower = tower
    np.testing.assert_allclose(
        fitted.predict_proba(sample.x), fit(ADAPTED, sample)[0].predict_proba(sample.x), atol=2e-5
    )


@pytest.mark.parametrize(
    ("encoder", "pooling", "rank"),
    [
        ("reader", "mean", None),
        ("reader", "first", 2),
        ("viewer", "mean", 2),
        ("viewer", "first", None),
        ("conv", "mean", None),
        ("both", "mean", 2),
    ],
)
def test_training_starts_at_the_features_of_the_frozen_encoder(encoder, pooling, rank):
    texts = encoder == "reader"
    sample = sample_of(*drawn(0, 9)) if texts else images_of(9, 32 if encoder == "conv" else 8)
    tiny = 1e-30
    _, model = fit(
        replace(ADAPTED, encoder=encoder, pooling=pooling, rank=rank, learning_rate=tiny), sample
    )
    expected = Finetune(encoder, pooling=pooling).features(sample.x, NUMBERS if texts else None)
    with torch.no_grad():
        model.eval()
        found = model.features(model.read(sample.x)).numpy()
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_convolution_has_no_adapters():
    with pytest.raises(ValueError, match=r"no linear layers, .*; rank=None trains all"):
        fit(replace(ADAPTED, encoder="conv"), images_of(9, side=32))


# ---- the contract -------------------------------------------------------------------------

#: What does not take a worker process, or an accuracy of tiny encoders.
CHECKS = [
    check
    for check in checks_for(replace(FULL, encoder="viewer"))
    if check.__name__ not in ("fits_in_a_worker_process", "beats_chance")
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_contract(check):
    check(FinetuneEncoder("viewer", epochs=1, batch_size=100))


def test_adapters_and_dropout_are_drawn_from_the_generator_alone():
    sample = sample_of(*drawn(0, 29))
    before = torch.get_rng_state()
    first, second, other = (
        fit(ADAPTED, sample, seed)[0].predict_proba(sample.x) for seed in (0, 0, 1)
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize("learner", [FULL, ADAPTED])
def test_a_point_is_predicted_alone_as_among_others(learner):
    sample = sample_of(*drawn(0, 70))
    fitted, _ = fit(learner, sample)
    together = fitted.predict_proba(sample.x)
    assert np.ptp(together[:, 0]) > 0.01
    alone = [fitted.predict_proba(sample.x[i : i + 1])[0] for i in (0, 3, 69)]
    np.testing.assert_allclose(alone, together[[0, 3, 69]], atol=1e-5)


@pytest.mark.parametrize("learner", [FULL, ADAPTED])
def test_all_arithmetic_is_on_the_device(learner, monkeypatch):
    sample = sample_of(*drawn(0, 20))
    here = fit(learner, sample)[0].predict_proba(sample.x)
    with accelerator() as far:
        monkeypatch.setattr(finetune_encoder, "device", lambda: far)
        fitted, model = fit(learner, sample)
        assert {p.device for p in model.parameters()} == {far}
        np.testing.assert_allclose(fitted.predict_proba(sample.x), here, atol=2e-5)


def test_a_collective_succeeds():
    data = TextFile(length=8, every=3)
    strategy = FeatureLabel().with_defaults(data.signal, data.label)
    learner = replace(FULL, epochs=4, batch_size=16)
    none, some = run_trials([Trial(data, learner, strategy, size, 0) for size in (0.0, 0.3)])
    assert none["error"] is some["error"] is None
    assert none["accuracy"] > 0.9
    assert some["success"] > none["success"] + 0.3


# ---- what cannot be used ------------------------------------------------------------------


def test_a_training_that_diverges_is_an_error_of_its_own():
    wild, tame = replace(FULL, learning_rate=1e30), sample_of(*drawn(0, 20))
    (error,) = wild.fit_many([tame], [stream(0, "fit")])
    assert isinstance(error, Diverged)
    # The loss of the validation data is the only one after the last step.
    single = replace(wild, epochs=1, batch_size=20, selection="loss", warmup=0.0)
    broken = sample_of(*drawn(0, 20), validation=tame)
    with pytest.raises(Diverged):
        single.fit(broken, stream(0, "fit"))


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "peft" else find(name)
    )
    assert FULL.files()
    says = (
        r"FinetuneEncoder\(rank=2\) needs the library peft: pip install 'collective-bench\[text\]'"
    )
    with pytest.raises(Absent, match=says):
        ADAPTED.files()


def test_a_missing_encoder_is_named_with_the_command():
    with pytest.raises(Absent, match="`hf download me/none`"):
        FinetuneEncoder("me/none").files()


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("encoder='/abs'", "neither a name on the hub nor a folder"),
        ("rank=0", "rank"),
        ("warmup=1.0", "warmup"),
        ("selection='accuracy'", "selection"),
    ],
)
def test_fields_are_checked(field, says):
    with pytest.raises(BenchError, match=says):
        parse(f"FinetuneEncoder({field})", "learners")
