"""Downloads: the cache directory is tiktoken's, hashes are checked, nothing waits forever."""

from __future__ import annotations

import hashlib
import http.server
import os
import socket
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import tiktoken.load

from bpecore import load
from bpecore.data import rank_tables as data

CONTENTS = b"what the server has\n"
CONTENTS_SHA256 = hashlib.sha256(CONTENTS).hexdigest()
OTHER_SHA256 = hashlib.sha256(b"something else").hexdigest()


class Server:
    """A local HTTP server that counts requests."""

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.contents = CONTENTS
        self.release_silence = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requests[self.path] += 1
                if self.path == "/silent":
                    outer.release_silence.wait(30)
                    return
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/file")
                    self.end_headers()
                    return
                self.send_response(200 if self.path in ("/file", "/cut") else 404)
                missing = 5 if self.path == "/cut" else 0
                self.send_header("Content-Length", str(len(outer.contents) + missing))
                self.end_headers()
                self.wfile.write(outer.contents)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    server = Server()
    thread = threading.Thread(target=server.httpd.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.release_silence.set()
    server.httpd.shutdown()
    thread.join()
    server.httpd.server_close()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(folder))
    return folder


def cache_file(folder: Path, url: str) -> Path:
    return folder / hashlib.sha1(url.encode()).hexdigest()


def test_url_is_downloaded_once(server: Server, cache: Path) -> None:
    url = server.url + "/file"
    for _ in range(3):
        assert load.read_file_cached(url) == CONTENTS
        assert load.read_file_cached(url, CONTENTS_SHA256) == CONTENTS
    assert server.requests == {"/file": 1}
    assert os.listdir(cache) == [cache_file(cache, url).name]
    assert cache_file(cache, url).read_bytes() == CONTENTS


def test_cache_is_shared_with_tiktoken_both_ways(server: Server, cache: Path) -> None:
    load.read_file_cached(server.url + "/file")
    assert tiktoken.load.read_file_cached(server.url + "/file") == CONTENTS
    assert server.requests == {"/file": 1}
    cache_file(cache, server.url + "/other").write_bytes(b"kept by tiktoken")
    assert load.read_file_cached(server.url + "/other") == b"kept by tiktoken"
    assert server.requests == {"/file": 1}


def test_redirects_are_followed(server: Server, cache: Path) -> None:
    assert load.read_file_cached(server.url + "/moved") == CONTENTS
    assert cache_file(cache, server.url + "/moved").read_bytes() == CONTENTS


def test_cached_file_with_a_wrong_hash_is_downloaded_again(server: Server, cache: Path) -> None:
    url = server.url + "/file"
    cache.mkdir()
    cache_file(cache, url).write_bytes(b"damaged")
    assert load.read_file_cached(url) == b"damaged"
    assert load.read_file_cached(url, CONTENTS_SHA256) == CONTENTS
    assert server.requests == {"/file": 1}
    assert cache_file(cache, url).read_bytes() == CONTENTS


@pytest.mark.parametrize("is_cached", [False, True])
def test_wrong_hash_after_download_is_an_error_and_leaves_no_file(
    server: Server, cache: Path, is_cached: bool
) -> None:
    url = server.url + "/file"
    cache.mkdir()
    if is_cached:
        cache_file(cache, url).write_bytes(CONTENTS)
    for attempt in (1, 2):
        with pytest.raises(ValueError, match="Hash mismatch") as error:
            load.read_file_cached(url, OTHER_SHA256)
        for detail in (url, OTHER_SHA256, CONTENTS_SHA256):
            assert detail in str(error.value)
        assert server.requests == {"/file": attempt}
    assert os.listdir(cache) == []


def test_empty_variable_turns_caching_off_but_not_the_check(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", "")
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", str(tmp_path / "unused"))
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert load.read_file_cached(server.url + "/file", CONTENTS_SHA256) == CONTENTS
    assert server.requests == {"/file": 2}
    with pytest.raises(ValueError, match="Hash mismatch"):
        load.read_file_cached(server.url + "/file", OTHER_SHA256)
    assert os.listdir(tmp_path) == []


def test_variables_are_read_at_every_call_in_their_order(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = server.url + "/file"
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "first"))
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", str(tmp_path / "second"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load.read_file_cached(url)
    assert os.listdir(tmp_path) == ["first"]
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    load.read_file_cached(url)
    assert sorted(os.listdir(tmp_path)) == ["first", "second"]
    monkeypatch.delenv("DATA_GYM_CACHE_DIR")
    load.read_file_cached(url)
    assert sorted(os.listdir(tmp_path)) == ["data-gym-cache", "first", "second"]
    for folder in ("first", "second", "data-gym-cache"):
        assert cache_file(tmp_path / folder, url).read_bytes() == CONTENTS


