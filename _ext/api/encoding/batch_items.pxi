"""`BatchItem`: one text of a batch, whose ids become a list only when they are asked for."""

from libc.stdint cimport int64_t

from engine.sink.int_lists cimport list_of_ids


cdef class BatchItem:
    """What a subclass inherits whose objects are made by `items_of_batch`.

    An item without a buffer asks the methods `_find_ids` and `_find_length` of its subclass.

    Attributes:
        _batch: what it is a part of; None once it has left that.
        _index: its place there.
    """

    @property
    def ids(self) -> list[int]:
        """The id of each token."""
        cdef TokenBuffer buffer = self.buffer
        cdef list ids
        if buffer is None:
            return self._find_ids()
        ids = list_of_ids(&int_objects, buffer.ids.data + self.start,
                          <size_t>(self.stop - self.start))
        if self.before is None:
            return ids
        ids[:0] = self.before
        ids += self.after
        return ids

    def __len__(self) -> int:
        cdef Py_ssize_t around = 0
        if self.buffer is None:
            return self._find_length()
        if self.before is not None:
            around = len(self.before) + len(self.after)
        return self.stop - self.start + around

    def _leave_batch(self) -> None:
        """Makes the item independent of its batch."""
        self._batch = None
        self.buffer = None


def items_of_batch(type kind not None, batch, TokenBuffer buffer not None,
                   bytearray offsets not None, tuple around) -> list:
    """Makes an item for each text of a batch.

    Args:
        kind: a subclass of `BatchItem` without a constructor of its own.
        batch: what the items are a part of.
        buffer: the ids of all texts.
        offsets: where each text's begin, and where the last end: `int64[texts + 1]`.
        around: lists of the ids before and after each text's; None if there are none.
    """
    cdef const int64_t *bounds = <const int64_t *><char *>offsets
    cdef Py_ssize_t count = len(offsets) // <Py_ssize_t>sizeof(int64_t) - 1, i
    cdef list items = []
    cdef BatchItem item
    if not issubclass(kind, BatchItem):
        raise TypeError(f"{kind.__name__} is no subclass of BatchItem")
    if count >= 0 and bounds[count] > <int64_t>buffer.ids.length:
        raise ValueError("the offsets are those of another buffer")
    for i in range(count):
        item = <BatchItem>kind.__new__(kind)
        item._batch = batch
        item._index = i
        item.buffer = buffer
        item.start = bounds[i]
        item.stop = bounds[i + 1]
        if around is not None:
            item.before, item.after = around
        items.append(item)
    return items
