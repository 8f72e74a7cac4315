"""Programs: the only code that opens rooms. run.py, the tools and notebooks call these; no room imports one.

From a request to results, in this order:
request     what is to be run, as plain numbers            session     a request opened: machines, chains
fitting     features and trainings, in worker processes    worker      one such process
selection   what the development set decides               selected    the file that records it
writing     result files and the Ω table                   proving     every score re-derived from its clip alone
developing  all of these in one call                       planning    what it would take, from a few steps
hours       the same cut to a number of hours              soundness   what is wrong with the sound
versions    of the packages, here and on other hosts

From results on:
opening     what a results folder records, opened again    reading     finished scores, wherever they lie
exporting   a fitted system as one file                    loading     either of them, called with a recording
comparing   tables of systems side by side                 by_seed     terms of single seeds, for the ladder
packaging   a team's package                               validation  every defect of a package
team        team.yaml, before packaging                    there       paths, systems, machines of a command line
report      one page with figures                          listening   a fitted system hears a recording

From a system to a data folder: denoising.

Beside them: inspection (of a data folder), separation_benchmark, mimii (its clips as machines of two channels),
channels (who runs on one), organisers (their flags, answered with ours), bench (speed), torture (kills, damage,
crowds), cost_study and student_sizes (what more training, or a larger student, buys), grid (systems that train
nothing), two_microphones and ladder (tables and figures of two papers).
"""
