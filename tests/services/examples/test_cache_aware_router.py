"""The router: where prompts go, and what a cache evicts."""

from __future__ import annotations

import asyncio

import pytest
from loading import load_example

import bpecore

SYSTEM = "You answer questions about rivers in one short sentence. " * 20


def test_made_up_chats_find_most_of_their_tokens() -> None:
    router = load_example("cache_aware_router", "anyio")
    assert asyncio.run(router.main()) > 0.8


def test_where_prompts_go() -> None:
    example = load_example("cache_aware_router", "anyio")
    aio = pytest.importorskip("bpecore.aio")

    async def main() -> None:
        servers = [example.Server("one"), example.Server("two")]
        encoding = bpecore.get_encoding("o200k_base")
        async with aio.AsyncEncoder(encoding) as encoder:
            router = example.Router(servers, encoder)
            first = await router.choose(SYSTEM + "Where is the Danube?")
            assert first.cached == 0
            assert first.tokens == encoding.count(SYSTEM + "Where is the Danube?")
            router.finished(first)
            again = await router.choose(SYSTEM + "Where is the Rhine?")
            other = await router.choose("Something else. " * 30)
            assert again.server is first.server
            assert again.cached // 16 * 16 == again.cached
            assert again.cached > 0.9 * again.tokens
            assert other.server is not first.server, "the other one has less to do"
            for decision in (again, other):
                router.finished(decision)
            assert [server.load for server in servers] == [0, 0]

    asyncio.run(main())


def test_a_full_cache_forgets_what_was_used_least_lately() -> None:
    example = load_example("cache_aware_router", "anyio")
    server = example.Server("small", capacity=3)
    server.remember([1, 2, 3])
    server.remember([1, 4])
    assert list(server.blocks) == [3, 1, 4]
    assert server.cached_tokens([1, 4, 5]) == 32
    assert server.cached_tokens([2, 1]) == 0


def test_no_servers() -> None:
    example = load_example("cache_aware_router", "anyio")
    with pytest.raises(ValueError, match="server"):
        example.Router([], None)
