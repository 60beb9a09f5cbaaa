"""The command `bpecore inspect`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bpecore._corpus_formats import FORMATS
from bpecore._plural import counted
from bpecore.cli.inputs import printable
from bpecore.cli.tokenize import Refused, source_of
from bpecore.cli.vocabularies import vocabulary_options

if TYPE_CHECKING:
    from bpecore.corpus.inspection import Inspected
    from bpecore.corpus.verification import Verified

_SHOWN = 300


@click.command(short_help="Say what a shard of token ids holds.")
@click.argument("shards", nargs=-1, required=True, metavar="SHARD...")
@click.option("--verify", is_flag=True, help="Compare ids, index, record, and inputs.")
@click.option(
    "-n", "--documents", type=click.IntRange(0), default=3, help="Documents shown. Default: 3."
)
@click.option("-f", "--format", "format_name", type=click.Choice(FORMATS), help="The format.")
@click.option("--dtype", type=click.Choice(["uint16", "uint32"]), help="Type of ids of a .bin.")
@click.option("--json", "as_json", is_flag=True, help="Print an object of JSON per shard.")
@vocabulary_options(several=False, default="that of the manifest")
def inspect(
    shards: Sequence[str],
    verify: bool,
    documents: int,
    format_name: str | None,
    dtype: str | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Say what a shard holds: its documents, decoded, and statistics.

    SHARD is a shard's main file, or the folder of a corpus. The format and the encoding are those
    of the manifest beside it, unless they are given. Exit code 1 if --verify found a fault, 2 if a
    shard cannot be read.
    """
    from bpecore.corpus import CorpusError
    from bpecore.corpus.inspection import (
        encoding_of,
        inspect_shard,
        open_with_origin,
        origin_of,
        shards_at,
    )
    from bpecore.corpus.verification import verify_shard

    is_named = any(option is not None for option in options.values())
    source = source_of(options) if is_named else None
    has_fault = False
    try:
        for path in [path for shard in shards for path in shards_at(shard)]:
            origin = origin_of(path)
            encoding = encoding_of(path, origin, source)
            shard = open_with_origin(path, format_name or "", dtype or "", origin)
            found = inspect_shard(shard, encoding, documents)
            verified = verify_shard(shard, encoding, origin) if verify else None
            has_fault = has_fault or bool(verified and verified.faults)
            if as_json:
                _print_json(found, verified)
            else:
                _print(found, verified, encoding)
    except CorpusError as error:
        raise Refused(str(error)) from None
    if has_fault:
        sys.exit(1)


def _print_json(found: Inspected, verified: Verified | None) -> None:
    shown: dict[str, Any] = found._asdict()
    if verified is not None:
        shown["verified"] = {k: v for k, v in verified._asdict().items() if k != "path"}
    click.echo(json.dumps(shown, ensure_ascii=False))


def _print(found: Inspected, verified: Verified | None, encoding: Any) -> None:
    click.echo(f"{printable(found.path)}: {found.format}, {found.dtype}")
    tokens = f"{counted(found.tokens, 'token')} of {found.encoding}, {found.distinct:,} different"
    if found.documents is None:
        click.echo(tokens)
    else:
        click.echo(
            f"{counted(found.documents, 'document')} of {found.shortest:,} to "
            f"{counted(found.longest, 'token')}, "
            f"median {found.median:,.0f}; {tokens}"
        )
    frequent = "  ".join(f"{_token(encoding, token)} {count:,}" for token, count in found.frequent)
    click.echo(f"most frequent: {frequent}")
    for text in found.shown:
        more = "…" if len(text) > _SHOWN else ""
        click.echo(f"| {text[:_SHOWN]!r}{more}")
    if verified is None:
        return
    if verified.documents:
        documents = counted(verified.documents, "document")
        click.echo(f"{documents} compared, encoded by {verified.engine}")
    for note in verified.notes:
        click.echo(note)
    for fault in verified.faults:
        click.echo(f"FAULT: {fault}")
    click.echo("verified" if not verified.faults else counted(len(verified.faults), "fault"))


def _token(encoding: Any, token: int) -> str:
    try:
        return repr(encoding.decode([token]))
    except KeyError:
        return str(token)
