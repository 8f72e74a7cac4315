"""Semi-denoising: a U-Net trained noise to noise cleans a clip's log-mels for an unchanged detector behind it.

noise       what is added to clips        pairs     noisy and original pairs of patches, by row number
images      log-mels as the U-Net's images          unet      the network          detector    training, scorer, sound

Semi-denoising autoencoder (an unpublished DCASE 2025 Task 2 report), secs. 2 and 4; what it leaves open is *chosen*.
"""

from asd.detectors.denoised.detector import DenoisedScorer, SemiDenoising, denoised, near_of
from asd.detectors.denoised.images import Cropped, Resized
from asd.detectors.denoised.noise import FarChannel, OtherClips, Supplemental
from asd.detectors.denoised.pairs import NoisyPairs
from asd.detectors.denoised.unet import ResidualUNet

__all__ = [
    "Cropped",
    "DenoisedScorer",
    "FarChannel",
    "NoisyPairs",
    "OtherClips",
    "ResidualUNet",
    "Resized",
    "SemiDenoising",
    "Supplemental",
    "denoised",
    "near_of",
]
