"""A router that sends each prompt to the server that has most of its beginning in its cache.

    python -m examples.cache_aware_router

prints what it saves, on made-up chats. A server that has computed the beginning of a prompt before
need not compute it again; so chats should stay where they began, and prompts with the same system
message should come together, unless their server has much more to do than the others.
"""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from dataclasses import dataclass, field

import bpecore
from bpecore.aio import AsyncEncoder
from bpecore.prefix_hash import prefix_hashes

BLOCK = 16  # tokens, as in the servers' caches


@dataclass
class Server:
    """What the router knows of a server.

    Attributes:
        name: its name.
        capacity: blocks that its cache holds.
        load: tokens that it was sent and has not finished.
        blocks: the hashes of the blocks that should be in its cache, the newest last.
    """

    name: str
    capacity: int = 4096
    load: int = 0
    blocks: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def cached_tokens(self, hashes: list[int]) -> int:
        """Returns how many tokens of a prompt are in the cache: whole blocks from the start on."""
        found = 0
        for value in hashes:
            if value not in self.blocks:
                break
            found += BLOCK
        return found

    def remember(self, hashes: list[int]) -> None:
        """Notes that a prompt was sent here; forgets the blocks that were used least lately."""
        for value in hashes:
            self.blocks[value] = None
            self.blocks.move_to_end(value)
        while len(self.blocks) > self.capacity:
            self.blocks.popitem(last=False)


@dataclass(frozen=True)
class Decision:
    """Where a prompt goes.

    Attributes:
        server: the server.
        tokens: the prompt's length.
        cached: those that the server need not compute.
    """

    server: Server
    tokens: int
    cached: int


class Router:
    """Chooses a server for each prompt.

    Args:
        servers: the servers.
        encoder: the encoding of their model.
    """

    def __init__(self, servers: list[Server], encoder: AsyncEncoder) -> None:
        if not servers:
            raise ValueError("a router needs a server")
        self.servers = servers
        self.encoder = encoder

    async def choose(self, prompt: str) -> Decision:
        """Chooses the server that is done first: by its load, and by what it has to compute.

        Args:
            prompt: the whole prompt, as the server gets it.

        Returns:
            The decision; the load is the server's until `finished` is called with it.
        """
        ids = await self.encoder.encode(prompt, disallowed_special=())
        hashes = prefix_hashes(ids, BLOCK)
        cached = {server.name: server.cached_tokens(hashes) for server in self.servers}
        best = min(self.servers, key=lambda server: server.load - cached[server.name])
        best.remember(hashes)
        decision = Decision(best, len(ids), cached[best.name])
        best.load += decision.tokens - decision.cached
        return decision

    @staticmethod
    def finished(decision: Decision) -> None:
        """Takes a prompt that is answered off its server's load."""
        decision.server.load -= decision.tokens - decision.cached


async def main(chats: int = 40, turns: int = 6) -> float:
    """Routes made-up chats to four servers; returns the share of tokens found in caches."""
    chance = random.Random(1)
    words = ["the", "river", "flows", "past", "towns", "until", "it", "meets", "the", "sea"]
    systems = [f"You are assistant {n}. " + " ".join(words * 20) for n in range(4)]
    prompts = [chance.choice(systems) for _ in range(chats)]
    tokens = cached = 0
    async with AsyncEncoder(bpecore.get_encoding("o200k_base")) as encoder:
        router = Router([Server(f"server {n}") for n in range(4)], encoder)
        for _ in range(turns):
            for chat in range(chats):
                prompts[chat] += "\nUser: " + " ".join(chance.choices(words, k=40))
                decision = await router.choose(prompts[chat])
                tokens += decision.tokens
                cached += decision.cached
                router.finished(decision)
    print(f"{tokens} tokens, {cached / tokens:.0%} of them found in a cache")
    return cached / tokens


if __name__ == "__main__":
    asyncio.run(main())
