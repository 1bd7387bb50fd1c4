"""What a callback may be called with: its annotations, checked strictly before it runs.

Every value of a callback comes from the browser and may be anything that JSON can say.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter, ValidationError
from werkzeug.exceptions import BadRequest

MAX_TEXT = 10_000
_STRICT = ConfigDict(strict=True, allow_inf_nan=False, str_max_length=MAX_TEXT)


class Schema:
    """The parameters of one function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.signature = inspect.signature(function)
        hints = get_type_hints(function, include_extras=True)
        bare = [name for name in self.signature.parameters if name not in hints]
        if bare:
            raise TypeError(f"{function.__qualname__}: parameters without annotation: {', '.join(bare)}")
        self._adapters = {name: TypeAdapter(hints[name], config=_STRICT) for name in self.signature.parameters}

    def check(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments by name. Raises BadRequest (400) when one is missing, too many or not of its type."""
        try:
            given = self.signature.bind(*args, **kwargs).arguments
            for value in given.values():
                _check_texts(value)
            return {name: self._adapters[name].validate_python(value) for name, value in given.items()}
        except (TypeError, ValidationError, ValueError, RecursionError) as error:
            raise BadRequest("An argument is not of the kind this action takes.") from error


def _check_texts(value: Any) -> None:
    if isinstance(value, str):
        # Neither database keeps NUL in text, and half a surrogate pair is not text at all.
        if "\x00" in value:
            raise ValueError("NUL in text")
        value.encode("utf-8")
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_texts(key)
            _check_texts(item)
    elif isinstance(value, list):
        for item in value:
            _check_texts(item)
