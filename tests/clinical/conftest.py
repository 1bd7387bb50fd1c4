"""Laws are asked of inputs, not against a clock: how busy the machine is must not decide."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")
