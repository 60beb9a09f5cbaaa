"""What real libraries do with tiktoken: run as a program, it prints the results as JSON.

`python uses.py LIBRARY tiktoken` uses tiktoken; `python uses.py LIBRARY bpecore` puts bpecore in
its place, and hides the installed tiktoken, before the library is imported. No network for either.
"""

from __future__ import annotations

import importlib.abc
import json
import os
import socket
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

TEXT = (
    "Tokenizers cut text into pieces. They don't agree on spaces,   tabs\tor line ends.\r\n\n"
    "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich — 1234567890 mal!\n"
    "Быстрый ёж бежит домой. 機械学習 は 楽しい。🙂👩‍👩‍👧\n\n"
    "def f(x):\n    return {'a': x ** 2}  # <|endoftext|> is text here\n"
) * 12
PLAIN = TEXT.replace("<|endoftext|>", "nothing")
MODELS = ("gpt-4o", "gpt-4", "gpt-3.5-turbo", "text-davinci-003")


def refuse(*arguments: object, **keywords: object) -> NoReturn:
    raise OSError("this program has no network")


class Hidden(importlib.abc.MetaPathFinder):
    """Lets nobody import the installed tiktoken."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name.partition(".")[0] == "tiktoken":
            raise ModuleNotFoundError(f"{name} is hidden", name=name)


def use_langchain() -> dict[str, Any]:
    from langchain_text_splitters import (
        CharacterTextSplitter,
        MarkdownTextSplitter,
        RecursiveCharacterTextSplitter,
        TokenTextSplitter,
    )
    from langchain_text_splitters.base import Tokenizer, split_text_on_tokens

    results: dict[str, Any] = {}
    for model in MODELS:
        results[f"tokens of {model}"] = TokenTextSplitter(
            model_name=model, chunk_size=40, chunk_overlap=7, disallowed_special=()
        ).split_text(TEXT)
    for name in ("gpt2", "cl100k_base", "o200k_base"):
        options: dict[str, Any] = {"encoding_name": name, "chunk_size": 60, "chunk_overlap": 10}
        results[f"special tokens of {name}"] = TokenTextSplitter(
            **options, allowed_special={"<|endoftext|>"}
        ).split_text(TEXT)
        for splitter in (
            CharacterTextSplitter,
            RecursiveCharacterTextSplitter,
            MarkdownTextSplitter,
        ):
            results[f"{splitter.__name__} of {name}"] = splitter.from_tiktoken_encoder(
                **options, allowed_special="all"
            ).split_text(TEXT)
    try:
        TokenTextSplitter(encoding_name="gpt2").split_text(TEXT)
    except ValueError as error:
        results["refused"] = type(error).__name__
    encoding = TokenTextSplitter(encoding_name="gpt2")._tokenizer
    results["by hand"] = split_text_on_tokens(
        text=PLAIN,
        tokenizer=Tokenizer(
            chunk_overlap=3, tokens_per_chunk=11, decode=encoding.decode, encode=encoding.encode
        ),
    )
    return results


def use_llama_index() -> dict[str, Any]:
    import llama_index.core
    from llama_index.core import Document, set_global_tokenizer
    from llama_index.core.base.llms.types import ChatMessage, MessageRole
    from llama_index.core.indices.prompt_helper import PromptHelper
    from llama_index.core.memory import ChatMemoryBuffer
    from llama_index.core.node_parser import SentenceSplitter, TokenTextSplitter
    from llama_index.core.utilities.token_counting import TokenCounter
    from llama_index.core.utils import get_tokenizer

    results: dict[str, Any] = {"environment": os.environ.get("TIKTOKEN_CACHE_DIR")}
    tokenizer = get_tokenizer()
    results["ids"] = tokenizer(TEXT)
    results["engine"] = engine_of(tokenizer.func.__self__)  # type: ignore[attr-defined]
    results["tokens"] = TokenTextSplitter(chunk_size=50, chunk_overlap=10).split_text(PLAIN)
    results["sentences"] = SentenceSplitter(chunk_size=80, chunk_overlap=20).split_text(PLAIN)
    nodes = SentenceSplitter(chunk_size=120, chunk_overlap=9).get_nodes_from_documents(
        [Document(text=PLAIN)]
    )
    results["nodes"] = [node.get_content() for node in nodes]
    messages = [ChatMessage(role=MessageRole.USER, content=part) for part in PLAIN.split("\n\n")]
    results["counted"] = TokenCounter().estimate_tokens_in_messages(messages)
    memory = ChatMemoryBuffer.from_defaults(chat_history=messages, token_limit=300)
    results["memory"] = [str(message.content) for message in memory.get()]
    helper = PromptHelper(context_window=400, num_output=50, chunk_overlap_ratio=0.1)
    prompt = llama_index.core.PromptTemplate("Answer from {context_str}: {query_str}")
    results["repacked"] = helper.repack(prompt, PLAIN.split("\n\n"))
    # A user's own choice of encoding.
    import tiktoken

    set_global_tokenizer(tiktoken.encoding_for_model("gpt-4o").encode)
    results["ids of gpt-4o"] = get_tokenizer()(PLAIN)
    results["tokens of gpt-4o"] = TokenTextSplitter(
        chunk_size=50, chunk_overlap=10, tokenizer=tiktoken.get_encoding("o200k_base").encode
    ).split_text(PLAIN)
    results["environment after"] = os.environ.get("TIKTOKEN_CACHE_DIR")
    return results


def use_litellm() -> dict[str, Any]:
    os.environ.update(LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_RUST="False")
    import litellm
    from litellm.litellm_core_utils.default_encoding import encoding

    tools = [
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "Tells the weather of a place.",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "place": {"type": "string", "description": "A town."},
                        "unit": {"type": "string", "enum": ["celsius", "kelvin"]},
                    },
                    "required": ["place"],
                },
            },
        }
    ]
    messages = [
        {"role": "system", "content": "You are kind."},
        {"role": "user", "name": "Ada", "content": TEXT},
        {"role": "assistant", "content": "机器学习 很 有趣"},
    ]
    results: dict[str, Any] = {"engine": engine_of(encoding), "name": encoding.name}
    for model in (*MODELS, "o1", "gpt-5", "claude-3-5-sonnet-20240620", "command-r", "unknown"):
        results[f"messages to {model}"] = litellm.token_counter(model=model, messages=messages)
        results[f"text to {model}"] = litellm.token_counter(model=model, text=TEXT)
        results[f"tools to {model}"] = litellm.token_counter(
            model=model, messages=messages, tools=tools
        )
        results[f"ids of {model}"] = litellm.encode(model=model, text=PLAIN)
    ids = litellm.encode(model="gpt-4o", text=PLAIN)
    results["decoded"] = litellm.decode(model="gpt-4o", tokens=ids)
    results["plain ids"] = encoding.encode(TEXT, disallowed_special=())
    return results


def use_transformers() -> dict[str, Any]:
    import tiktoken
    from transformers import PreTrainedTokenizerFast
    from transformers.convert_slow_tokenizer import TikTokenConverter
    from transformers.integrations.tiktoken import convert_tiktoken_to_fast
    from transformers.utils.import_utils import is_tiktoken_available

    results: dict[str, Any] = {"available": bool(is_tiktoken_available(with_blobfile=False))}
    results["engine"] = engine_of(tiktoken.get_encoding("gpt2"))
    with tempfile.TemporaryDirectory() as folder:
        for given in ("gpt2", tiktoken.get_encoding("cl100k_base")):
            name = given if isinstance(given, str) else given.name
            output = Path(folder) / name
            convert_tiktoken_to_fast(given, str(output))
            file = output / "tiktoken" / "tokenizer.model"
            results[f"file of {name}"] = file.read_text()[:100]
            results[f"ranks of {name}"] = len(TikTokenConverter.load_tiktoken_bpe(str(file)))
            fast = PreTrainedTokenizerFast(tokenizer_file=str(output / "tokenizer.json"))
            results[f"ids of {name}"] = fast.encode(PLAIN)
            results[f"decoded of {name}"] = fast.decode(fast.encode(TEXT))
            expected = tiktoken.get_encoding(name).encode(PLAIN)
            results[f"as the encoding {name}"] = fast.encode(PLAIN) == expected
    return results


USES: dict[str, Callable[[], dict[str, Any]]] = {
    "langchain-text-splitters": use_langchain,
    "llama-index-core": use_llama_index,
    "litellm": use_litellm,
    "transformers": use_transformers,
}


def engine_of(encoding: Any) -> str:
    """Returns which library's engine an encoding has: "tiktoken" or "bpecore"."""
    return "bpecore" if "bpecore" in type(encoding._core_bpe).__module__ else "tiktoken"


def main(library: str, replacement: str) -> None:
    # Sockets for event loops within the process are fine.
    socket.socket.connect = refuse  # type: ignore[assignment, method-assign]
    socket.getaddrinfo = refuse
    if replacement == "bpecore":
        import bpecore

        sys.meta_path.insert(0, Hidden())
        bpecore.install_as_tiktoken()
    results = USES[library]()
    import tiktoken

    results["tiktoken"] = engine_of(tiktoken.get_encoding("gpt2"))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
