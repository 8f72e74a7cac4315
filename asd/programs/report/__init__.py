"""The report: folders of finished runs in, one static report.html with its figures out.

runs      the runs, their scores and truths         figures   scores, ROC, training, the clips that went most wrong
tables    sizes, times, proof, decisions            page      report.html (the template) filled in
"""

from asd.programs.report.page import write_report
from asd.programs.report.runs import read_runs

__all__ = ["read_runs", "write_report"]
