"""The error every refusal of a person's or a file's input derives from."""

from __future__ import annotations


class BadInput(ValueError):
    """Input that cannot be used; the message says where and why, and nothing was changed."""
