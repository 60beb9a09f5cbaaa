"""Shared memory of pools: no name is left behind, and the ring loses nothing."""

from __future__ import annotations

import errno
import gc
import os
import random
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from programs import output_of, run_python

from bpecore._core import RingReader, RingWriter, SharedWords
from bpecore.pool.wire.segments import (
    FOLDER,
    create_segment,
    new_owner,
    open_segment,
    sweep,
)

needs_names = pytest.mark.skipif(not FOLDER.is_dir(), reason="names cannot be listed here")


ENDS: tuple[Callable[..., Any], ...] = (RingReader, RingWriter)


def ring(size: int) -> tuple[RingWriter, RingReader]:
    words, data = SharedWords(bytearray(128)), memoryview(bytearray(size))
    return RingWriter(words, 0, 8, data), RingReader(words, 0, 8, data)


def test_messages_come_out_as_they_went_in() -> None:
    writer, reader = ring(256)
    chance = random.Random(1)
    waiting: list[bytes] = []
    passed = full = 0
    while passed < 5000:
        message = chance.randbytes(chance.randint(0, writer.largest))
        cut = chance.randint(0, len(message))
        if chance.random() < 0.6:
            room = writer.has_room(len(message))
            assert writer.write([message[:cut], message[cut:]], len(message)) == room
            waiting += [message] * room
            full += not room
        elif waiting:
            found = reader.read()
            assert found is not None
            assert bytes(found) == waiting.pop(0)
            reader.release(reader.cursor)
            passed += 1
        else:
            assert reader.read() is None
    assert full > 100


def test_messages_stay_until_they_are_released() -> None:
    writer, reader = ring(256)
    messages = [bytes([number]) * 40 for number in range(5)]
    for message in messages:
        assert writer.write([message], len(message))
    views, ends = [], []
    for _ in messages:
        view = reader.read()
        assert view is not None
        views.append(view)
        ends.append(reader.cursor)
    assert not writer.has_room(40)
    assert views == messages
    reader.release(ends[1])
    assert writer.write([bytes(40)], 40)
    assert writer.write([bytes(40)], 40)
    assert not writer.has_room(40)
    assert views[2:] == messages[2:]
    reader.release(ends[1])
    assert not writer.has_room(40)
    assert reader.read() == bytes(40)


