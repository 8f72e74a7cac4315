"""Download of a year's data from Zenodo: a request in, every byte checked, machines' folders out.

releases   what there is             record    what Zenodo says of it        plan      what to fetch, step by step
transfer   one zip over the network  archive   one zip into its folder       items     what both know of a zip

Leaves <out>/dev_data/raw/<machine>/{train,test}, <out>/eval_data/raw/<machine>/train (release train), .../test (eval).
A zip lies in <out>/downloads until it is unpacked. A cut connection keeps its `.part`, which the next run resumes; a
wrong MD5 deletes the `.part`, a bad zip is deleted, and in all three cases the data folders stay as they were.
"""

from asd.download.items import DownloadError
from asd.download.plan import Request, download
from asd.download.releases import NEWEST, RELEASES, ZENODO

__all__ = ["NEWEST", "RELEASES", "ZENODO", "DownloadError", "Request", "download"]
