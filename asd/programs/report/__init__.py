"""The report: folders of finished runs in, one HTML file with everything in it out.

runs       the runs, their scores and truths            page        the sections put together, kept under a size
answer     systems side by side, in words and charts    figures     scores, ROC, training
clips      the clips that went most wrong, to see and to hear; the most anomalous ones
tables     sizes, times, proof, decisions               terms       what the words mean
embedding  figures and sounds as data in the page       report.html, .css, .js: the template
"""

from asd.programs.report.page import write_report
from asd.programs.report.runs import read_runs

__all__ = ["read_runs", "write_report"]
