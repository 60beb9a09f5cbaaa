"""`NamedTuple` as in `typing`, whose import alone takes a third of a kept model's loading."""

from __future__ import annotations

from collections import namedtuple

TYPE_CHECKING = False  # as in `typing`
if TYPE_CHECKING:
    from typing import NamedTuple
else:

    class _Maker(type):
        def __new__(cls, name, bases, namespace):
            if not bases:
                return super().__new__(cls, name, bases, namespace)
            fields = namespace["__annotations__"]
            defaults = [namespace[field] for field in fields if field in namespace]
            made = namedtuple(name, fields, defaults=defaults, module=namespace["__module__"])
            for key, value in namespace.items():
                if key not in fields:
                    setattr(made, key, value)
            return made

    class NamedTuple(metaclass=_Maker):
        """A class of tuples whose fields are annotated; it needs `annotations` of `__future__`."""


__all__ = ["NamedTuple"]