def test_users_directory_that_cannot_be_written_is_an_error(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "file" / "cache"))
    with pytest.raises(OSError, match="file"):
        load.read_file_cached(server.url + "/file")


def test_default_directory_that_cannot_be_used_is_ignored(
    server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR", raising=False)
    monkeypatch.delenv("DATA_GYM_CACHE_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "data-gym-cache").write_bytes(b"a file, not a directory")
    assert load.read_file_cached(server.url + "/file") == CONTENTS
    os.remove(tmp_path / "data-gym-cache")
    cache_file(tmp_path / "data-gym-cache", server.url + "/file").mkdir(parents=True)
    assert load.read_file_cached(server.url + "/file") == CONTENTS


def test_interrupted_write_leaves_nothing_behind(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(source: str, destination: str) -> None:
        assert Path(source).parent == Path(destination).parent == cache
        assert Path(source).read_bytes() == CONTENTS
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            load.read_file_cached(server.url + "/file")
    assert os.listdir(cache) == []
    assert load.read_file_cached(server.url + "/file") == CONTENTS


def test_many_threads_see_whole_files_only(server: Server, cache: Path) -> None:
    server.contents = CONTENTS * 10_000
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(load.read_file_cached(server.url + "/file")))
        for _ in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [server.contents] * 16
    assert os.listdir(cache) == [cache_file(cache, server.url + "/file").name]


def test_silent_server_times_out(
    server: Server, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load.HTTP_TIMEOUT_SECONDS == 60
    monkeypatch.setattr(load, "HTTP_TIMEOUT_SECONDS", 0.2)
    with pytest.raises(OSError, match=r"could not download http://127.*/silent: .*timed out"):
        load.read_file_cached(server.url + "/silent")


@pytest.mark.parametrize(
    ("path", "fault"),
    [("/absent", "HTTP Error 404"), ("/cut", r"IncompleteRead\(20 bytes read, 5 more expected")],
)
def test_failed_download_is_an_os_error_that_names_the_url(
    server: Server, cache: Path, path: str, fault: str
) -> None:
    with pytest.raises(OSError, match=fault) as error:
        load.read_file_cached(server.url + path)
    assert server.url + path in str(error.value)
    assert not cache.exists()


@pytest.mark.parametrize("url", ["http://", "http://[", "http://a b/", "http://é/\ud800"])
def test_malformed_url_is_an_os_error_that_names_it(
    url: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(socket, "getaddrinfo", None)  # nothing is looked up
    with pytest.raises(OSError, match="could not download") as error:
        load.read_file(url)
    assert url in str(error.value)


def test_unreachable_server_is_an_os_error_that_names_the_url(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        with pytest.raises(OSError, match="could not download") as error:
            load.read_file_cached(url)
    assert url in str(error.value)


def test_local_file_is_read_anew_every_time(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "local"
    for contents in (b"old", b"new"):
        path.write_bytes(contents)
        assert load.read_file_cached(path) == contents
    assert not cache.exists()


def test_local_file_with_a_wrong_hash_is_an_error_and_stays(cache: Path, tmp_path: Path) -> None:
    path = tmp_path / "local"
    path.write_bytes(CONTENTS)
    assert load.read_file_cached(path, CONTENTS_SHA256) == CONTENTS
    with pytest.raises(ValueError, match="Hash mismatch") as error:
        load.read_file_cached(path, OTHER_SHA256)
    for detail in (str(path), OTHER_SHA256, CONTENTS_SHA256):
        assert detail in str(error.value)
    assert path.read_bytes() == CONTENTS


OPENAI_URL = "https://openaipublic.blob.core.windows.net/encodings/r50k_base.tiktoken"


def test_openai_url_prefers_the_users_cache_and_writes_nothing_there(cache: Path) -> None:
    original = data.tiktoken_file("r50k_base")
    assert load.read_file_cached(OPENAI_URL) == original
    assert not cache.exists()
    cache.mkdir()
    cache_file(cache, OPENAI_URL).write_bytes(b"the user's own")
    assert load.read_file_cached(OPENAI_URL) == b"the user's own"
    assert load.read_file_cached(OPENAI_URL, hashlib.sha256(original).hexdigest()) == original
    assert os.listdir(cache) == []
