"""The socket where others connect to a process of a pool, when there are no descriptors left."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bpecore.pool.wire.control import Control
from bpecore.pool.wire.listener import Listener

resource = pytest.importorskip("resource")


@contextmanager
def no_descriptors() -> Iterator[None]:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def test_what_cannot_be_accepted_does_not_keep_the_selector_busy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = str(tmp_path / "socket")
    ours, theirs = socket.socketpair()
    with selectors.DefaultSelector() as selector, ours, theirs:
        listener = Listener(address, selector, "listener")
        selector.register(ours, selectors.EVENT_READ, "other")
        client = Control.connect(address, 10.0)
        assert [key.data for key, _ in selector.select(10.0)] == ["listener"]
        with no_descriptors(), monkeypatch.context() as patch:
            patch.setattr(time, "sleep", lambda _: pytest.fail("it waits"))
            assert listener.accept() is None
        assert selector.select(0) == []
        theirs.send(b"x")
        assert [key.data for key, _ in selector.select(10.0)] == ["other"]
        ours.recv(1)
        assert listener.due is not None
        time.sleep(max(listener.due - time.monotonic(), 0.0))
        listener.watch_again()
        assert listener.due is None
        assert [key.data for key, _ in selector.select(10.0)] == ["listener"]
        accepted = listener.accept()
        assert accepted is not None
        client.send(did="arrive")
        selector.register(accepted, selectors.EVENT_READ, "accepted")
        assert [key.data for key, _ in selector.select(10.0)] == ["accepted"]
        assert accepted.receive() == [{"did": "arrive"}]
        for connection in (accepted, client, listener):
            connection.close()


def test_it_is_not_watched_before_its_time(tmp_path: Path) -> None:
    address = str(tmp_path / "socket")
    with selectors.DefaultSelector() as selector:
        listener = Listener(address, selector, None)
        client = Control.connect(address, 10.0)
        with no_descriptors():
            assert listener.accept() is None
        listener.due = time.monotonic() + 60.0
        listener.watch_again()
        assert selector.select(0) == []
        client.close()
        listener.close()


def test_a_path_that_is_too_long_is_told(tmp_path: Path) -> None:
    with selectors.DefaultSelector() as selector:
        with pytest.raises(OSError, match="whose path may have 107 bytes"):
            Listener(str(tmp_path / ("long" * 40)), selector, None)
        assert not selector.get_map()
