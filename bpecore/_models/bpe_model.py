"""The member `model` of a tokenizer.json: byte-level BPE, or the reason why it is not."""

from __future__ import annotations

from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from bpecore._core import Vocabulary, ids_of_pairs
from bpecore._models.byte_letters import bytes_of_letters
from bpecore._models.errors import refusal
from bpecore._models.json_files import member
from bpecore._models.listed_pairs import Ids, Merges, Places
from bpecore._models.merges import proven_vocabulary
from bpecore._models.parts import MAX_ID


class BpeModel(NamedTuple):
    """A byte-level BPE model.

    Attributes:
        vocab: the id of each token, as the file writes it.
        vocabulary: the tokens that texts are encoded to.
        only_decoded: the id of the bytes of each other token.
        names: how each token is spelled that is not its bytes in letters, by id.
        merges: the pairs in order, as ids: `uint32[n, 2]`.
        merge_count: how many of them merge tokens of bytes.
        listed: whether merging by ids is not merging by the list.
    """

    vocab: dict[str, int]
    vocabulary: Vocabulary
    only_decoded: dict[bytes, int]
    names: dict[int, str]
    merges: bytes
    merge_count: int
    listed: bool


def read_bpe_model(model: dict[str, Any], source: str) -> BpeModel:
    """Reads a model, and finds out whether merging by ids is merging by its list.

    Args:
        model: the member `model` of the file.
        source: the file, for errors.

    Raises:
        ValueError: it is invalid, another kind of model, or cannot be reproduced exactly.
    """
    kind = member(model, "model.type", str, source, default="BPE")
    if kind != "BPE" or not model.keys() & {"type", "merges"}:
        raise refusal(source, f"its model is {kind}, not byte-level BPE")
    for option in ("continuing_subword_prefix", "end_of_word_suffix"):
        given = member(model, f"model.{option}", str, source, default="")
        if given:
            raise refusal(source, f"model.{option} is {given!r}, which tokens of bytes do not have")
    if member(model, "model.dropout", (int, float), source, default=0):
        raise refusal(source, "model.dropout makes ids random")
    byte_fallback = member(model, "model.byte_fallback", bool, source, default=False)
    vocab = _checked_vocab(member(model, "model.vocab", dict, source), source)
    unknown = member(model, "model.unk_token", str, source, default=None)
    return bpe_model_of(
        vocab,
        member(model, "model.merges", list, source),
        member(model, "model.ignore_merges", bool, source, default=False),
        source,
        is_of_characters=byte_fallback or unknown is not None,
        hint=", and byte_fallback is on, as in SentencePiece" if byte_fallback else "",
    )


def bpe_model_of(
    vocab: dict[str, int],
    pairs: list[Any],
    ignore_merges: bool,
    source: str,
    place: str = "model.merges",
    is_of_characters: bool = False,
    hint: str = "",
) -> BpeModel:
    """Makes a model, and finds out whether merging by ids is merging by its list.

    Args:
        vocab: the id of each token in letters.
        pairs: the list, of pairs of tokens or of strings with a blank between them.
        ignore_merges: whether a piece that is a token is that token, even if no merge makes it.
        source: the file, for errors.
        place: where the list is in the file.
        is_of_characters: whether a byte may only be missing from a model of characters.
        hint: what else speaks for such a model.

    Raises:
        ValueError: it is invalid, or a model of characters.
    """
    written = list(vocab)
    tokens = bytes_of_letters(written)
    known = {token: vocab[name] for name, token in zip(written, tokens) if token}
    missing = [byte for byte in range(256) if bytes([byte]) not in known]
    if missing and (is_of_characters or len(missing) > 200):
        raise refusal(
            source,
            f"its model is BPE of characters, not of bytes: {len(missing)} bytes are no tokens"
            + hint,
        )
    merges = _checked_merges(pairs, vocab, source, place)
    inside = _are_all_known(merges, np.fromiter(known.values(), np.uint32, count=len(known)))
    vocabulary, others, listed = proven_vocabulary(
        known, Merges(*(part[inside] for part in merges)), ignore_merges, source
    )
    names = [*compress(written, [token is None or token == b"" for token in tokens])]
    for name in names:
        spelled = name.encode("utf-8", "replace")
        if spelled in others:
            raise refusal(
                source,
                f"model.vocab has the bytes of {name!r:.60} twice, in letters as id "
                f"{others[spelled]}, and no merge makes them",
            )
        others[spelled] = vocab[name]
    return BpeModel(
        vocab,
        vocabulary,
        others,
        {vocab[name]: name for name in names},
        np.stack([merges.left, merges.right], axis=1).astype("<u4").tobytes(),
        len(inside),
        listed,
    )


def _are_all_known(merges: Merges, known: Ids) -> npt.NDArray[np.bool_]:
    """Returns for each merge whether its three tokens are known."""
    places = Places(np.sort(known))
    left, right, merged = (places.of(part) >= 0 for part in merges)
    return left & right & merged


def _checked_vocab(vocab: dict[str, Any], source: str) -> dict[str, int]:
    ids = vocab.values()
    are_ids = {*map(type, ids)} == {int} and min(ids) >= 0 and max(ids) <= MAX_ID
    if are_ids and len({*ids}) == len(ids):
        return vocab
    owners: dict[int, str] = {}
    for token, number in vocab.items():
        if type(number) is not int or not 0 <= number <= MAX_ID:
            raise ValueError(
                f"{source}: model.vocab[{token!r:.60}] must be an id from 0 to {MAX_ID}, "
                f"found {number!r:.60}"
            )
        if owners.setdefault(number, token) is not token:
            raise ValueError(
                f"{source}: model.vocab has the id {number} twice: "
                f"{owners[number]!r:.60} and {token!r:.60}"
            )
    if not vocab:
        raise ValueError(f"{source}: model.vocab is empty")
    return vocab


def _checked_merges(merges: list[Any], vocab: dict[str, int], source: str, place: str) -> Merges:
    try:
        ids = ids_of_pairs(vocab, merges)
    except ValueError:
        if merges and isinstance(merges[0], str):
            merges = [pair.split(" ") if isinstance(pair, str) else None for pair in merges]
        raise _faulty_merge(merges, vocab, source, place) from None
    columns = np.frombuffer(ids, dtype=np.uint32).reshape(-1, 3).T
    return Merges(*map(np.ascontiguousarray, columns))


def _faulty_merge(merges: list[Any], vocab: dict[str, int], source: str, place: str) -> ValueError:
    for number, pair in enumerate(merges):
        if not (
            isinstance(pair, (list, tuple))
            and len(pair) == 2
            and all(isinstance(part, str) for part in pair)
        ):
            return ValueError(f"{source}: {place}[{number}] must be a pair, found {pair!r:.60}")
        for token in (*pair, "".join(pair)):
            if token not in vocab:
                return ValueError(
                    f"{source}: {place}[{number}] has {token!r:.60}, which is not in vocab"
                )
    raise AssertionError("all pairs are sound")
