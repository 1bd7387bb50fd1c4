"""The words of the codes a record is kept in: `not-evaluable` as people read it, in their language.

What a laboratory, a reader or a nurse wrote in their own words is no code and is never translated.
"""

from __future__ import annotations

from dashboard.language import _, message

SKIN = (
    *(message("clear"), message("improved"), message("stable"), message("active"), message("worse")),
    *(message("none"), message("suspected"), message("confirmed")),
    *(message("erythema"), message("erosion"), message("crust"), message("mucosal"), message("itch"), message("pain")),
)
SITES = (
    *(message("perioral"), message("genital"), message("groin"), message("buttocks"), message("lower leg")),
    *(message("foot"), message("flexure"), message("trunk"), message("other")),
)
IMAGING = (
    *(message("target"), message("non target"), message("new"), message("measured"), message("too small")),
    *(message("absent"), message("not evaluable"), message("present"), message("unequivocal progression")),
    *(message("equivocal"), message("split"), message("merged"), message("liver"), message("lymph node")),
    *(message("pancreas"), message("bone"), message("lung"), message("peritoneum")),
)
BILIARY = (
    *(message("single"), message("multiple"), message("in situ"), message("not seen"), message("non fasting")),
    *(message("gallbladder"), message("stones"), message("sludge"), message("wall"), message("cbd")),
    *(message("murphy"), message("fluid"), message("cbd stone"), message("yes"), message("no")),
)
TREATMENT = (
    *(message("injection"), message("start"), message("stop"), message("dose"), message("interval")),
    *(message("procedure"), message("resection"), message("cholecystectomy"), message("embolisation")),
    *(message("ablation"), message("curative"), message("palliative"), message("subcutaneous")),
    *(message("intramuscular"), message("deep subcutaneous"), message("oral"), message("intravenous")),
)
SYMPTOMS = (
    *(message("ruq pain"), message("fever"), message("steatorrhoea"), message("oily stool"), message("diarrhoea")),
    *(message("jaundice"), message("leg swelling"), message("chest pain"), message("dyspnoea")),
    *(message("stroke signs"), message("palpitations"), message("severe hypoglycaemia"), message("ketoacidosis")),
)
DISEASE = (
    *(message("pre op"), message("ned resected"), message("residual stable"), message("residual progressing")),
    *(message("no tumour found"), message("unknown"), message("histology"), message("grade"), message("stage")),
    *(message("metastasis"), message("biopsy"), message("culture"), message("echo"), message("mutation")),
    *(message("gastritis"), message("cirrhosis"), message("decompensated cirrhosis"), message("pancreatitis")),
    *(message("thrombosis"), message("anaemia"), message("transfusion")),
)
STATUS = (
    *(message("final"), message("preliminary"), message("corrected"), message("amended"), message("registered")),
    *(message("cancelled"), message("entered in error"), message("signed"), message("unsigned")),
    *(message("lab"), message("skin"), message("lesion"), message("response"), message("biliary"), message("therapy")),
    *(message("symptom"), message("state"), message("finding"), message("sensor")),
    *(message("haemolysed"), message("wrong tube"), message("acute illness"), message("rescue glucagon")),
    *(message("nadir"), message("baseline"), message("previous"), message("upper limit"), message("lower limit")),
    message("schedule"),
)
DRUGS = (
    *(message("octreotide-lar"), message("octreotide"), message("lanreotide"), message("pasireotide-lar")),
    *(message("pasireotide"), message("everolimus"), message("sunitinib"), message("cabozantinib")),
    *(message("dacarbazine"), message("temozolomide"), message("capecitabine"), message("streptozocin")),
    *(message("fluorouracil"), message("doxorubicin"), message("interferon"), message("insulin")),
    *(message("metformin"), message("empagliflozin"), message("dapagliflozin"), message("sitagliptin")),
    *(message("gliclazide"), message("glibenclamide"), message("glimepiride"), message("glipizide")),
    *(message("repaglinide"), message("linagliptin"), message("liraglutide"), message("semaglutide")),
    *(message("glucagon"), message("pancreatin"), message("zinc"), message("amino acids")),
    *(message("essential fatty acids"), message("b12"), message("vitamin a"), message("vitamin d")),
    *(message("vitamin e"), message("vitamin k"), message("levothyroxine"), message("ursodeoxycholic acid")),
    *(message("warfarin"), message("direct anticoagulant"), message("prednisolone"), message("dexamethasone")),
    message("omeprazole"),
)
EVIDENCE = (message("iga"), message("bsa"))


def drug_name(drug: str) -> str:
    """The name of a drug: `octreotide LAR`, `Octreotid LAR`."""
    said = _(drug) if _(drug) != drug else _(drug.replace("-", " "))
    return drug.replace("-lar", " LAR") if said == drug.replace("-", " ") else said


def threshold_name(name: str) -> str:
    """The name of a threshold of the protocol in words."""
    return _(name.replace("_", " "))


def coded(code: str) -> str:
    """The words of a code; a text that is no code comes back as it is."""
    return _(code.replace("-", " ")) if code.islower() else code
