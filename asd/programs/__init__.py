"""Programs: the only code that opens rooms. run.py, the tools and notebooks call these; no room imports one.

request     what is to be run, as plain numbers            session     a request opened: machines, chains
developing  train, write, prove, evaluate                  opening     what a results folder records, opened again
fitting     features and trainings, in worker processes    worker      one such process
writing     result files and the Ω table                   proving     every score re-derived from its clip alone
selection   what the development set decides               selected    the file that records it
reading     finished scores, wherever they lie             inspection  what a data folder holds
"""
