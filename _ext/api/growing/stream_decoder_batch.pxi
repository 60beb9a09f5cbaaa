"""`StreamDecoderBatch`: the texts of many growing sequences of ids."""

cimport cython
from cpython.buffer cimport PyObject_CheckBuffer
from cpython.list cimport PyList_New
from cpython.sequence cimport PySequence_Check
from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from api.arguments cimport collect_buffer, collect_ids, integer_of
from engine.base.exclusive cimport leave
from engine.sink.id_buffer cimport IdBuffer, release_ids
from engine.base.heap cimport allocate_zeroed, release


def _make_batch_arguments():
    def StreamDecoderBatch(encoding, n, errors="replace", *, skip_special=False, unknown="raise"):
        return encoding, n, errors, skip_special, unknown
    return StreamDecoderBatch


cdef object batch_arguments = _make_batch_arguments()


def _resume_batch(encoding, n, errors, skip_special, unknown, incomplete):
    """Returns the decoder that `StreamDecoderBatch.__reduce__` describes."""
    cdef StreamDecoderBatch decoder = StreamDecoderBatch(
        encoding, n, errors, skip_special=skip_special, unknown=unknown)
    cdef size_t i
    for place, pending in incomplete.items():
        i = place
        if i >= decoder.count:
            raise IndexError(f"there is no sequence {i} among {decoder.count}")
        decoder.pending[i] = pending_bytes(pending)
    return decoder


