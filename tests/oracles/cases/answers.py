"""Which rule of Nadir answers each judgement of the published cases (clinical reference, section 12).

`FLAGGED_BY` lists the rules any of which answers a `should_flag`; `SILENT` those all of which must be silent for a
`should_not_flag`. A rule that is not registered yet is waited for: it is asserted from the day it is.
"""

from __future__ import annotations

from collections.abc import Mapping

FLAGGED_BY: Mapping[str, tuple[str, ...]] = {
    "biochemical_recurrence": ("R03", "R09"),
    "imaging_recurrence": ("R06", "R09"),
    "imaging_progression": ("R06", "R09"),
    "skin_relapse": ("R11", "R12", "R14"),
    "skin_worsening": ("R11", "R12", "R14"),
    "discordance_skin_vs_tumour": ("R11", "R12"),
    "ssa_gallstone_watch": ("R18",),
    "ssa_gallstones": ("R15",),
    "ssa_post_stop_biliary_watch": ("R38",),
    "incomplete_biochemical_remission": ("R33",),
    "persistent_hyperglucagonaemia": ("R33",),
    "hyperglucagonaemia_work_up": ("R40",),
    "confounder_check": ("R40",),
    "glycaemic_deterioration": ("R21",),
    "glycaemic_crisis": ("R21",),
    "ssa_b12_low": ("R36", "R20"),
    "vte_alert": ("R26",),
    "scan_discordance": ("R37",),
    "cardiac_review": ("R35",),
    "unexplained_liver_lesions": ("R30",),
    "syndrome_pattern": ("R30",),
}
RECURRENCE = ("R03", "R06", "R09", "R42")
PROGRESSION = ("R02", "R06", "R09", "R14")
SILENT: Mapping[str, tuple[str, ...]] = {
    "recurrence": RECURRENCE,
    "progression": PROGRESSION,
    "tumour_progression": PROGRESSION,
    "glucagon_rising": ("R01", "R02", "R03"),
    "b12_low": ("R20", "R36"),
    "ssa_gallstones": ("R15", "R16"),
}
ANSWERED_ELSEWHERE: Mapping[str, str] = {
    "ssa_hyperglycaemia": "test_an_hba1c_rise_beyond_the_usual_drift_is_flagged_and_the_drift_is_not",
    "short_follow_up": "test_two_clean_months_after_a_resection_end_no_surveillance",
    "keep_surveillance": "test_two_clean_months_after_a_resection_end_no_surveillance",
    "unit_check": "test_glucagon_in_molar_units_is_read_as_such",
    "glucose_required": "test_normal_glucose_lowers_no_suspicion",
    "zinc_deficiency_only": "test_a_zinc_trial_silences_nothing",
    "ssa_hyperglycaemia_only": "test_ketoacidosis_on_an_analogue_is_not_only_a_drug_effect",
    "all_clear_from_negative_scan": "test_an_equivocal_scan_closes_nothing",
}
"""Judgements that are not one rule's flag, and the test that holds them."""

NO_RULE: Mapping[str, str] = {
    "dose_review": "symptoms only partly controlled on a depot are told in prose alone: no diary, score, injection or "
    "rescue dose that end-of-interval escape (R13) or a skin relapse (R11) could be read from",
}
"""Names that no rule answers, and why; at most five."""