def test_the_largest_message_fits_into_an_empty_ring_wherever_it_begins() -> None:
    for before in range(0, 256, 8):
        writer, reader = ring(256)
        for length in (max(before - 8, 0) // 2 // 8 * 8, max(before - 8, 0) // 2 // 8 * 8):
            assert writer.write([bytes(length)], length)
            assert reader.read() is not None
            reader.release(reader.cursor)
        message = bytes(range(writer.largest))
        assert writer.write([message], len(message))
        assert bytes(reader.read() or b"") == message


def test_a_message_has_the_length_that_is_told() -> None:
    writer, reader = ring(64)
    for length in (3, 5):
        with pytest.raises(ValueError, match="bytes"):
            writer.write([b"ab", b"cd"], length)
        assert reader.read() is None
    for length in (57, 1 << 63, (1 << 64) - 1):
        assert not writer.has_room(length)
        assert not writer.write([bytes(57)], length)
    assert writer.write([b"ab", memoryview(b"cd"), bytearray(b"e")], 5)
    assert bytes(reader.read() or b"") == b"abcde"


@pytest.mark.parametrize("tail", [8, 72, 1 << 40, (1 << 64) - 8])
def test_a_message_that_is_not_written_is_refused(tail: int) -> None:
    words, data = SharedWords(bytearray(128)), bytearray(64)
    reader = RingReader(words, 0, 8, data)
    data[:8] = struct.pack("<q", 8)
    words.store(8, tail)
    with pytest.raises(ValueError, match="the ring is damaged"):
        reader.read()


@pytest.mark.parametrize("length", [-2, 57, 1 << 62])
@pytest.mark.parametrize("wrapped", [False, True])
def test_a_damaged_ring_is_refused(length: int, wrapped: bool) -> None:
    words, data = SharedWords(bytearray(128)), bytearray(64)
    reader = RingReader(words, 0, 8, data)
    words.store(8, 64)
    if wrapped:
        data[:8] = struct.pack("<q", 40)
        data[48:56] = struct.pack("<q", -1)
        assert len(reader.read() or b"") == 40
        words.store(8, 80)
    data[:8] = struct.pack("<q", length)
    with pytest.raises(ValueError, match="the ring is damaged"):
        reader.read()


def test_a_closed_ring_is_refused() -> None:
    memory = bytearray(64)
    words = SharedWords(bytearray(128))
    writer, reader = RingWriter(words, 0, 8, memory), RingReader(words, 0, 8, memory)
    for end in (writer, reader, writer, reader):
        end.close()
    memory.append(0)  # nobody has it open
    with pytest.raises(ValueError, match="closed"):
        writer.write([b"a"], 1)
    with pytest.raises(ValueError, match="closed"):
        writer.has_room(1)
    with pytest.raises(ValueError, match="closed"):
        reader.read()
    for size in (0, 12):
        with pytest.raises(ValueError, match="multiple of 8"):
            RingWriter(words, 0, 8, bytearray(size))
    with pytest.raises(IndexError):
        RingReader(words, 0, 16, bytearray(64))
    words.store(8, 4)
    for kind in ENDS:
        with pytest.raises(ValueError, match="multiple of 8"):
            kind(words, 0, 8, bytearray(64))


def test_an_unclosed_ring_in_a_cycle_lets_go_of_its_memory() -> None:
    class Holder:
        pass

    memory = bytearray(64)
    holder: Any = Holder()
    holder.ends = [kind(SharedWords(bytearray(128)), 0, 8, memory) for kind in ENDS]
    holder.itself = holder
    del holder
    gc.collect()
    memory.append(0)  # nobody has it open


def test_words_are_checked() -> None:
    memory = bytearray(24)
    words = SharedWords(memory)
    words.store(2, 1 << 63)
    assert [words.load(place) for place in range(len(words))] == [0, 0, 1 << 63]
    for place in (3, 1 << 40):
        with pytest.raises(IndexError):
            words.load(place)
        with pytest.raises(IndexError):
            words.store(place, 1)
    with pytest.raises(OverflowError):
        words.store(0, -1)
    with pytest.raises(ValueError, match="multiple of 8"):
        SharedWords(memoryview(memory)[4:])
    with pytest.raises(BufferError):
        memory.append(0)
    words.release()
    words.release()
    memory.append(0)
    with pytest.raises(IndexError):
        words.load(0)


@needs_names
def test_a_segment_lives_without_its_name() -> None:
    made = create_segment(100, new_owner())
    opened = open_segment(made.name)
    made.unlink()
    made.unlink()
    assert not (FOLDER / made.name).exists()
    assert made.buf is not None
    assert opened.buf is not None
    made.buf[7] = 7
    assert opened.buf[7] == 7
    with pytest.raises(FileNotFoundError):
        open_segment(made.name)
    made.close()
    opened.close()
    with pytest.raises(ValueError, match="not the name"):
        open_segment("something")


@needs_names
def test_a_segment_that_there_is_no_room_for_is_an_error_and_leaves_nothing() -> None:
    """Without the error, a process that writes into it is killed."""
    system = os.statvfs(FOLDER)
    if not system.f_blocks:
        pytest.skip("shared memory is not bounded here")
    size = (system.f_blocks + 1) * system.f_frsize
    owner = new_owner()
    with pytest.raises(OSError, match=f"no {size} bytes of shared memory") as error:
        create_segment(size, owner)
    assert error.value.errno == errno.ENOSPC
    assert sweep(owner) == 0


def left_by_a_dead_process(folder: Path) -> str:
    """Returns the name of a segment whose creator ended without unlinking it."""
    code = """
import os
from bpecore.pool.wire.segments import *
print(create_segment(8, new_owner()).name, flush=True)
os._exit(0)
"""
    return output_of(code, folder=folder).strip()


def make_old(name: str) -> None:
    os.utime(FOLDER / name, (time.time() - 100,) * 2)


@needs_names
def test_the_sweep_takes_old_names_of_dead_processes_only(tmp_path: Path) -> None:
    mine = create_segment(8, owner := new_owner())
    old, young = left_by_a_dead_process(tmp_path), left_by_a_dead_process(tmp_path)
    other = FOLDER / "bpecore-corpus.txt"
    other.write_bytes(b"a user's own")
    for name in (mine.name, old, other.name):
        make_old(name)
    assert sweep() >= 1
    assert not (FOLDER / old).exists()
    for name in (mine.name, young, other.name):
        assert (FOLDER / name).exists()
    assert sweep(owner) == 1
    assert not (FOLDER / mine.name).exists()
    mine.close()
    make_old(young)
    other.unlink()
    sweep()


@needs_names
def test_the_resource_tracker_says_nothing(tmp_path: Path) -> None:
    code = """
from bpecore.pool.wire.segments import *
a = create_segment(8, new_owner()); b = open_segment(a.name); a.unlink()
a.close(); b.close()
print(create_segment(8, new_owner()).name)
"""
    done = run_python("-c", code, folder=tmp_path, check=True)
    assert done.stderr == ""
    left = FOLDER / done.stdout.strip()
    assert left.exists(), "the tracker does not know it"
    left.unlink()


def test_a_view_that_somebody_keeps_is_no_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    noise: list[Any] = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)
    segment = create_segment(4096, new_owner())
    segment.unlink()
    view = segment.buf[:8]
    segment.close()
    del segment
    gc.collect()
    view[0] = 1
    assert view[0] == 1
    assert noise == []
