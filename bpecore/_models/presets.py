"""Split patterns and special tokens of known models, by name.

Case, hyphens, underscores, dots and blanks do not matter in a name. The patterns are those that the
models' publishers name; where there are several splits in sequence, one pattern that gives the same
pieces.
"""

from __future__ import annotations

import zlib

from bpecore._build.nearest import nearest
from bpecore._models.tuples import NamedTuple
from bpecore._pattern.families import CL100K_PATTERN, O200K_PATTERN, R50K_PATTERN

_WORDS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?"
_REST = r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_LLAMA3 = rf"{_WORDS}\p{{L}}+|\p{{N}}{{1,3}}{_REST}"
_QWEN = rf"{_WORDS}\p{{L}}+|\p{{N}}{_REST}"
_QWEN_3_5 = rf"{_WORDS}[\p{{L}}\p{{M}}]+|\p{{N}}" + _REST.replace(r"\p{L}", r"\p{L}\p{M}")
_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]"
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_TEKKEN = (
    rf"[^\r\n\p{{L}}\p{{N}}]?{_UPPER}*{_LOWER}+|[^\r\n\p{{L}}\p{{N}}]?{_UPPER}+{_LOWER}*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
_KIMI_UPPER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
_KIMI_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]"
_ENDING = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
_KIMI_K2 = (
    rf"[\p{{Han}}]+|[^\r\n\p{{L}}\p{{N}}]?{_KIMI_UPPER}*{_KIMI_LOWER}+{_ENDING}"
    rf"|[^\r\n\p{{L}}\p{{N}}]?{_KIMI_UPPER}+{_KIMI_LOWER}*{_ENDING}|\p{{N}}{{1,3}}{_REST}"
)
GPT2_PATTERN = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
"""The pattern of `ByteLevel` in tokenizer.json, and of Whisper; its pieces are R50K_PATTERN's."""

_DIGIT = r"\p{N}\x{11DE0}-\x{11DE9}\x{16FF4}-\x{16FF6}"
_STARCODER = (
    rf"[{_DIGIT}]|'s|'t|'re|'ve|'m|'ll|'d| ?\p{{L}}+| ?[^\s\p{{L}}{_DIGIT}]+"
    rf"|\s+(?![^\s{_DIGIT}])|\s+"
)
"""Each digit, of Unicode 17.0.0, by itself; GPT-2's pattern between them."""
_CJK = r"[\x{4E00}-\x{9FA5}\x{3040}-\x{30FF}]"
_SIGN = r"[\p{P}\p{S}]"
_UNLETTERED = r"\x{3040}\x{3097}\x{3098}"  # in _CJK, and neither letters nor marks
_KANA = rf"[{_CJK}&&[^{_SIGN}{_UNLETTERED}]]"
_WORD = rf"[[\p{{L}}\p{{M}}]&&[^{_CJK}]]"
_DEEPSEEK_V3 = (
    rf"\p{{N}}{{1,3}}|[\x{{3040}}\x{{3097}}-\x{{309A}}]?{_KANA}+|[{_CJK}&&{_SIGN}]+"
    rf"|(?:[{_UNLETTERED}](?!{_KANA}))+|[!-/:-~&&[^A-Za-z]][A-Za-z]+"
    rf"|[^\r\n\p{{L}}{_SIGN}\p{{N}}{_CJK}]?{_WORD}+| ?[{_SIGN}&&[^{_CJK}]]+[\r\n]*"
    rf"|\s*[\r\n]+|\s+(?![^{_CJK}\p{{N}}\s])|\s+"
    rf"|(?:[^\p{{L}}\p{{M}}{_CJK}{_SIGN}\p{{N}}\s](?!{_WORD}))+"
)
"""Its three splits in sequence."""


class PatternPreset(NamedTuple):
    """A known split pattern.

    Attributes:
        pattern: the regular expression.
        ranks: how many ranks the published vocabulary has; 0 if several vocabularies share it.
        start: CRC-32 of the first `_START_LINES` lines of the published `.tiktoken` file, which
            tell a truncated copy from another vocabulary with the same pattern; 0 if unknown.
    """

    pattern: str
    ranks: int = 0
    start: int = 0


