"""A user's table of prices: what a million tokens cost, by the name of an encoding or a model."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from bpecore.model import encoding_name_for_model


class Cost(NamedTuple):
    """What a text costs.

    Attributes:
        name: the name in the table.
        encoding: the name of its encoding.
        price: of a million tokens, in the table's currency.
        cost: of the text, in the same.
    """

    name: str
    encoding: str
    price: float
    cost: float


def read_prices(path: str) -> dict[str, float]:
    """Reads a JSON object of prices by name, or CSV lines of a name and a price.

    Raises:
        ValueError: the file is neither, or a price is not a number of at least 0. The message
            names the file.
        OSError: it cannot be read.
    """
    with open(path, encoding="utf-8-sig", newline="") as file:
        try:
            content = file.read()
        except UnicodeDecodeError as error:
            raise ValueError(f"{path}: not UTF-8: {error.reason}") from None
    name = os.path.basename(path)
    if content.lstrip().startswith("{"):
        try:
            table = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{path}: no JSON: {error}") from None
        return {key: _price(f"{path}: {key}", value) for key, value in table.items()}
    prices = {}
    for number, row in enumerate(csv.reader(content.splitlines()), 1):
        if len(row) != 2:
            raise ValueError(f"{path}: line {number} of {name} is not a name and a price: {row}")
        prices[row[0].strip()] = _price(f"{path}: line {number}", row[1])
    return prices


def _price(where: str, value: object) -> float:
    try:
        price = float(value) if isinstance(value, (str, int, float)) else math.nan
    except (ValueError, OverflowError):
        price = math.nan
    if isinstance(value, bool) or not (math.isfinite(price) and price >= 0):
        raise ValueError(f"{where}: a price must be a number of at least 0, not {value!r}")
    return price


def costs_of(
    prices: Mapping[str, float], tokens: Mapping[str, int]
) -> tuple[list[Cost], Iterable[str]]:
    """Returns the costs of a text, cheapest first, and the names that are not compared.

    Args:
        prices: of a million tokens, by the name of an encoding or a model.
        tokens: the text's tokens, by the encoding's name.
    """
    costs = []
    others = []
    for name, price in prices.items():
        encoding = name if name in tokens else _encoding_of(name)
        if encoding in tokens:
            costs.append(Cost(name, encoding, price, tokens[encoding] * price / 1e6))
        else:
            others.append(name)
    return sorted(costs, key=lambda cost: (cost.cost, cost.name)), others


def _encoding_of(model: str) -> str:
    try:
        return encoding_name_for_model(model)
    except KeyError:
        return ""
