"""The trie over an encoding's special tokens, in the flat form that the engine walks."""

from __future__ import annotations

from array import array

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence


class SpecialTokenTrie:
    """A trie over code points; node 0 is the root, every table is native-endian.

    Attributes:
        first_edges: `uint32[nodes + 1]`, where the edges of each node begin.
        tokens: `int32[nodes]`, position of the special token that ends at a node, or -1.
        edge_characters: `uint32[edges]`, code points, ascending within a node.
        edge_targets: `uint32[edges]`, the node an edge leads to.
        rows: `uint32[nodes]`, for nodes of several edges the number of their row, from 1; else 0.
        row_targets: `uint32[rows][128]`, the node that each ASCII character leads to, or 0.
    """

    def __init__(
        self,
        first_edges: bytes,
        tokens: bytes,
        edge_characters: bytes,
        edge_targets: bytes,
        rows: bytes,
        row_targets: bytes,
    ) -> None:
        self.first_edges = first_edges
        self.tokens = tokens
        self.edge_characters = edge_characters
        self.edge_targets = edge_targets
        self.rows = rows
        self.row_targets = row_targets


def build_trie(names: Sequence[str]) -> SpecialTokenTrie:
    """Builds the trie of special tokens.

    Args:
        names: the special tokens, each once. The trie refers to them by position.

    Returns:
        The trie; of an empty sequence, a root without edges.

    Raises:
        ValueError: a special token is the empty string, which would be found everywhere.

    Example:
        >>> len(build_trie(["<|a|>", "<|b|>"]).tokens) // 4
        9
    """
    children: list[dict[str, int]] = [{}]
    tokens = array("i", [-1])
    for position, name in enumerate(names):
        if not name:
            raise ValueError("the empty string cannot be a special token: it occurs everywhere")
        node = 0
        for character in name:
            target = children[node].get(character)
            if target is None:
                target = len(children)
                children[node][character] = target
                children.append({})
                tokens.append(-1)
            node = target
        tokens[node] = position
    first_edges = array("I", [0])
    edge_characters = array("I")
    edge_targets = array("I")
    rows = array("I")
    row_targets = array("I")
    for edges in children:
        for character in sorted(edges):
            edge_characters.append(ord(character))
            edge_targets.append(edges[character])
        first_edges.append(len(edge_characters))
        if len(edges) > 1:
            row_targets.extend(edges.get(chr(code_point), 0) for code_point in range(128))
            rows.append(len(row_targets) // 128)
        else:
            rows.append(0)
    tables = (first_edges, tokens, edge_characters, edge_targets, rows, row_targets)
    return SpecialTokenTrie(*(table.tobytes() for table in tables))
