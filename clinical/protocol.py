"""The protocol: every threshold the rules use, with its value, unit, source and sign-off."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

DEFAULT_JURISDICTION = "EU"


class ProtocolError(ValueError):
    """A protocol file that cannot be used; the message says where and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One number of the protocol. `unit` is a UCUM string, `1` for a pure ratio; `source` cites where it comes from.

    A `fixed` one belongs to a published definition: it is shown, and a site cannot change it.
    """

    name: str
    value: float
    unit: str
    source: str
    signed_off: bool
    meaning: str
    fixed: bool = False


@dataclass(frozen=True, slots=True)
class Protocol:
    """All thresholds by name, and the jurisdiction whose drug labels count.

    `version` is a digest of both: two protocols with one version judge alike.
    """

    thresholds: Mapping[str, Threshold]
    version: str
    jurisdiction: str = DEFAULT_JURISDICTION
    _values: Mapping[str, float] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_values", {name: threshold.value for name, threshold in self.thresholds.items()})

    def __getitem__(self, name: str) -> float:
        """The value of the threshold `name`. Raises KeyError with the name when the protocol lacks it."""
        return self._values[name]

    def threshold(self, name: str) -> Threshold:
        """The whole threshold `name`. Raises KeyError when the protocol lacks it."""
        return self.thresholds[name]

    def unsigned(self) -> tuple[str, ...]:
        """Names of thresholds that no clinician has signed off."""
        return tuple(sorted(n for n, t in self.thresholds.items() if not t.signed_off))


def bundled_protocol(jurisdiction: str = DEFAULT_JURISDICTION) -> Protocol:
    """The protocol that ships with Nadir (`clinical/protocol.toml`), nothing signed off."""
    text = files("clinical").joinpath("protocol.toml").read_text(encoding="utf-8")
    return _build(_read(text, "protocol.toml"), jurisdiction)


def load_protocol(overrides: Path | None = None, *, jurisdiction: str = DEFAULT_JURISDICTION) -> Protocol:
    """The bundled protocol with a site's overrides laid over it, under the labels of `jurisdiction`.

    An override file holds the same tables as protocol.toml; each names an existing threshold and must give `value`,
    `unit` equal to the bundled one, and `source`. Raises ProtocolError naming file, threshold and cause.
    """
    base = bundled_protocol(jurisdiction)
    if overrides is None:
        return base
    merged = dict(base.thresholds)
    try:
        text = overrides.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ProtocolError(f"{overrides}: cannot be read: {error}") from error
    for name, changed in _read(text, str(overrides)).items():
        if name not in merged:
            raise ProtocolError(f"{overrides}: [{name}]: no such threshold")
        if merged[name].fixed:
            raise ProtocolError(f"{overrides}: [{name}]: is part of a published definition and cannot be changed")
        if changed.unit != merged[name].unit:
            raise ProtocolError(f"{overrides}: [{name}]: unit {changed.unit!r}, expected {merged[name].unit!r}")
        merged[name] = replace(changed, meaning=changed.meaning or merged[name].meaning)
    return _build(merged, jurisdiction)


@dataclass(frozen=True, slots=True)
class Revision:
    """Another value of a threshold, in the threshold's unit, and where it comes from."""

    value: float
    source: str


def revised(base: Protocol, revisions: Mapping[str, Revision], *, signed: Iterable[str]) -> Protocol:
    """`base` with other values for these thresholds; signed off are those named in `signed` and no others.

    Raises ProtocolError naming the threshold that is unknown, fixed, or given a value that is not finite.
    """
    names = set(signed)
    for name, revision in revisions.items():
        if name not in base.thresholds:
            raise ProtocolError(f"[{name}]: no such threshold")
        if base.thresholds[name].fixed:
            raise ProtocolError(f"[{name}]: is part of a published definition and cannot be changed")
        if not math.isfinite(revision.value):
            raise ProtocolError(f"[{name}]: value {revision.value!r} is not finite")
    changed = {
        name: replace(
            threshold,
            value=revisions[name].value if name in revisions else threshold.value,
            source=revisions[name].source if name in revisions else threshold.source,
            signed_off=name in names,
        )
        for name, threshold in base.thresholds.items()
    }
    return _build(changed, base.jurisdiction)


def _read(text: str, where: str) -> dict[str, Threshold]:
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ProtocolError(f"{where}: {error}") from error
    return {name: _threshold(name, table, where) for name, table in tables.items()}


def _threshold(name: str, table: object, where: str) -> Threshold:
    if not isinstance(table, dict):
        raise ProtocolError(f"{where}: {name}: expected a table")
    missing = {"value", "unit", "source"} - table.keys()
    if missing:
        raise ProtocolError(f"{where}: [{name}]: missing {', '.join(sorted(missing))}")
    value = table["value"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError(f"{where}: [{name}]: value {value!r} is not a number")
    # A threshold that is not a number would make every comparison false, and every rule silent.
    if not math.isfinite(value):
        raise ProtocolError(f"{where}: [{name}]: value {value!r} is not finite")
    return Threshold(
        name=name,
        value=float(value),
        unit=str(table["unit"]),
        source=str(table["source"]),
        signed_off=table.get("signed_off") is True,
        meaning=str(table.get("meaning", "")),
        fixed=table.get("fixed") is True,
    )


def _build(thresholds: Mapping[str, Threshold], jurisdiction: str) -> Protocol:
    lines = [f"{t.name}={t.value!r} {t.unit}" for t in sorted(thresholds.values(), key=lambda t: t.name)]
    digest = sha256("\n".join([*lines, f"labels of {jurisdiction}"]).encode()).hexdigest()[:12]
    return Protocol(thresholds, digest, jurisdiction)
