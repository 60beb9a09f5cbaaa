"""Makes special tokens, and the trie over them in the flat form that the engine walks."""

from __future__ import annotations

from array import array

from bpecore._core import SpecialTokens

TYPE_CHECKING = False  # as in `typing`, whose import takes longer than all of this
if TYPE_CHECKING:
    from collections.abc import Sequence

    Trie = tuple[bytes, bytes, bytes, bytes, bytes, bytes]


def make_special_tokens(
    special_tokens_encoder: dict[str, int],
    added: dict[str, int] | None = None,
    only_decoded: dict[bytes, int] | None = None,
    trie: Trie | None = None,
) -> SpecialTokens:
    """Makes the special tokens of an engine.

    Args:
        special_tokens_encoder: the id of each special token.
        added: the id of each token that is found in texts like a special one, but always.
        only_decoded: the id of the bytes of each token that no text is encoded to.
        trie: that of the special tokens and the added ones, if it is known.

    Raises:
        TypeError: it is not a dict, a special token is not str, or an id is not an int.
        ValueError: a special token is empty.
        UnicodeEncodeError: a special token holds a surrogate.
        OverflowError: an id is negative or above 2**32 - 1.
    """
    if not isinstance(special_tokens_encoder, dict):
        raise TypeError(
            f"the special tokens must be a dict, not {type(special_tokens_encoder).__name__}"
        )
    special_tokens: dict[str, int] = {}
    for name, number in dict.items(special_tokens_encoder):
        if not isinstance(name, str):
            raise TypeError(f"a special token must be str, not {type(name).__name__}: {name!r}")
        # Its characters alone: a subclass may compare, iterate or encode in another way.
        special_tokens[str.__str__(name)] = number
    if trie is None:
        trie = build_trie([*special_tokens, *(added or ())])
    return SpecialTokens(special_tokens, trie, added=added, only_decoded=only_decoded)


def build_trie(names: Sequence[str]) -> Trie:
    """Builds the trie of special tokens.

    Args:
        names: the special tokens, each once. The trie refers to them by position.

    Returns:
        The tables of a trie over code points, native-endian. Node 0 is the root; of an empty
        sequence it has no edges.

        - `uint32[nodes + 1]`, where the edges of each node begin;
        - `int32[nodes]`, position of the special token that ends at a node, or -1;
        - `uint32[edges]`, their code points, ascending within a node;
        - `uint32[edges]`, the nodes that they lead to;
        - `uint32[nodes]`, for nodes of several edges the number of their row, from 1; else 0;
        - `uint32[rows][128]`, the node that each ASCII character leads to, or 0.

    Raises:
        ValueError: a special token is the empty string, which would be found everywhere.

    Example:
        >>> len(build_trie(["<|a|>", "<|b|>"])[1]) // 4
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
    return (
        first_edges.tobytes(),
        tokens.tobytes(),
        edge_characters.tobytes(),
        edge_targets.tobytes(),
        rows.tobytes(),
        row_targets.tobytes(),
    )
