"""Clips, their names and files: the challenge's sampling rate, domains, conditions, file-name grammar; whole wavs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from asd.errors import BadInput

RATE = 16_000  # Hz, the challenge's sampling rate
DOMAINS = ("source", "target")
CONDITIONS = ("normal", "anomaly")
NO_ATTRIBUTE = "noAttribute"  # in names of machines whose conditions are not told
UNWRITABLE = r',"\x00-\x1f\x7f\ud800-\udfff'  # in names: a score file cannot hold them
LONGEST = 100  # bytes of a machine's name, chosen: it stands within names of files, which have 255
FOREIGN = re.compile(r"[._@#$~].*|lost\+found|System Volume Information")  # folders of an operating system or a server


@dataclass(frozen=True, order=True)
class Clip:
    """One recording as a detector may know it: no label, no test domain."""

    path: Path
    machine: str
    section: str


@dataclass(frozen=True)
class ClipName:
    """What a development (or renamed evaluation) file name says.

    The names that 2024's truth list gives one machine lack the split: they are of test clips.

    >>> ClipName.parse("section_00_target_test_anomaly_0012_car_B2_mic_2_mic_1.wav").attributes
    (('car', 'B2'), ('mic', '2'), ('mic', '1'))
    """

    section: str
    domain: str  # source | target
    split: str  # train | test
    condition: str  # normal | anomaly
    number: int
    attributes: tuple[tuple[str, str], ...]  # pairs in order; keys may repeat or differ only by case

    GRAMMAR = re.compile(
        r"section_(\d{2})_(source|target)(?:_(train|test))?_(normal|anomaly)_(\d{4})_"
        rf"([^{UNWRITABLE}]+)\.wav",
        re.ASCII,
    )

    @classmethod
    def parse(cls, name: str) -> ClipName:
        """Raises BadInput when `name` is not of the challenge's grammar."""
        match = cls.GRAMMAR.fullmatch(name)
        if match is None:
            check_name(name)
            raise BadInput(
                f"{name}: not a name of the challenge; expected section_NN_<source|target>_<train|test>_"
                "<normal|anomaly>_NNNN_<attributes>.wav (is it an anonymous evaluation clip, or another year's?)"
            )
        section, domain, split, condition, number, attributes = match.groups()
        return cls(section, domain, split or "test", condition, int(number), attribute_pairs(attributes))

    @property
    def file_name(self) -> str:
        """What `parse` reads: the other way round."""
        text = "_".join(f"{key}_{value}" for key, value in self.attributes).removesuffix("_") or NO_ATTRIBUTE
        return f"section_{self.section}_{self.domain}_{self.split}_{self.condition}_{self.number:04d}_{text}.wav"


def check_name(name: str) -> None:
    """Raises BadInput for a clip's or machine's name that cannot stand in the challenge's CSV files or their names."""
    if found := re.search(f"[{UNWRITABLE}]", name):
        told = "a byte that is not UTF-8" if "\ud800" <= found[0] <= "\udfff" else repr(found[0])
        shown = name.replace("\n", r"\n")
        raise BadInput(
            f"{shown}: {told} in a name, which the challenge's CSV files cannot hold; rename it (was it unpacked under "
            "another encoding?)"
        )
    if name.endswith((".WAV", ".Wav")):
        raise BadInput(f"{name}: the challenge's names end in .wav; rename it")


ANONYMOUS = re.compile(r"section_(\d{2})_(\d{4})\.wav", re.ASCII)  # evaluation test clips


def anonymous_name(section: str, number: int) -> str:
    return f"section_{section}_{number:04d}.wav"


def is_noise(name: str) -> bool:
    """Whether a supplemental clip is of noise alone; the others are of the machine alone. 2025 has both in one folder.

    >>> is_noise("section_00_noise_supplemental_normal_0000.wav"), is_noise("section_00_machine_0001_noise_3.wav")
    (True, False)
    """
    found = re.search("_(noise|machine)_", name)
    return found is not None and found[1] == "noise"


def attribute_pairs(text: str) -> tuple[tuple[str, str], ...]:
    """`car_B2_spd_5` -> (('car', 'B2'), ('spd', '5')); `noAttribute` -> (); a key left over keeps an empty value."""
    if text == NO_ATTRIBUTE:
        return ()
    words = text.split("_")
    words += [""] * (len(words) % 2)
    return tuple(zip(words[::2], words[1::2], strict=True))


def wav_paths(folder: Path) -> list[Path]:
    """The wav files of a folder by name; [] where it is missing. Hidden files (macOS: `._*.wav`) are no clips.

    Raises BadInput for a folder that may not be read.
    """
    return [p for p in listing(folder) if p.suffix.lower() == ".wav" and not p.name.startswith(".")]


def listing(folder: Path) -> list[Path]:
    """What lies in a folder, by name; [] where it is missing."""
    try:
        return sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as error:
        raise BadInput(f"{folder}: cannot be listed ({error.strerror})") from error