_START_LINES = 300
_CL100K_START = 0x04332861
PATTERNS = {
    "r50k": PatternPreset(R50K_PATTERN, 50_256, 0x8DB28132),
    "gpt2": PatternPreset(R50K_PATTERN, 50_256, 0x8DB28132),
    "whisper": PatternPreset(GPT2_PATTERN),
    "cl100k": PatternPreset(CL100K_PATTERN, 100_256, _CL100K_START),
    "phi4": PatternPreset(CL100K_PATTERN, 100_256, _CL100K_START),
    "o200k": PatternPreset(O200K_PATTERN, 199_998, 0x9C8F600D),
    "gptoss": PatternPreset(O200K_PATTERN, 199_998, 0x9C8F600D),
    "llama4": PatternPreset(O200K_PATTERN, 200_000, 0x7965D601),
    "llama3": PatternPreset(_LLAMA3, 128_000, _CL100K_START),
    "glm4": PatternPreset(_LLAMA3),
    "qwen": PatternPreset(_QWEN, 151_643, _CL100K_START),
    "qwen2": PatternPreset(_QWEN, 151_643, _CL100K_START),
    "qwen25": PatternPreset(_QWEN, 151_643, _CL100K_START),
    "qwen3": PatternPreset(_QWEN, 151_643, _CL100K_START),
    "qwen35": PatternPreset(_QWEN_3_5, 248_044, 0x372BCE58),
    "qwen36": PatternPreset(_QWEN_3_5, 248_044, 0x372BCE58),
    "tekken": PatternPreset(_TEKKEN),
    "nemotron": PatternPreset(_TEKKEN),
    "kimik2": PatternPreset(_KIMI_K2, 163_584),
    "minimax": PatternPreset(O200K_PATTERN),
    "deepseekv3": PatternPreset(_DEEPSEEK_V3),
    "deepseekr1": PatternPreset(_DEEPSEEK_V3),
    "starcoder": PatternPreset(_STARCODER),
    "commandr": PatternPreset(_STARCODER),
}
"""By name as `preset_name` writes it."""

_ENCODINGS = {
    **dict.fromkeys(("r50k_base", "p50k", "p50k_base", "p50k_edit"), "r50k"),
    "cl100k_base": "cl100k",
    **dict.fromkeys(("o200k_base", "o200k_harmony"), "o200k"),
}
"""The preset of each of OpenAI's encodings that is not one itself."""

_MARKS = "_./ -"
"""What may be in a name besides letters and digits."""


def preset_name(name: str) -> str:
    """Returns a preset's name without what does not matter in it.

    Example:
        >>> preset_name("Qwen-2.5")
        'qwen25'
    """
    return name.lower().translate({ord(mark): None for mark in "-_. "})


def pattern_preset(pattern: str) -> PatternPreset:
    """Returns the preset of a name, or one with the regular expression that was given.

    Raises:
        ValueError: it looks like a name and is unknown; the message has the nearest ones.

    Example:
        >>> pattern_preset("qwen3").ranks, pattern_preset("a|b").pattern
        (151643, 'a|b')
        >>> pattern_preset("llama3.1")
        Traceback (most recent call last):
        ValueError: no split pattern is known as 'llama3.1'; the nearest are llama3, llama4. As a \
regular expression it is written '(?:llama3.1)'
    """
    encodings = {preset_name(name): preset for name, preset in _ENCODINGS.items()}
    name = preset_name(pattern)
    found = PATTERNS.get(encodings.get(name, name))
    if found is None and _is_name(pattern):
        suggestion = _suggestion(pattern, [*PATTERNS, *_ENCODINGS])
        raise ValueError(
            f"no split pattern is known as {pattern!r:.100}; {suggestion}. As a regular "
            f"expression it is written {f'(?:{pattern})'!r:.100}"
        )
    return found or PatternPreset(pattern)


