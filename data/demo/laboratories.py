"""The invented laboratories of the demonstration cohort: what each measures, in which unit, with which limits.

The limits follow the spread seen in print (glucagon upper limits differ several-fold between methods); they are the
laboratories' own and no rule of Nadir is built on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Assay:
    """How a laboratory reports an analyte: unit, limits in that unit (None: not printed), decimals, method."""

    unit: str
    low: float | None
    high: float | None
    decimals: int
    method: str | None = None


@dataclass(frozen=True, slots=True)
class Laboratory:
    """A laboratory by name, with its assays by analyte."""

    name: str
    assays: Mapping[str, Assay]

    def with_assay(self, analyte: str, assay: Assay) -> Laboratory:
        """The same laboratory after it introduced another assay for `analyte`."""
        return replace(self, assays={**self.assays, analyte: assay})

    def without_ranges(self, name: str) -> Laboratory:
        """A laboratory called `name` with the same assays that prints no reference range and no method."""
        bare = {a: replace(assay, low=None, high=None, method=None) for a, assay in self.assays.items()}
        return Laboratory(name, bare)


RIA = "Glucagon RIA after extraction"
ELISA = "Glucagon sandwich ELISA"

UNIVERSITY = Laboratory(
    "Demo University Laboratory",
    {
        "glucagon": Assay("pg/mL", 50, 150, 0, RIA),
        "chromogranin-a": Assay("ug/L", None, 102, 0, "CgA KRYPTOR"),
        "glucose-fasting": Assay("mmol/L", 3.9, 5.6, 1, "Hexokinase"),
        "hba1c": Assay("mmol/mol", 20, 42, 0, "HPLC"),
        "zinc": Assay("umol/L", 10.7, 18.4, 1, "AAS"),
        "albumin": Assay("g/L", 35, 50, 0, "BCP"),
        "haemoglobin": Assay("g/L", 120, 160, 0),
        "creatinine": Assay("umol/L", 45, 104, 0, "Enzymatic"),
        "egfr": Assay("mL/min/{1.73_m2}", 60, None, 0, "CKD-EPI"),
        "crp": Assay("mg/L", None, 5, 1),
        "alp": Assay("U/L", 35, 120, 0),
        "alt": Assay("U/L", None, 45, 0),
        "ast": Assay("U/L", None, 40, 0),
        "ggt": Assay("U/L", None, 55, 0),
        "bilirubin": Assay("umol/L", None, 21, 0),
        "lipase": Assay("U/L", None, 60, 0),
        "b12": Assay("pmol/L", 145, 569, 0, "ECLIA"),
        "vitamin-a": Assay("umol/L", 1.05, 2.8, 2, "HPLC"),
        "vitamin-d": Assay("nmol/L", 50, 125, 0, "LC-MS/MS"),
        "vitamin-e": Assay("umol/L", 12, 42, 1, "HPLC"),
        "inr": Assay("{INR}", 0.8, 1.2, 2),
        "tsh": Assay("m[IU]/L", 0.4, 4.0, 2),
        "free-t4": Assay("pmol/L", 10, 22, 1),
        "elastase": Assay("ug/g", 200, None, 0, "Monoclonal ELISA"),
    },
)

REGIONAL = Laboratory(
    "Demo Regional Hospital Laboratory",
    {
        **UNIVERSITY.assays,
        "glucagon": Assay("pmol/L", None, 50, 1, "Glucagon RIA"),
        "glucose-fasting": Assay("mg/dL", 70, 100, 0, "Hexokinase"),
        "hba1c": Assay("%", 4.0, 6.0, 1, "Immunoassay"),
        "zinc": Assay("ug/dL", 70, 120, 0, "ICP-MS"),
        "albumin": Assay("g/dL", 3.5, 5.0, 1, "BCG"),
        "haemoglobin": Assay("g/dL", 12.0, 16.0, 1),
        "b12": Assay("pg/mL", 200, 770, 0, "CLIA"),
        "bilirubin": Assay("mg/dL", None, 1.2, 1),
    },
)

UNIVERSITY_ELISA = UNIVERSITY.with_assay("glucagon", Assay("pg/mL", None, 209, 0, ELISA))
OUTSIDE = UNIVERSITY.without_ranges("Demo Outside Practice")
