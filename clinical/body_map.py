"""The body map: the parts a person marks, front and back, and the body surface they come to by the rule of nines.

Weights of the regions: `clinical.skin_scores.BSA_REGIONS` (clinical reference section 9). Where a region has a front
and a back, each is half of it. The rule of nines is not validated for necrolytic migratory erythema and under-weights
genital and perioral disease.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from clinical.saying import say
from clinical.skin_scores import BSA_REGIONS, SkinScoreError, body_surface

LIMBS = ("arm_left", "arm_right", "leg_left", "leg_right")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the map: its name in words, the region it belongs to, and its share of that region."""

    words: str
    region: str
    share: float

    @property
    def surface(self) -> float:
        """What the whole part is of the body surface, in per cent."""
        return BSA_REGIONS[self.region] * self.share


PARTS: Mapping[str, Part] = MappingProxyType(
    {
        "head-front": Part("face and front of the neck", "head_neck", 0.5),
        "trunk-front": Part("chest and belly", "trunk_front", 1.0),
        "arm_right-front": Part("right arm, front", "arm_right", 0.5),
        "arm_left-front": Part("left arm, front", "arm_left", 0.5),
        "genital": Part("genital and perineal skin", "genital", 1.0),
        "leg_right-front": Part("right leg, front", "leg_right", 0.5),
        "leg_left-front": Part("left leg, front", "leg_left", 0.5),
        "head-back": Part("back of the head and neck", "head_neck", 0.5),
        "trunk-back": Part("back and buttocks", "trunk_back", 1.0),
        "arm_left-back": Part("left arm, back", "arm_left", 0.5),
        "arm_right-back": Part("right arm, back", "arm_right", 0.5),
        "leg_left-back": Part("left leg, back", "leg_left", 0.5),
        "leg_right-back": Part("right leg, back", "leg_right", 0.5),
    }
)


def mapped_surface(marked: Mapping[str, float]) -> float:
    """Body surface area in per cent of the marked parts; values are the involved per cent of each, parts not named have
    none. Raises SkinScoreError for a part that is not on the map or a share outside 0 to 100."""
    for part, share in marked.items():
        if part not in PARTS:
            raise SkinScoreError(say("{part} is no part of the body map", part=repr(part)))
        if not 0 <= share <= 100:
            raise SkinScoreError(say("{part}: {share} is not between 0 and 100", part=part, share=share))
    involved = dict.fromkeys(BSA_REGIONS, 0.0)
    for part, share in marked.items():
        involved[PARTS[part].region] += PARTS[part].share * share
    score = body_surface(involved).score
    return 0.0 if score is None else score
