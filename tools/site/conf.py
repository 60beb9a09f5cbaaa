"""The documentation as a site: `sphinx-build -W --keep-going -c tools/site docs build/site`."""

from __future__ import annotations

import os.path
import re
from pathlib import Path

from docutils.nodes import Element, TextElement
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from bpecore import __version__, types

REPOSITORY = Path(__file__).parents[2]
DOCS = REPOSITORY / "docs"

project = "bpecore"
html_title = f"bpecore {__version__}"
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]
html_theme = "furo"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
smartquotes = False  # quotes in signatures and aliases are Python's
default_role = "code"  # what docstrings put in backquotes

myst_heading_anchors = 4
napoleon_use_ivar = True
autodoc_class_signature = "mixed"
autodoc_default_options = {
    "members": True,
    "inherited-members": "dict,tuple,BaseException",  # not what these bring
    "member-order": "bysource",
}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_display_short_literal_types = True
nitpicky = True  # whatever a signature names has an entry
nitpick_ignore_regex = [
    ("py:class", r"(np|npt|pa|pd|os|fractions|collections\.abc|prometheus_client)\..*"),
    ("py:class", r"'\w+'"),  # the words of a Literal
    # Of constructors that only this package calls, and bases:
    ("py:class", r"(.*\.)?(ModelEncoding|PoolAddress|Run|Session|Vocabulary)"),
]
suppress_warnings = ["ref.python"]  # attributes of one name in several classes
toc_object_entries_show_parents = "hide"

PAGES_OF_THE_ROOT = {
    "CONTRIBUTING.md": "contributing/working-on-bpecore.md",
    "SECURITY.md": "contributing/security.md",
    "RELEASING.md": "contributing/releasing.md",
    "CHANGELOG.md": "contributing/changes.md",
}
"""Files of the repository's root that a page of the site includes."""

ALL_DECISIONS = """
```{toctree}
:hidden:
:glob:
*
```
"""

ACCESSIBLE = (
    ('role="heading">', 'role="heading" aria-level="2">'),
    ('<aside class="sidebar-drawer">', '<aside class="sidebar-drawer" aria-label="All pages">'),
    ('<aside class="toc-drawer">', '<aside class="toc-drawer" aria-label="This page">'),
    ("<pre", '<pre tabindex="0"'),  # scrolled by keys, where it is wider than a phone
    ('<div class="table-wrapper', '<div tabindex="0" class="table-wrapper'),
)
"""What is replaced in each page, and by what."""

LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^)\s#]+)(#[^)\s]+)?\)")


def with_links_of_the_site(markdown: str, folder: Path, page: Path) -> str:
    """Returns a page whose links to files that are not on the site are those files' paths.

    Args:
        markdown: the page's text, or what it includes.
        folder: what its links are relative to.
        page: the page of the site.

    Raises:
        FileNotFoundError: a link leads nowhere.
    """

    def changed(link: re.Match[str]) -> str:
        text, target, anchor = link[1], link[2], link[3] or ""
        if re.match(r"[a-z]+:", target):
            return link[0]
        path = Path(os.path.normpath(folder / target))
        if not path.exists():
            raise FileNotFoundError(f"{page}: {link[0]}")
        inside = path.relative_to(REPOSITORY).as_posix()
        if inside in PAGES_OF_THE_ROOT:
            path = DOCS / PAGES_OF_THE_ROOT[inside]
        elif not path.is_relative_to(DOCS):
            return text if text.strip("`") == inside else f"{text} (`{inside}`)"
        elif path.is_dir():
            path /= "README.md"
        return f"[{text}](/{path.relative_to(DOCS).as_posix()}{anchor})"

    return LINK.sub(changed, markdown)


def read_page(_: Sphinx, name: str, content: list[str]) -> None:
    """Changes the links of a page; the list of decisions gets the site's list of its pages."""
    page = DOCS / f"{name}.md"
    content[0] = with_links_of_the_site(content[0], page.parent, page)
    if name == "decisions/README":
        content[0] += ALL_DECISIONS


def read_included(_: Sphinx, path: Path, parent: str, content: list[str]) -> None:
    """Changes the links of a file that a page includes."""
    content[0] = with_links_of_the_site(content[0], (DOCS / path).parent, DOCS / f"{parent}.md")


def find_type(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: TextElement
) -> Element | None:
    """Returns a link to a name of `bpecore.types`, which signatures give without the module."""
    name = node["reftarget"]
    if not hasattr(types, name):
        return None
    target = f"bpecore.types.{name}"
    found = env.domains["py"].resolve_xref(
        env, node["refdoc"], app.builder, "data", target, node, shown
    )
    return found


def make_accessible(app: Sphinx, error: Exception | None) -> None:
    """Adds what keyboards and screen readers need and the theme leaves out."""
    if error is None:
        for page in Path(app.outdir).rglob("*.html"):
            html = page.read_text(encoding="utf-8")
            for plain, accessible in ACCESSIBLE:
                html = html.replace(plain, accessible)
            page.write_text(html, encoding="utf-8")


def setup(app: Sphinx) -> None:
    """Registers what this file does."""
    app.connect("source-read", read_page)
    app.connect("include-read", read_included)
    app.connect("missing-reference", find_type)
    app.connect("build-finished", make_accessible)
