"""Separation methods compared on mixtures of your recordings: options in, tables of figures out.

Tables I and II and figures 4 to 6 of Shoda et al., "Spectral-to-spatial distillation".

    presets      the paper's sizes, and quick ones
    options      what the user decides, and the recipes that follow from it
    bench        the mixtures, the reference clip and the store
    records      what names a figure in the store
    methods      the methods by name, as `separators` opens them
    quality      a method's SI-SNR improvement, and the ROC-AUC of an autoencoder behind it
    timing       seconds per clip, of all methods in one run
    report       the tables as text
    figures      scores over time, SCi against SI-SNRi, the map of features
    comparison   all of it
"""

from asd.programs.separation_benchmark.comparison import compare, open_bench
from asd.programs.separation_benchmark.methods import METHODS
from asd.programs.separation_benchmark.options import Options
from asd.programs.separation_benchmark.presets import PRESETS

__all__ = ["METHODS", "PRESETS", "Options", "compare", "open_bench"]
