"""The manifest of a corpus: the plan, and the versions it was made with.

The same command goes on where an earlier one stopped only if its plan is the same.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from typing import Any

from bpecore._version import __version__
from bpecore.corpus.errors import CorpusError
from bpecore.corpus.folder import Folder
from bpecore.corpus.plan import VERSION, Plan

_SHOWN = 3


def keep_or_compare(plan: Plan, folder: Folder) -> bool:
    """Writes the manifest, or compares it with a plan.

    Returns:
        Whether there was one.

    Raises:
        CorpusError: it has other inputs or options; the message names them.
    """
    kept = read_manifest(folder)
    if kept is None:
        refuse_others(folder)
        folder.write_json(folder.manifest, {"bpecore": __version__, "plan": plan.as_json()})
        return False
    differences = list(_differences(kept["plan"], json.loads(json.dumps(plan.as_json()))))
    if differences:
        more = f"; and {len(differences) - _SHOWN} more" if len(differences) > _SHOWN else ""
        raise CorpusError(
            f"{folder.path}: was started with other options: "
            f"{'; '.join(differences[:_SHOWN])}{more}. "
            "--restart removes what is there and begins again"
        )
    return True


def refuse_others(folder: Folder) -> None:
    """Raises CorpusError if a folder has files and no manifest: they are somebody else's."""
    if os.path.exists(folder.manifest) or not os.path.isdir(folder.path):
        return
    others = [name for name in os.listdir(folder.path) if name != os.path.basename(folder.work)]
    if others:
        raise CorpusError(
            f"{folder.path}: holds {sorted(others)[0]!r} and no manifest; the output must be "
            "a new folder, an empty one, or one that the same command began"
        )


def read_manifest(folder: Folder) -> dict[str, Any] | None:
    """Returns the manifest; None if there is none.

    Raises:
        CorpusError: it is damaged.
    """
    try:
        with open(folder.manifest, encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
        if not isinstance(found["plan"]["options"]["prefix"], str):
            raise TypeError("the prefix of its shards is no text")
    except FileNotFoundError:
        return None
    except (ValueError, TypeError, KeyError) as error:
        raise CorpusError(
            f"{folder.manifest}: damaged ({type(error).__name__}: {error}), so what the folder "
            "holds is unknown; remove the folder and begin again"
        ) from None
    return found


def read_plan(folder: Folder) -> Plan:
    """Returns the plan in a folder's manifest.

    Raises:
        CorpusError: there is none, or it is another version's.
    """
    kept = read_manifest(folder)
    if kept is None:
        raise CorpusError(f"{folder.path}: has no manifest")
    if kept["plan"].get("version") != VERSION:
        raise CorpusError(f"{folder.manifest}: was made by another version of bpecore")
    return Plan.from_json(kept["plan"])


def _differences(kept: dict[str, Any], now: dict[str, Any]) -> Iterator[str]:
    """Yields what differs between two plans."""
    if kept.get("version") != now["version"]:
        yield "by another version of bpecore"
        return
    for name, value in now["options"].items():
        before = kept["options"].get(name)
        if before != value and name == "encoding":
            yield f"the encoding was {before['name']} and is {value['name']}" + (
                ", with other tokens" if before["name"] == value["name"] else ""
            )
        elif before != value:
            yield f"{name} was {before!r} and is {value!r}"
    before = {file["name"]: file for file in kept["inputs"]}
    after = {file["name"]: file for file in now["inputs"]}
    for name in before.keys() - after.keys():
        yield f"the input {name} is missing"
    for name, file in after.items():
        if name not in before:
            yield f"the input {name} is new"
        elif before[name] != file:
            yield f"the input {name} has changed ({_change(before[name], file)})"
    if list(before) != list(after) and before.keys() == after.keys():
        yield "the inputs are in another order"
    elif kept["portions"] != now["portions"] and before == after:
        yield "the inputs are cut elsewhere"


def _change(before: dict[str, Any], after: dict[str, Any]) -> str:
    if before["size"] != after["size"]:
        return f"{before['size']:,} bytes before, {after['size']:,} now"
    changed = [name for name in after if before.get(name) != after[name]]
    return ", ".join("time" if name == "version" else name for name in changed)


def remove_corpus(folder: Folder) -> None:
    """Removes what an earlier command made: shards, by their names, and what is known of them."""
    kept = read_manifest(folder)
    if kept is None:
        return
    prefix = re.escape(kept["plan"]["options"]["prefix"])
    shard = re.compile(rf"({prefix}|tokens_)(train|val)([_.-]|$)")
    for name in os.listdir(folder.path):
        path = os.path.join(folder.path, name)
        if name in ("train", "val") and os.path.isdir(path):
            shutil.rmtree(path)
        elif shard.match(name) and os.path.isfile(path):
            os.remove(path)
    for parent, _, files in os.walk(folder.work):
        for name in files:
            if name not in ("lock", os.path.basename(folder.manifest)):
                os.remove(os.path.join(parent, name))
    os.remove(folder.manifest)
