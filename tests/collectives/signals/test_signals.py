"""Signals change what they name and nothing else."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from collectives.signals.base import Signal
from collectives.signals.image import Blend, Block, Frequency, Patch, Pixels
from collectives.signals.tabular import Category, Offset, SetFeature
from collectives.signals.text import Token
from collectives.types import Array

IMAGES = np.random.default_rng(1).random((5, 2, 4, 6)).astype(np.float32)
FLAT = np.random.default_rng(2).random((7, 6)).astype(np.float32)
SIGNALS = [
    Patch(size=3, corner="top-left"),
    Pixels(),
    Offset(columns=(0, -1), amount=0.25),
    SetFeature(column=3, value=0.3),
    Category(blocks=((0, 3), (4, 2)), values=(2, 0)),
    Blend(strength=0.3),
    Frequency(across=1, along=2),
    Block(Patch(size=1), half="bottom"),
    Block(Frequency(across=1, along=1)),
    Token(token=7, every=3),
]


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: type(s).__name__)
def test_the_input_is_left_alone(signal: Signal) -> None:
    x = IMAGES.copy()
    moved = signal(x)
    np.testing.assert_array_equal(x, IMAGES)
    assert moved.shape == x.shape
    assert moved.dtype == np.float32
    assert not np.shares_memory(moved, x)


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: type(s).__name__)
def test_signals_are_idempotent_exactly_if_they_say_so(signal: Signal) -> None:
    once = signal(IMAGES)
    assert np.array_equal(signal(once), once) == signal.idempotent


@pytest.mark.parametrize("signal", SIGNALS, ids=lambda s: type(s).__name__)
def test_unwriteable_points_will_do(signal: Signal) -> None:
    x = IMAGES.copy()
    x.flags.writeable = False
    signal(x)[...] = 0


@pytest.mark.parametrize(
    ("corner", "rows", "columns"),
    [
        ("top-left", [0, 1], [0, 1]),
        ("top-right", [0, 1], [4, 5]),
        ("bottom-left", [2, 3], [0, 1]),
        ("bottom-right", [2, 3], [4, 5]),
    ],
)
def test_patch_is_a_square_in_its_corner(corner: Any, rows: list[int], columns: list[int]) -> None:
    expected = IMAGES.copy()
    for i in rows:
        for j in columns:
            expected[:, :, i, j] = 0.5
    np.testing.assert_array_equal(Patch(2, 0.5, corner)(IMAGES), expected)


def test_pixels_are_set_in_all_channels() -> None:
    expected = IMAGES.copy()
    for channel in range(2):
        expected[:, channel, 0, 5] = expected[:, channel, 2, 1] = 7
    np.testing.assert_array_equal(Pixels(at=((0, -1), (2, 1)), value=7)(IMAGES), expected)


def test_pixels_default_to_the_corners() -> None:
    changed = (Pixels(value=9)(IMAGES[:, 0]) != IMAGES[:, 0]).all(axis=0)
    assert {(int(i), int(j)) for i, j in np.argwhere(changed)} == {(0, 0), (0, 5), (3, 0), (3, 5)}


def test_offset_moves_a_column_once_even_if_it_is_named_twice() -> None:
    expected = FLAT.copy()
    expected[:, 1] += 2
    expected[:, 5] += 2
    np.testing.assert_array_equal(Offset((5, 1, -1), 2.0)(FLAT), expected)


def test_columns_of_images_are_those_of_the_flattened_points() -> None:
    moved = SetFeature(column=7, value=3.0)(IMAGES)
    assert (moved[:, 0, 1, 1] == 3).all()
    assert (moved != IMAGES).sum() == len(IMAGES)


def test_category_is_one_hot_in_each_block() -> None:
    moved = Category(blocks=((0, 3), (4, 2)), values=(2, 0))(FLAT)
    for row, before in zip(moved, FLAT, strict=True):
        assert row.tolist() == [0, 0, 1, before[3], 1, 0]


@pytest.mark.parametrize(
    ("signal", "x", "message"),
    [
        (Patch(size=5), IMAGES, r"Patch\(size=5.* does not fit into images of 4 x 6"),
        (Patch(), FLAT, r"needs images \(m, ..., h, w\), but got points of shape \(7, 6\)"),
        (Pixels(at=((4, 0),)), IMAGES, r"row 4, allowed is -4..3"),
        (Pixels(at=((0, -7),)), IMAGES, r"column -7, allowed is -6..5"),
        (Offset(columns=(0, 6)), FLAT, r"column 6, allowed is -6..5"),
        (SetFeature(column=-7), FLAT, r"SetFeature\(column=-7.*column -7, allowed is -6..5"),
        (Category(blocks=((4, 3),)), FLAT, r"block \(4, 3\), allowed are blocks within 0..5"),
        (Category(blocks=((-1, 2),)), FLAT, r"block \(-1, 2\)"),
        (Category(blocks=((0, 2),), values=(2,)), FLAT, r"gives 2 to .* allowed is 0..1"),
        (Category(values=(0, 1)), FLAT, r"1 blocks but 2 values"),
    ],
)
def test_what_is_outside_the_data_is_refused(signal: Signal, x: Array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        signal(x)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        (Patch, {"size": 0}),
        (Patch, {"corner": "middle"}),
        (Pixels, {"at": ()}),
        (Offset, {"columns": ()}),
        (SetFeature, {"value": math.inf}),
    ],
)
def test_ranges_can_be_validated(kind: Any, fields: dict[str, Any]) -> None:
    TypeAdapter(kind).validate_python({})
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(fields)


def test_overlap_counts_points_that_carry_the_signal() -> None:
    x = np.zeros((8, 3), dtype=np.float32)
    x[[1, 4, 6], 2] = 0.1
    assert SetFeature(column=2, value=0.1).overlap(x) == 3 / 8
    assert math.isnan(Offset().overlap(x))


def test_visibility_is_the_mean_absolute_change() -> None:
    x = np.array([[0.0, 0.0], [0.0, 3.0]], dtype=np.float32)
    assert SetFeature(column=1, value=1.0).visibility(x) == (1 + 2) / 4
    assert Offset(amount=-0.5).visibility(x) == 0.25


def test_blend_is_a_mixture_with_one_pattern() -> None:
    weak, strong = Blend(0.25)(IMAGES), Blend(0.5)(IMAGES)
    pattern = (strong - 0.5 * IMAGES) / 0.5
    np.testing.assert_allclose(pattern, np.broadcast_to(pattern[0], IMAGES.shape), atol=1e-6)
    np.testing.assert_allclose(weak, 0.75 * IMAGES + 0.25 * pattern, atol=1e-6)
    assert 0 <= pattern.min() < 0.2 < 0.8 < pattern.max() <= 1
    assert not np.array_equal(Blend(pattern=1)(IMAGES), Blend(pattern=0)(IMAGES))


@pytest.mark.parametrize(("u", "v"), [(0, 1), (2, 0), (3, 5), (1, 2)])
def test_frequency_is_one_line_of_the_spectrum(u: int, v: int) -> None:
    from scipy.fft import dctn

    wave = Frequency(u, v, amplitude=0.7)(IMAGES).astype(float) - IMAGES
    for channel in wave[0]:
        spectrum = np.abs(dctn(channel, norm="ortho"))
        assert np.unravel_index(spectrum.argmax(), spectrum.shape) == (u, v)
        assert np.sort(spectrum.ravel())[-2] < 1e-5


def test_blocks_leave_the_other_half_alone() -> None:
    top, bottom = Block(Patch(2, 9.0))(IMAGES), Block(Patch(2, 9.0), "bottom")(IMAGES)
    np.testing.assert_array_equal(top[..., 2:, :], IMAGES[..., 2:, :])
    np.testing.assert_array_equal(bottom[..., :2, :], IMAGES[..., :2, :])
    np.testing.assert_array_equal(top[..., :2, :], Patch(2, 9.0)(IMAGES[..., :2, :]))
    np.testing.assert_array_equal(bottom[..., 2:, :], Patch(2, 9.0)(IMAGES[..., 2:, :]))


def test_tokens_stand_at_every_kth_word_and_not_behind_the_end() -> None:
    rng = np.random.default_rng(0)
    texts = rng.integers(1, 50, size=(20, 17)).astype(np.float32)
    for text, length in zip(texts, rng.integers(0, 18, size=20), strict=True):
        text[length:] = 0
    for before, after in zip(texts, Token(99, every=4)(texts), strict=True):
        words = before[before != 0].tolist()
        words[3::4] = [99] * len(words[3::4])
        assert after.tolist() == words + [0] * (17 - len(words))


@pytest.mark.parametrize(
    ("signal", "x", "message"),
    [
        (Blend(), FLAT, "needs images"),
        (Frequency(across=4), IMAGES, "too fine for images of 4 x 6"),
        (Block(), IMAGES[..., :3, :], "two halves, but images are 3 pixels high"),
        (Token(token=5, padding=5), FLAT, "number of the padding"),
    ],
)
def test_spread_signals_that_do_not_fit_are_refused(
    signal: Signal, x: Array, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        signal(x)


def test_a_token_is_as_visible_as_the_words_that_it_replaces():
    texts = np.float32([[1, 2, 3, 4, 5], [1, 2, 3, 0, 0], [9, 9, 9, 9, 9]])
    # Of thirteen words the second and the fourth are replaced; nines stay what they are.
    assert Token(token=9, every=2).visibility(texts) == pytest.approx(3 / 13)
