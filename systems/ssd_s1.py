"""The distilled student of ssd, then the improved autoencoder with s1's scoring, ten seeds.

Shoda et al. ("Spectral-to-spatial distillation") for the front-end, Kim 2026 (noise-aware reference denoising) for
what follows; the numbers of the scoring are in yaml/ssd_s1.yaml.
"""

from dataclasses import replace

from asd.frontends import Distilled
from systems.ae import SYSTEM as AE

SYSTEM = replace(AE, frontend=Distilled())