@cython.final
cdef class StreamDecoderBatch(TextOfIds):
    """Decodes many growing sequences of ids; one call advances all of them.

    Each sequence is decoded as by a `StreamDecoder` of its own. Not for several threads at once.

    Args:
        encoding: a `bpecore.Encoding`.
        n: how many sequences there are.
        errors: what to do about invalid UTF-8, as in `bytes.decode`.
        skip_special: as for `Encoding.decode`, as is `unknown`.

    Raises:
        TypeError: `encoding` is not a `bpecore.Encoding`, or `errors` not a string.
        ValueError: `n` is negative, or `unknown` is none of the three.
        LookupError: there is no error handler of that name.

    Example:
        >>> import bpecore
        >>> encoding = bpecore.get_encoding("o200k_base")
        >>> decoder = bpecore.StreamDecoderBatch(encoding, 3)
        >>> decoder.feed([24912, [24912, 2375], []])
        ['hello', 'hello world', '']
        >>> decoder.feed_ragged([2375, 24912, 2375], [0, 1, 1, 3])
        [' world', '', 'hello world']
    """

    cdef size_t count
    cdef PendingBytes *pending     # owned: [count]
    cdef PendingBytes *following   # owned: [count], pending after the running call
    cdef IdBuffer offsets

    __signature__ = Signature(batch_arguments)

    def __cinit__(self, *arguments, **named):
        cdef Py_ssize_t count
        encoding, n, errors, skip_special, unknown = batch_arguments(*arguments, **named)
        count = integer_of("n", n)
        self._open(encoding, errors)
        self._open_rules(skip_special, unknown)
        if count < 0:
            raise ValueError(f"there cannot be {count} sequences")
        self.count = <size_t>count
        self.pending = <PendingBytes *>allocate_zeroed(self.count, sizeof(PendingBytes))
        self.following = <PendingBytes *>allocate_zeroed(self.count, sizeof(PendingBytes))
        if self.pending == NULL or self.following == NULL:
            raise MemoryError(f"no memory for {count} sequences")

    def __dealloc__(self):
        release(self.pending)
        release(self.following)
        release_ids(&self.offsets, True)

    def __repr__(self) -> str:
        return f"{self._described()}n={self.count}, incomplete={len(self._incomplete())}>"

    def __copy__(self):
        return copied(self)

    def __deepcopy__(self, memo):
        return copied(self)

    def __reduce__(self):
        """A decoder is pickled as its arguments, and the beginnings of incomplete characters."""
        self._enter()
        try:
            return _resume_batch, (
                self.encoding, self.count, self.errors.decode("utf-8"),
                bool(self.rules.skip_special), name_of_unknown(&self.rules), self._incomplete())
        finally:
            leave(&self.in_use)

    cdef dict _incomplete(self):
        """Returns the beginning of each incomplete character, by the number of its sequence."""
        cdef dict found = {}
        cdef size_t i
        for i in range(self.count):
            if self.pending[i].count:
                found[i] = saved_bytes(&self.pending[i])
        return found

    def __len__(self) -> int:
        """Returns how many sequences there are."""
        return self.count

    def feed(self, ids) -> list:
        """Takes the next ids of every sequence; none of any if there is an error.

        Args:
            ids: one entry per sequence: an id, a sequence of ids (which may be empty), or None for
                no id. Or a numpy array with one id per sequence, fastest as `uint32`.

        Returns:
            The new text of each sequence, which may be empty.

        Raises:
            ValueError: there are not as many entries as sequences.
            KeyError: an id is unknown, and `unknown` is "raise".
            UnicodeDecodeError: bytes are invalid and `errors` is "strict".
            OverflowError: an id is negative or above 2**32 - 1, and the last two arguments of the
                decoder have their defaults.
            TypeError: an entry is none of these, or `ids` is not a sequence.
            RuntimeError: the decoder is in use by another call.
        """
        self._enter()
        try:
            return self._feed(ids)
        finally:
            leave(&self.in_use)

    cdef list _feed(self, ids):
        cdef list texts
        cdef size_t i = 0
        if isinstance(ids, str) or not PySequence_Check(ids):
            raise TypeError(f"ids must be a sequence with an entry for each of {self.count} "
                            f"sequences, not {type(ids).__name__}: {ids!r:.80}")
        self._begin()
        if PyObject_CheckBuffer(ids) and collect_buffer(
                ids, &self.ids, &self.rules.no_token if self.has_rules else NULL):
            self._check_count(self.ids.length)
            texts = PyList_New(<Py_ssize_t>self.count)
            for i in range(self.count):
                put(texts, i, self._decode_next(self.ids.data + i, 1, &self.following[i], ids, i))
            return self._end(texts)
        self._check_count(<size_t>len(ids))
        texts = PyList_New(<Py_ssize_t>self.count)
        for entry in ids:
            if i == self.count:
                break
            put(texts, i, "" if entry is None else self._decode_object(entry, &self.following[i]))
            i += 1
        self._check_count(i)
        return self._end(texts)

    def feed_ragged(self, ids, offsets) -> list:
        """Takes the next ids of every sequence from one array.

        Args:
            ids: the new ids of all sequences, a sequence or a numpy array, fastest as `uint32`.
            offsets: n + 1 numbers: sequence i gets `ids[offsets[i]:offsets[i + 1]]`.

        Returns:
            The new text of each sequence, which may be empty.

        Raises:
            ValueError: the offsets are not n + 1, do not ascend, or do not span the ids.
            KeyError: as for `feed`, as are all other exceptions.
        """
        self._enter()
        try:
            return self._feed_ragged(ids, offsets)
        finally:
            leave(&self.in_use)

    cdef list _feed_ragged(self, ids, offsets):
        cdef list texts
        cdef const uint32_t *places
        cdef size_t i, start
        self._begin()
        self._collect(ids)
        collect_ids(offsets, &self.offsets)
        if self.offsets.length != self.count + 1:
            raise ValueError(f"{self.count} sequences need {self.count + 1} offsets, "
                             f"not {self.offsets.length}")
        places = self.offsets.data
        if places[0] != 0 or places[self.count] != self.ids.length:
            raise ValueError(f"the offsets go from {places[0]} to {places[self.count]}, "
                             f"not from 0 to {self.ids.length}, the number of ids")
        for i in range(self.count):
            if places[i] > places[i + 1]:
                raise ValueError(f"the offsets descend at {i + 1}: "
                                 f"{places[i]} to {places[i + 1]}")
        texts = PyList_New(<Py_ssize_t>self.count)
        for i in range(self.count):
            start = places[i]
            put(texts, i, self._decode_next(self.ids.data + start, places[i + 1] - start,
                                            &self.following[i], ids, start))
        return self._end(texts)

    def flush(self, sequence) -> str:
        """Ends the text of one sequence; its number then belongs to a new one.

        Args:
            sequence: its number, 0 to n - 1.

        Returns:
            What `errors` makes of an incomplete character at the end; empty if there is none.

        Raises:
            IndexError: there is no such sequence.
            UnicodeDecodeError: there is one and `errors` is "strict". The sequence can continue.
            RuntimeError: the decoder is in use by another call.
        """
        cdef Py_ssize_t place = integer_of("sequence", sequence)
        cdef str text
        if not 0 <= place < <Py_ssize_t>self.count:
            raise IndexError(f"there is no sequence {place} among {self.count}")
        self._enter()
        try:
            text = self._decode_rest(&self.pending[place])
            self.pending[place].count = 0
            return text
        finally:
            leave(&self.in_use)

    cdef int _check_count(self, size_t found) except -1:
        if found != self.count:
            raise ValueError(f"there are {self.count} sequences, but ids for {found}")
        return 0

    cdef int _begin(self) except -1:
        memcpy(self.following, self.pending, self.count * sizeof(PendingBytes))
        return 0

    cdef list _end(self, list texts):
        """Makes the bytes that the call leaves pending the new state."""
        cdef PendingBytes *swapped = self.pending
        self.pending = self.following
        self.following = swapped
        return texts
