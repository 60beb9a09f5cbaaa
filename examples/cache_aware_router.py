"""A router that sends each prompt to the server that has most of it in its cache.

    python -m examples.cache_aware_router

prints how much that saves on made-up chats. A server does not have to compute the beginning of a
prompt again; so a chat should stay on its server, and prompts with the same system message should
go to the same one, unless it has much more to do than the others.
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
    """What the router knows about a server.

    Attributes:
        name: its name.
        capacity: the size of its cache, in blocks.
        load: tokens sent to it and not finished.
        blocks: hashes of the blocks that should be in its cache, the newest last.
    """

    name: str
    capacity: int = 4096
    load: int = 0
    blocks: OrderedDict[int, None] = field(default_factory=OrderedDict)

    def cached_tokens(self, hashes: list[int]) -> int:
        """Returns how many tokens of a prompt are cached: whole blocks, from the start."""
        found = 0
        for value in hashes:
            if value not in self.blocks:
                break
            found += BLOCK
        return found

    def remember(self, hashes: list[int]) -> None:
        """Records that a prompt was sent here, and forgets the least recently used blocks."""
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
        cached: tokens that the server does not have to compute.
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
        """Chooses the server with the least to compute, for this prompt and those before it.

        Args:
            prompt: the whole prompt, as the server gets it.

        Returns:
            The decision. It counts as load on the server until `finished` is called with it.
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
        """Removes an answered prompt from its server's load."""
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
