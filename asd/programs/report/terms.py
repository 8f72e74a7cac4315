"""Terms: what the page's words mean, in plain words; shown where they stand in a table's header, and in a list."""

from __future__ import annotations

import re

TERMS = {
    "Ω": "The challenge's figure of merit: the harmonic mean of AUC_source, AUC_target and pAUC over all "
    "machines. 1 is perfect, 0.5 is chance.",
    "AUC_source": "Area under the ROC of the source domain's normal clips against all anomalies: how often an "
    "anomaly scores higher than a normal clip.",
    "AUC_target": "The same for the target domain's normal clips, of which training has seen few.",
    "pAUC": "Partial AUC over all clips, up to a false-alarm rate of 10 %, scaled so that chance is 0.5 and the "
    "least possible is 0.474.",
    "ROC": "For every possible threshold, the share of anomalies detected against the share of normal clips that "
    "raise a false alarm.",
    "95 % interval": "Where the figure would be in 95 of 100 draws of other test clips of the same kinds "
    "(bootstrap). Other seeds and training clips move it further.",
    "probability of improvement": "The share of bootstrap draws in which the first system is ahead of the second.",
    "threshold": "A clip that scores higher is decided anomalous. It is fitted to training clips alone.",
    "nominal": "The false alarms in percent of normal clips that the threshold aims at.",
    "false alarms": "Normal clips that are decided anomalous.",
    "misses": "Anomalies that are decided normal. Hits are those that are decided anomalous.",
    "domain": "Source: the conditions of most training clips. Target: other conditions (speed, load, noise), of "
    "which training has few clips.",
    "near, far": "The microphone at the machine, and the one away from it, which hears the surroundings.",
    "denoised": "What a system's front-end makes of near and far before it looks for anomalies.",
    "seeds or members": "Networks trained from other random numbers, or other systems, whose scores are averaged.",
    "left out": "Ω without one machine: shows whether a system's lead rests on a single machine.",
    "MACs per clip": "Multiply-accumulates of the networks for one clip.",
    "proven": "Every submitted score was derived again from its own clip alone, in another order and process, and"
    " was the same: no statistic of test clips is in it. Asked of evaluation results only.",
    "dB": "Decibel: 10 dB less is a tenth of the power. Spectrograms show 70 dB below the loudest point of the clip.",
}

HEADERS = {  # words of tables' headers -> term
    "auc_source": "AUC_source",
    "auc_target": "AUC_target",
    "pauc": "pAUC",
    "omega": "Ω",
    "over all": "Ω",
    "members": "seeds or members",
    "hits": "misses",
    "decided": "threshold",
}

SHOWN = {  # term -> words on the page, where they are others; those of pictures by the words beside them
    "Ω": ("Ω", "omega"),
    "misses": ("misses", "hits", "miss"),
    "near, far": ("near",),
    "seeds or members": ("members",),
    "left out": ("machine left out",),
    "dB": ("went most wrong",),
}
UNSEEN = re.compile(r"<(style|script)>.*?</\1>|<[^>]*>", re.DOTALL)


def terms_in(page: str) -> dict[str, str]:
    """Those of TERMS that the text of an HTML page has, with what they mean."""
    text = " ".join(UNSEEN.sub(" ", page).replace("_", " ").lower().split())
    return {t: words for t, words in TERMS.items() if any(is_in(word, text) for word in SHOWN.get(t, (t,)))}


def is_in(word: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(word.replace('_', ' ').lower())}\b", text) is not None


def explained(header: str) -> str:
    """What a header's word means; empty where it needs no words."""
    words = header.rpartition(": ")[2].replace("_", " ")
    for name in (HEADERS.get(header, header), words, *(term for term in ("false alarms",) if term in words)):
        if name in TERMS:
            return TERMS[name]
    return ""
