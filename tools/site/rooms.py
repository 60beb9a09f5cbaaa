"""Draws rooms in layers, each above all that it uses: `python tools/site/rooms.py docs/pictures`.

The method is Sugiyama's: rooms get layers; an arrow over several layers gets a joint in each;
layers are sorted until few arrows cross; then each room moves to the middle of its neighbours.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from pictures import COLOURS, INK, LINE, Picture

Node = tuple[str, int]
"""A room and its layer, or an arrow, as "from to", and a layer that it crosses."""

SIZE, LETTER = 14, 8.4
"""Height and width of a character, in pixels, as is all below."""
BOX, ROW, GAP, MARGIN = 30, 66, 16, 16
SWEEPS = 24


def layers_of(rooms: Mapping[str, str]) -> dict[str, int]:
    """Returns the layer of each room, 0 at the bottom: just below its users if it has more of
    them than rooms that it uses, otherwise just above these."""
    layers: dict[str, int] = {}
    for room, others in rooms.items():
        layers[room] = 1 + max((layers[other] for other in others.split()), default=-1)
    for room in reversed(rooms):
        users = [user for user, others in rooms.items() if room in others.split()]
        if users and len(users) >= len(rooms[room].split()):
            layers[room] = min(layers[user] for user in users) - 1
    return layers


class Drawing:
    """The places of rooms and of the joints of arrows."""

    def __init__(self, rooms: Mapping[str, str]) -> None:
        layers = layers_of(rooms)
        self.rows: list[list[Node]] = [[] for _ in range(1 + max(layers.values()))]
        self.above: dict[Node, list[Node]] = {}
        self.below: dict[Node, list[Node]] = {}
        self.arrows: list[list[Node]] = []
        for room in rooms:
            self._add((room, layers[room]))
        for room, others in rooms.items():
            for other in others.split():
                joints = [
                    (f"{room} {other}", layer)
                    for layer in range(layers[room] - 1, layers[other], -1)
                ]
                for joint in joints:
                    self._add(joint)
                way = [(room, layers[room]), *joints, (other, layers[other])]
                self.arrows.append(way)
                for upper, lower in zip(way, way[1:]):
                    self.below[upper].append(lower)
                    self.above[lower].append(upper)
        self._sort()
        self.x = {node: float(place) for row in self.rows for place, node in enumerate(row)}
        for sweep in range(SWEEPS):
            self._move(self.above if sweep % 2 else self.below)

    def _add(self, node: Node) -> None:
        self.rows[node[1]].append(node)
        self.above[node] = []
        self.below[node] = []

    def _crossings(self) -> int:
        count = 0
        for upper, lower in zip(self.rows[1:], self.rows):
            place = {node: number for number, node in enumerate(lower)}
            ends = [[place[other] for other in self.below[node]] for node in upper]
            for number, left in enumerate(ends):
                count += sum(a > b for right in ends[number + 1 :] for a in left for b in right)
        return count

    def _sort(self) -> None:
        best, fewest = [[*row] for row in self.rows], self._crossings()
        for sweep in range(SWEEPS):
            neighbours = self.above if sweep % 2 else self.below
            for row in reversed(self.rows) if sweep % 2 else self.rows:
                place = {node: number for other in self.rows for number, node in enumerate(other)}
                row.sort(
                    key=lambda node: mean([place[each] for each in neighbours[node]], place[node])
                )
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [[*row] for row in self.rows], crossings
        self.rows = best

    def _move(self, neighbours: dict[Node, list[Node]]) -> None:
        """Moves nodes to the middle of their neighbours, as near as their order allows."""
        for row in self.rows if neighbours is self.below else reversed(self.rows):
            offsets = [0.0]
            for left, right in zip(row, row[1:]):
                offsets.append(offsets[-1] + (width_of(left) + width_of(right)) / 2 + GAP)
            wished = [
                mean([self.x[each] for each in neighbours[node]], self.x[node]) - offset
                for node, offset in zip(row, offsets)
            ]
            for node, offset, place in zip(row, offsets, ascending(wished)):
                self.x[node] = place + offset


def short(rooms: str) -> str:
    return rooms.replace("engine/", "")


def width_of(node: Node) -> float:
    return 0 if " " in node[0] else len(node[0]) * LETTER + 20


def mean(numbers: list[float] | list[int], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def ascending(wished: list[float]) -> list[float]:
    """Returns the ascending numbers that differ least from some, by pooling neighbours."""
    pools: list[tuple[float, int]] = []
    for number in wished:
        pool = (number, 1)
        while pools and pools[-1][0] > pool[0]:
            (a, m), (b, n) = pools.pop(), pool
            pool = ((a * m + b * n) / (m + n), m + n)
        pools.append(pool)
    return [number for number, count in pools for _ in range(count)]


def room_picture(whole: str, rooms: Mapping[str, str]) -> Picture:
    """Returns the picture of the rooms of a whole, given what each rests on, from the bottom up."""
    drawing = Drawing({short(room): short(others) for room, others in rooms.items()})
    left = min(x - width_of(node) / 2 for node, x in drawing.x.items()) - MARGIN
    right = max(x + width_of(node) / 2 for node, x in drawing.x.items()) + MARGIN
    height = (len(drawing.rows) - 1) * ROW + BOX + 2 * MARGIN

    def place(node: Node) -> tuple[float, float]:
        return round(drawing.x[node] - left, 1), MARGIN + (len(drawing.rows) - 1 - node[1]) * ROW

    title = f"The rooms of the {whole}, each above those that it uses"
    picture = Picture(round(right - left), height, title)
    for way in drawing.arrows:
        x, y = place(way[0])
        path = f"M{x:g} {y + BOX:g}"
        y += BOX
        for node in way[1:]:
            to_x, to_y = place(node)
            middle = (y + to_y) / 2
            path += f"C{x:g} {middle:g} {to_x:g} {middle:g} {to_x:g} {to_y:g}"
            x, y = to_x, to_y
            if node is not way[-1]:
                y += BOX
                path += f"V{y:g}"
        picture.parts.append(
            f'<path d="{path}" stroke="{LINE}" stroke-width="1.2" fill="none" '
            'marker-end="url(#tip)"/>'
        )
    for row in drawing.rows:
        for node in row:
            if " " not in node[0]:
                x, y = place(node)
                width = width_of(node)
                picture.box(round(x - width / 2, 1), y, width, BOX, COLOURS[node[1] % len(COLOURS)])
                picture.text(x, y + 20, node[0], SIZE, INK)
    return picture


if __name__ == "__main__":
    sys.path.append(str(Path(__file__).parents[2] / "tests" / "tools"))
    from test_order_of_rooms import TABLES

    for whole, rooms in TABLES.items():
        room_picture(whole, rooms).write(Path(sys.argv[1]) / f"rooms-of-the-{whole}.svg")
