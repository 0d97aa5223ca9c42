"""The features of :mod:`bench.datasets.synthetic.cars`: their values and their columns."""

import difflib
from collections.abc import Mapping

import numpy as np

from collectives.signals.tabular import Category

#: The features and their values. Features, typical values, scoring values and numbers of values
#: are those of the published generator. Other names are not: where they are unknown, a value has
#: a plausible or a neutral name, like "Value 4". Names don't enter any probability.
FEATURES: Mapping[str, tuple[str, ...]] = {
    "Model Type": ("Sedan", "SUV", "Coupe", "Hatchback", "Convertible", "Wagon", "Van", "Pickup"),
    "Safety Rating": ("1 star", "2 stars", "3 stars", "4 stars", "5 stars"),
    "Fuel Type": ("Petrol", "Diesel", "Hybrid", "Electric"),
    "Interior": ("Fabric", "Synthetic", "Leather"),
    "Infotainment": ("Basic", "Standard", "Premium", "Value 4"),
    "Country": ("C1", "C2", "C3", "C4", "C5"),
    "Warranty": ("3 years", "5 years", "7 years", "10 years"),
    "Doors": ("2", "4", "5"),
    "Seats": ("2", "4", "5", "7"),
    "Air Conditioning": ("No", "Yes"),
    "Navigation": ("None", "Basic", "Advanced"),
    "Tires": ("Summer", "Winter", "All-Season"),
    "Sunroof": ("No", "Yes"),
    "Sound System": ("Basic", "Standard", "Premium", "Value 4"),
    "Cruise Control": ("No", "Yes"),
    "Bluetooth": ("No", "Yes"),
    "Transmission": ("Manual", "Automatic", "Value 3"),
    "Drivetrain": ("FWD", "RWD", "AWD"),
}

#: The typical value of each feature of an SUV, and the probability of this value before any
#: value is drawn. From the published generator.
TYPICAL: Mapping[str, tuple[str, float]] = {
    "Safety Rating": ("4 stars", 0.7),
    "Fuel Type": ("Diesel", 0.8),
    "Interior": ("Synthetic", 0.9),
    "Infotainment": ("Premium", 0.9),
    "Country": ("C5", 0.3),
    "Warranty": ("10 years", 0.9),
    "Doors": ("5", 0.95),
    "Seats": ("5", 0.95),
    "Air Conditioning": ("Yes", 0.95),
    "Navigation": ("Advanced", 0.95),
    "Tires": ("All-Season", 0.95),
    "Sunroof": ("Yes", 0.0),
    "Sound System": ("Premium", 0.95),
    "Cruise Control": ("Yes", 0.95),
    "Bluetooth": ("Yes", 0.95),
    "Transmission": ("Manual", 0.7),
    "Drivetrain": ("RWD", 0.95),
}

NAMES = tuple(FEATURES)
WIDTHS = np.array([len(values) for values in FEATURES.values()])
STARTS = np.cumsum(WIDTHS) - WIDTHS

#: The name of each one-hot column.
COLUMNS = tuple(f"{name}={value}" for name, values in FEATURES.items() for value in values)


def category(values: Mapping[str, str]) -> Category:
    """Return the signal that sets some features of a car to the named values.

    Example:
        >>> category({"Country": "C2"})
        Category(blocks=((24, 5),), values=(1,))
    """
    for name, value in values.items():
        _one_of(name, NAMES, "feature")
        _one_of(value, FEATURES[name], name)
    # In the order of the columns, so that equal signals are equal objects.
    named = [j for j, name in enumerate(NAMES) if name in values]
    return Category(
        blocks=tuple((int(STARTS[j]), int(WIDTHS[j])) for j in named),
        values=tuple(FEATURES[NAMES[j]].index(values[NAMES[j]]) for j in named),
    )


def _one_of(chosen: str, allowed: tuple[str, ...], what: str) -> None:
    if chosen not in allowed:
        near = difflib.get_close_matches(chosen, allowed, n=1, cutoff=0.0)
        raise ValueError(
            f"no {what} is {chosen!r}: did you mean {near[0]!r}? Allowed are {allowed}"
        )
