"""The Python examples of README and documents run as shown, and give what their comments say.

The blocks of a page are one program, since later ones use the names of earlier ones. A comment
behind an expression that begins with a value (`encoding.count("hello")  # 1`) is compared.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
from own import BYTES
from programs import run_python

from bpecore.load import dump_tiktoken_bpe

SOURCE = Path(__file__).parents[2]
if not (SOURCE / "README.md").is_file():
    pytest.skip("needs the source tree", allow_module_level=True)

COMPILED_ONLY = {
    "Encoding.from_file(": "the files of these vocabularies are not in the package",
    "Tokenizer.from_file(": "nor is a tokenizer.json",
    "patch_transformers()": "tests/hf does it",
    "from langchain_text_splitters": "tests/libraries runs the library",
}
"""What a block contains that is compiled and not run, and why."""

NEEDED = {
    "bpecore.aio": "anyio",
    "bpecore.prometheus": "prometheus_client",
    "import datasets": "datasets",
    "import duckdb": "duckdb",
    "import pandas": "pandas",
    "import polars": "polars",
    "import pyarrow": "pyarrow",
}
"""Extras, by what a page imports."""

VALUE = re.compile(r"""[\[({'"\d-]|None\b|True\b|False\b|array\(""")

CHECK = """
def _compare(value, comment):
    shown = repr(value)
    assert comment.startswith(shown), f"{comment!r}, but it is {shown}"
    return value
"""


def blocks_of(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.M | re.S)


PAGES = {
    page.relative_to(SOURCE).as_posix(): blocks
    for pattern in ("*.md", "docs/*.md", "*/README.md")
    for page in sorted(SOURCE.glob(pattern))
    if (blocks := blocks_of(page))
}


def comments_of(code: str) -> dict[int, str]:
    """Returns the comments that begin with a value, by line."""
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
    return {line: text for line, text in comments.items() if VALUE.match(text)}


class Comparing(ast.NodeTransformer):
    """Compares the value of each expression statement with the comment behind it."""

    def __init__(self, comments: dict[int, str]) -> None:
        self.comments = comments
        self.compared = 0

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        comment = self.comments.get(node.end_lineno or 0)
        if comment is not None:
            self.compared += 1
            arguments = [node.value, ast.Constant(comment)]
            node.value = ast.Call(ast.Name("_compare", ast.Load()), arguments, [])
        return node


def compared(code: str) -> tuple[str, int]:
    """Returns a program that compares its values with its comments, and how many it compares."""
    comparing = Comparing(comments_of(code))
    tree = ast.fix_missing_locations(comparing.visit(ast.parse(code)))
    return f"{CHECK}\n{ast.unparse(tree)}\n", comparing.compared


def test_pages_are_found() -> None:
    assert {"README.md", "docs/pool.md", "docs/services.md", "docs/streaming.md"} <= PAGES.keys()
    everything = "".join(block for blocks in PAGES.values() for block in blocks)
    assert [text for text in COMPILED_ONLY if text not in everything] == []
    assert sum(compared(block)[1] for blocks in PAGES.values() for block in blocks) > 30


@pytest.mark.parametrize("page", PAGES)
def test_examples_run(page: str, tmp_path: Path) -> None:
    blocks = []
    for number, block in enumerate(PAGES[page]):
        compile(block, f"{page}, block {number}", "exec")
        if not any(text in block for text in COMPILED_ONLY):
            blocks.append(block)
    code = "\n".join(blocks)
    for module, needed in NEEDED.items():
        if module in code:
            pytest.importorskip(needed)
    dump_tiktoken_bpe({**BYTES, b"ab": 256}, tmp_path / "mine.tiktoken")
    program = tmp_path / "page.py"
    program.write_text(compared(code)[0], encoding="utf-8")
    run = run_python(program, folder=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
