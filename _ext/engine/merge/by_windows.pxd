# Merges a long piece window by window.
#
# Tokens are the BPE of their joint bytes if and only if all neighbours are compatible (proof:
# docs/decisions/growing-counts.md). Let two stretches of a piece overlap, and let the BPE of both
# have the same token at the same place, where they *meet*. Then the first one's tokens up to there,
# followed by the second one's from there on, are the BPE of both together: each pair of neighbours
# was there before. So short windows of a piece are merged, each of which overlaps the one before.
# No property of the vocabulary is needed.
#
# A window begins where a token begins, so that the two nearly always meet in this token. Where they
# do not, a longer stretch is merged instead, twice as long each time, in the worst case from the
# beginning. A piece is divided into *lanes*, whose windows are merged in step (merge/in_step.pxd);
# a lane overlaps the next one, and if the two do not meet soon, it goes on beside it.
#
# Time: O(n) while windows meet; O(n log n) in the worst case, because a stretch makes half of its
# bytes known. Space: 80 KB, and 24 bytes per byte of the longest stretch. Loses to
# merge/by_queue.pxd where windows do not meet: a character repeated a few hundred times.

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from engine.base.heap cimport grow_bytes
from engine.base.interrupt cimport Interrupt, count_work
from engine.base.types cimport STATUS_NO_MEMORY, STATUS_OK
from engine.merge.by_queue cimport merge_by_queue
from engine.merge.in_step cimport (
    WINDOW_PARTS, WindowState, begin_window, look_up_first, look_up_last, make_merge, write_merged)
from engine.merge.queue cimport MergeMemory
from engine.merge.scan cimport SCAN_LIMIT, merge_by_scan
from engine.vocab.tables cimport Vocabulary, length_of_part

cdef enum:
    WINDOW_BYTES = 96
    WINDOW_OVERLAP = 8        # bytes before the end of a window where the next one may begin
    LANES = 16
    LANE_LEAST = 128           # bytes of a lane, without the overlap
    LANE_MOST = 1024
    LANE_OVERLAP = 32         # bytes

cdef struct Lane:
    # A stretch of a piece, of which the tokens of the beginning are known
    uint32_t *tokens          # borrowed: indices
    size_t count
    size_t start              # in the piece, in bytes
    size_t known              # where the known tokens end
    size_t end                # of the stretch
    size_t last               # number of the token at which it last met a window
    size_t place              # where that token begins

cdef struct Window:
    WindowState merge
    Lane *lane
    size_t start              # in the piece, in bytes: where a token of the lane begins
    size_t end

cdef struct Piece:
    const Vocabulary *vocabulary   # all borrowed
    MergeMemory *memory
    Interrupt *interrupt
    const uint8_t *bytes
    size_t length


cdef inline void step_back(const Vocabulary *vocabulary, Lane *lane, size_t place) noexcept nogil:
    """Makes `last` the token that `place` is in, or where it begins."""
    lane.last = lane.count
    lane.place = lane.known
    while lane.place > place:
        lane.last -= 1
        lane.place -= length_of_part(vocabulary, lane.tokens[lane.last])


cdef inline bint meet(
    const Vocabulary *vocabulary, Lane *lane, const uint32_t *tokens, size_t count, size_t *number,
    size_t *place
) noexcept nogil:
    """Finds the first token from `last` on that a lane has in common with other tokens.

    Args:
        tokens, count: the others.
        number, place: of the token of these to begin with, and where it begins; receive those of
            the common one, which becomes the lane's `last` one.

    Returns:
        Whether there is one.
    """
    while lane.last < lane.count and number[0] < count:
        if lane.place == place[0] and lane.tokens[lane.last] == tokens[number[0]]:
            return True
        if lane.place <= place[0]:
            lane.place += length_of_part(vocabulary, lane.tokens[lane.last])
            lane.last += 1
        else:
            place[0] += length_of_part(vocabulary, tokens[number[0]])
            number[0] += 1
    return False


