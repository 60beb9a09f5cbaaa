"""One page that shows a text's tokens: no other file, and nothing from a network.

The page's own policy (CSP) allows its script and its style, by their hashes, and nothing else; so
no text can make it run or load anything.
"""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Sequence
from pathlib import Path

from bpecore.view.page_data import page_data
from bpecore.view.tokens import TokenizedText

_FOLDER = Path(__file__).parent

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Tokens of {title}</title>
<style>{style}</style>
</head>
<body>
<header>
<h1>Tokens of <bdi>{title}</bdi></h1>
<div id="counts" role="region" aria-label="Counts" tabindex="0"></div>
<p id="settings">
<label><input type="checkbox" id="show-ids"> ids below tokens</label>
<label><input type="checkbox" id="show-space"> visible white space</label>
<span id="legend"></span>
</p>
</header>
<main id="text" aria-label="Tokens"><noscript>This page needs JavaScript.</noscript></main>
<section id="details" aria-label="Token"></section>
<script type="application/json" id="data">{data}</script>
<script>{script}</script>
</body>
</html>
"""


def page_of(texts: Sequence[TokenizedText], title: str) -> str:
    """Returns a page as HTML.

    Args:
        texts: the tokens of one text under each vocabulary.
        title: the text's name.
    """
    style = (_FOLDER / "page.css").read_text(encoding="utf-8")
    script = (_FOLDER / "page.js").read_text(encoding="utf-8")
    policy = f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}"
    return _PAGE.format(
        policy=policy,
        title=html.escape(title),
        style=style,
        data=page_data(texts),
        script=script,
    )


def _hash(content: str) -> str:
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