def _is_name(pattern: str) -> bool:
    """Returns whether something is taken for a name and not for a regular expression."""
    rest = pattern.translate({ord(mark): None for mark in _MARKS})
    return rest.isalnum()


def _suggestion(name: str, known: list[str]) -> str:
    """Returns what may be meant by an unknown name."""
    close = nearest(name, known, likeness=0.5)
    return f"the nearest are {', '.join(close)}" if close else f"known are {', '.join(known)}"


def name_of_pattern(pattern: str) -> str:
    """Returns the first preset with a pattern, or ""."""
    return next((name for name, preset in PATTERNS.items() if preset.pattern == pattern), "")


def require_all_ranks(preset: PatternPreset, name: str, contents: bytes, found: int) -> None:
    """Refuses a `.tiktoken` file that begins as a published one and is shorter.

    A file that is cut at a line's end is as valid as a whole one.

    Raises:
        ValueError: it does; the message names it.
    """
    if not preset.start or not _START_LINES <= found < preset.ranks:
        return
    start = b"\n".join([*contents.split(b"\n", _START_LINES)[:_START_LINES], b""])
    if zlib.crc32(start) == preset.start:
        raise ValueError(
            f"{name}, line {found} (the last): {found:,} ranks, and the vocabulary of this preset "
            f"has {preset.ranks:,}. It looks truncated at a line's end."
        )


def special_token_preset(name: str) -> dict[str, int]:
    """Returns the special tokens of a known model.

    Args:
        name: a model's name.

    Raises:
        ValueError: there are none of that name; the message has the nearest ones.

    Example:
        >>> special_token_preset("qwen3")["<|im_end|>"]
        151645
    """
    found = preset_name(name)
    if found == "gptoss":
        found = "o200kharmony"
    for names, first, tokens in _special_tokens():
        if found in names.split():
            return {token: first + place for place, token in enumerate(tokens)}
    from bpecore import encodings

    for encoding, arguments in encodings.OPENAI_CONSTRUCTORS.items():
        if found in (preset_name(encoding), preset_name(encoding.replace("_base", ""))):
            tokens_of: dict[str, int] = arguments(ranks_of=lambda _: {})["special_tokens"]
            return tokens_of
    known = [
        *(known for names, _, _ in _special_tokens() for known in names.split()),
        "gptoss",
        *encodings.OPENAI_CONSTRUCTORS,
    ]
    raise ValueError(f"no special tokens are known as {name!r:.100}; {_suggestion(name, known)}")


def _special_tokens() -> list[tuple[str, int, list[str]]]:
    """Returns for each group of names the first id, and the special tokens in the order of ids."""
    chat = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    media = (
        "object_ref_start object_ref_end box_start box_end quad_start quad_end vision_start "
        "vision_end vision_pad image_pad video_pad"
    )
    qwen3 = [
        *chat,
        *(f"<|{name}|>" for name in media.split()),
        "<tool_call>",
        "</tool_call>",
        *(f"<|fim_{name}|>" for name in ("prefix", "middle", "suffix", "pad")),
        *("<|repo_name|>", "<|file_sep|>"),
        *("<tool_response>", "</tool_response>", "<think>", "</think>"),
    ]
    speech = "<|audio_start|> <|audio_end|> <tts_pad> <tts_text_bos> <tts_text_eod>"
    llama3 = (
        "begin_of_text end_of_text reserved_special_token_0 reserved_special_token_1 "
        "finetune_right_pad_id step_id start_header_id end_header_id eom_id eot_id python_tag image"
    )
    llama3_names = [*llama3.split(), *(f"reserved_special_token_{2 + i}" for i in range(244))]
    return [
        ("qwen", 151_643, [*chat, *(f"<|extra_{number}|>" for number in range(205))]),
        ("qwen25 qwen3", 151_643, qwen3),
        (
            "qwen35 qwen36",
            248_044,
            [*qwen3, *speech.split(), "<tts_text_bos_single>", "<|audio_pad|>"],
        ),
        ("llama3", 128_000, [f"<|{name}|>" for name in llama3_names]),
    ]
