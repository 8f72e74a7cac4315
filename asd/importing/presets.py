"""Presets: how data sets that are no challenge's name their recordings. Facts of their authors' descriptions."""

from __future__ import annotations

from asd.importing.recordings import Guide

PRESETS = {
    # Purohit et al. 2019: <machine>/id_NN/{normal,abnormal}/NNNNNNNN.wav, 8 channels, 16 kHz; one unit, one machine
    "mimii": Guide(
        files=r"/id_\d+/(ab)?normal/[^/]+\.wav$",
        pattern=r"(?P<machine>[^/]+/id_\d+)/(?P<condition>(ab)?normal)/",
        channels=(0,),
    ),
    # Koizumi et al. 2019: <machine>/caseN/{Normal,Anomalous}Sound_IND/..._chN_NNNN.wav, 48 kHz, a file per microphone
    "toyadmos": Guide(
        files=r"/(Normal|Anomalous)Sound_IND/[^/]+_ch1_[^/]+\.wav$",
        pattern=r"(?P<machine>[^/]+/case\d+)/(?P<condition>Normal|Anomalous)Sound_IND/",
    ),
}
