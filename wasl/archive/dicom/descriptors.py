"""Descriptions of studies and series reduced to words that are known to name no one (PS3.15, E.3.5)."""

import re
from collections.abc import Set
from functools import cache

from wasl.kernel.text import fold

# what technicians write in English and French beside the parts of the body; everything else is left out
WORDS = """
    2d 3d 4d abdomen abdominal abdominale acquisition angio angiography angiographie anterior anterieur apres arterial
    arteriel arterielle aorta aorte arthro avant avec axial axiale bassin bilateral bone bras brain breast c ce cervical
    cervicale cerveau cerebral cerebrale cheville chest cine contrast contraste contrats control controle cor coronal
    coronale coronary cote coude coupe coupes crane cr ct cuisse delayed diffusion doppler dorsal dorsale droit droite
    dwi dx dynamic dynamique early echo echographie enhanced epaule epi extremity face fast fat femur fiesta flair flow
    follow foot foie full gadolinium gauche genou gradient gre hanche hand head heart hip iodine inferior inferieur
    injection injecte injectee ir irm joint kidney knee l late lateral laterale left liver localizer lombaire long low
    lower lumbar lung main mammography mammographie mandibule mediastin membre mg mip moelle mpr mr mra mri ncct neck
    nm non oblique orbite orbites os osseux parenchyme pas pd pelvic pelvien pelvis perfusion phase pied pieds plain
    pt poignet portable portal portale posterior posterieur poumon post pre profil proton pulmonaire r rachis radius
    reconstruction recon rein reins relaxation renal renale retro rf right rocher rochers rot s sacrum sag sagittal
    sagittale sans saturation scan scanner scout se secondaire sense sequence serie short shoulder sinus skull slice
    slices small soft space spin spine spiral standard stir suivi superior superieur supine survey swi t1 t2 tardif
    temps tete thick thin thoracic thoracique thorax thigh time tissue tof tomodensitometrie topogram trace tse turbo
    ultrasound us upper uro uroscanner veineux veineuse venous ventre view voi volume vue w weighted wrist with without
    xa xr
    """
_WORD = re.compile(r"[^\W_]+")


def known_words(text: str, *, unless: Set[str]) -> str:
    """The words of a text that are known, in their order, but for those that name the patient."""
    kept = [word for word in _WORD.findall(text) if fold(word) in _known() and fold(word) not in unless]
    return " ".join(kept)[:64]


@cache
def _known() -> frozenset[str]:
    from pydicom.sr.codedict import codes  # a tenth of what every process would take to start

    # CID 4031, Common Anatomic Regions for Imaging; its names are written as one word with capitals
    parts = " ".join(re.sub(r"([A-Z])", r" \1", name) for name in codes.cid4031.dir())
    return frozenset(f"{WORDS} {fold(parts)}".split())