cdef inline void go_on(
    Lane *lane, const uint32_t *tokens, size_t count, size_t known
) noexcept nogil:
    """Replaces the tokens from `last` on by others, which end at `known`."""
    memcpy(lane.tokens + lane.last, tokens, count * sizeof(uint32_t))
    lane.count = lane.last + count
    lane.known = known


cdef inline int merge_stretch(const Piece *piece, Lane *lane) noexcept nogil:
    """Makes more of a lane known, without windows."""
    cdef const Vocabulary *vocabulary = piece.vocabulary
    cdef const uint8_t *start
    cdef uint32_t *tokens
    cdef size_t length = SCAN_LIMIT, number, place, count, end
    cdef int status
    while True:
        place = lane.known - lane.start
        step_back(vocabulary, lane, lane.known - min(length // 4, place))
        place = lane.place
        end = min(lane.end, max(place + length, 2 * lane.known - place))
        start = piece.bytes + place
        if grow_bytes(&piece.memory.stretch, (end - place) * sizeof(uint32_t)) != STATUS_OK:
            return STATUS_NO_MEMORY
        tokens = <uint32_t *>piece.memory.stretch.data
        if end - place <= SCAN_LIMIT:
            count = merge_by_scan(vocabulary, start, end - place, tokens)
            status = count_work(piece.interrupt, end - place)
        else:
            status = merge_by_queue(
                vocabulary, piece.memory, piece.interrupt, start, end - place, tokens, &count)
        if status != STATUS_OK:
            return status
        number = 0
        if lane.last == 0 or meet(vocabulary, lane, tokens, count, &number, &place):
            go_on(lane, tokens + number, count - number, end)
            return STATUS_OK
        length *= 2


cdef inline int begin_next(const Piece *piece, Lane *lane, Window *window) noexcept nogil:
    """Begins to merge a lane's next window."""
    cdef size_t overlap
    cdef int status
    window.lane = lane
    while True:
        overlap = min(<size_t>WINDOW_OVERLAP, lane.known - lane.start)
        step_back(piece.vocabulary, lane, lane.known - overlap)
        window.start = lane.place
        window.end = window.start + begin_window(
            piece.vocabulary, &window.merge, piece.bytes + window.start,
            <uint32_t>min(lane.end - window.start, <size_t>WINDOW_BYTES))
        if window.end > lane.known + WINDOW_OVERLAP or window.end == lane.end:
            look_up_first(piece.vocabulary, &window.merge)
            return STATUS_OK
        status = merge_stretch(piece, lane)
        if status != STATUS_OK or lane.known == lane.end:
            return status


cdef inline int end_window(const Piece *piece, Window *window) noexcept nogil:
    """Adds the tokens of a merged window to its lane, or those of a stretch if they do not meet."""
    cdef Lane *lane = window.lane
    cdef uint32_t tokens[WINDOW_PARTS]
    cdef size_t count = write_merged(&window.merge, tokens), number = 0, place = window.start
    cdef int status = count_work(piece.interrupt, window.end - lane.known)
    if status != STATUS_OK:
        return status
    if lane.count == 0 or meet(piece.vocabulary, lane, tokens, count, &number, &place):
        go_on(lane, tokens + number, count - number, window.end)
        return STATUS_OK
    return merge_stretch(piece, lane)


cdef inline void merge_in_step(
    const Vocabulary *vocabulary, Window **windows, size_t count
) noexcept nogil:
    """Merges windows whose pairs have been looked up; changes their order."""
    cdef Window *window
    cdef size_t i, left
    while count:
        left = 0
        for i in range(count):
            window = windows[i]
            windows[left] = window
            left += make_merge(vocabulary, &window.merge)
        count = left
        for i in range(count):
            look_up_last(&windows[i].merge)


cdef inline int merge_lanes(const Piece *piece, Lane *lanes, size_t count) noexcept nogil:
    """Makes all tokens of some lanes known."""
    cdef Window windows[LANES]
    cdef Window *running[LANES]
    cdef size_t i, begun
    cdef int status
    while True:
        begun = 0
        for i in range(count):
            if lanes[i].known < lanes[i].end:
                status = begin_next(piece, lanes + i, windows + begun)
                if status != STATUS_OK:
                    return status
                running[begun] = windows + begun
                begun += lanes[i].known < lanes[i].end
        if begun == 0:
            return STATUS_OK
        merge_in_step(piece.vocabulary, running, begun)
        for i in range(begun):
            status = end_window(piece, windows + i)
            if status != STATUS_OK:
                return status


cdef inline int advance(const Piece *piece, Lane *lane) noexcept nogil:
    """Makes the tokens of a lane's next window known."""
    cdef Window window
    cdef Window *running = &window
    cdef int status = begin_next(piece, lane, &window)
    if status != STATUS_OK or lane.known == lane.end:
        return status
    merge_in_step(piece.vocabulary, &running, 1)
    return end_window(piece, &window)


cdef inline int add_lane(const Piece *piece, Lane *whole, const Lane *lane) noexcept nogil:
    """Adds the tokens of a merged lane to those of the piece, as far as these are known."""
    cdef size_t number = 0, place = lane.start
    cdef int status
    step_back(piece.vocabulary, whole, lane.start)
    while whole.count and not meet(
            piece.vocabulary, whole, lane.tokens, lane.count, &number, &place):
        if whole.known >= lane.end:
            return STATUS_OK
        status = advance(piece, whole)
        if status != STATUS_OK:
            return status
    go_on(whole, lane.tokens + number, lane.count - number, lane.end)
    return STATUS_OK


cdef inline int add_lanes(const Piece *piece, Lane *whole) noexcept nogil:
    """Makes more of a piece known, by up to LANES lanes."""
    cdef Lane lanes[LANES]
    cdef size_t left = piece.length - whole.known, count = 0, i
    cdef size_t step = min(max(left // LANES + 1, <size_t>LANE_LEAST), <size_t>LANE_MOST)
    cdef size_t start = whole.known
    cdef int status
    if grow_bytes(&piece.memory.lanes,
                  LANES * (step + LANE_OVERLAP) * sizeof(uint32_t)) != STATUS_OK:
        return STATUS_NO_MEMORY
    step_back(piece.vocabulary, whole, start - min(start, <size_t>WINDOW_OVERLAP))
    start = whole.place
    while count < LANES and start < piece.length:
        lanes[count].tokens = (
            <uint32_t *>piece.memory.lanes.data + count * (step + LANE_OVERLAP))
        lanes[count].count = 0
        lanes[count].start = lanes[count].known = start
        lanes[count].end = min(start + step + LANE_OVERLAP, piece.length)
        count += 1
        if lanes[count - 1].end == piece.length:
            break
        start += step
    status = merge_lanes(piece, lanes, count)
    for i in range(count):
        if status == STATUS_OK:
            status = add_lane(piece, whole, lanes + i)
    return status


cdef inline int merge_by_windows(
    const Vocabulary *vocabulary, MergeMemory *memory, Interrupt *interrupt, const uint8_t *bytes,
    size_t length, uint32_t *out, size_t *count
) noexcept nogil:
    """Merges a piece of any length; arguments as for `merge_by_queue`."""
    cdef Piece piece
    cdef Lane whole
    cdef int status
    piece.vocabulary = vocabulary
    piece.memory = memory
    piece.interrupt = interrupt
    piece.bytes = bytes
    piece.length = length
    whole.tokens = out
    whole.count = 0
    whole.start = 0
    whole.known = 0
    whole.end = length
    while whole.known < length:
        status = add_lanes(&piece, &whole)
        if status != STATUS_OK:
            return status
    count[0] = whole.count
    return STATUS_OK
