"""Separation methods side by side: mixtures with known machine sound, peers of the distilled student, their measures.

The program `separation_benchmark` alone uses it; no system does.
"""
