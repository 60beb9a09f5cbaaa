"""Which tokens of one text differ between vocabularies, and where the rows of a page end."""

from __future__ import annotations

from itertools import accumulate

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bpecore.view import differences
from bpecore.view.differences import ROW, differing, row_ends, shared_places

SIZE = 12
cuts = st.sets(st.integers(1, SIZE - 1)).map(lambda inner: [*sorted(inner), SIZE])


def arrays(ends: list[list[int]]) -> list[differences.Places]:
    return [np.array(places, dtype=np.int64) for places in ends]


@given(st.lists(cuts, min_size=1, max_size=4))
def test_a_token_differs_unless_all_have_it(ends: list[list[int]]) -> None:
    spans = [[*zip([0, *places], places)] for places in ends]
    expected = [[any(span not in other for other in spans) for span in own] for own in spans]
    assert [marks.tolist() for marks in differing(arrays(ends))] == expected


@given(st.lists(cuts, min_size=1, max_size=4))
def test_shared_places(ends: list[list[int]]) -> None:
    expected = sorted(set(ends[0]).intersection(*ends))
    assert shared_places(arrays(ends)).tolist() == expected


@given(
    st.lists(st.sampled_from([1, 7, 400, ROW - 1, ROW, ROW + 1, 5000]), min_size=1, max_size=20),
    st.data(),
)
def test_rows_end_with_tokens_and_after_line_ends_if_there_are_any(
    lengths: list[int], data: st.DataObject
) -> None:
    places = [*accumulate(lengths)]
    content = bytearray(b"x" * places[-1])
    after_lines = data.draw(st.sets(st.sampled_from(places)))
    for place in after_lines:
        content[place - 1] = 10
    found = row_ends(bytes(content), np.array(places, dtype=np.int64)).tolist()
    assert found[-1] == places[-1]
    start = 0
    for end in found:
        near = [place for place in after_lines if start < place <= start + ROW]
        later = min((place for place in places if place >= start + ROW), default=places[-1])
        assert end == (max(near) if near else later)
        start = end


def test_no_text_has_no_rows() -> None:
    assert row_ends(b"", np.zeros(0, dtype=np.int64)).tolist() == []
