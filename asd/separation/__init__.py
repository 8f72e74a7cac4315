"""Separation methods side by side: mixtures with known machine sound, peers of the distilled student, their measures.

Opened by tools/separation_benchmark.py alone; no system needs it.
"""
