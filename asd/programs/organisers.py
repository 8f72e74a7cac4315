"""The organisers' command line: a flag of their baseline in, what to write here out."""

from __future__ import annotations

from collections.abc import Sequence

SET = "--set {}=VALUE"
AS_THEIRS = "nothing: it is as in their baseline.yaml, and no option"
GOES_ON = "nothing: a run that was ended goes on by itself"
ANOTHER = "--results DIR, another folder for another variant"
ANSWERS = {
    "--dataset": "--machines MACHINE, without the year: --machines fan",
    "--score": "the system's name: baseline_mse or baseline_mahala",
    "--model": "the system's name; see --list",
    "--use_cuda": "--device cuda, or --device cpu",
    "--gpu_id": "--device cuda, with CUDA_VISIBLE_DEVICES=N before the command",
    "--seed": "--seeds N, with its comma: --seeds 13711,",
    "--dataset_directory": "--data DIR, the folder that holds dev_data and eval_data",
    "--result_directory": "--results DIR",
    "--export_dir": ANOTHER,
    "--model_name_suffix": ANOTHER,
    "-tag": ANOTHER,
    "--train_only": "--train-only",
    "--test_only": "--test-only",
    "--restart": GOES_ON,
    "--checkpoint_path": GOES_ON,
    "--is_auto_download": "python tools/download.py dev, train or eval beforehand",
    "--mono": "nothing for near alone; --set frontend=Mean for the mean of near and far",
    "--epochs": SET.format("detector.training.epochs"),
    "--batch_size": SET.format("detector.training.batch_size"),
    "--learning_rate": SET.format("detector.training.learning_rate"),
    "-lr": SET.format("detector.training.learning_rate"),
    "--validation_split": SET.format("detector.training.validation_share"),
    "--frames": SET.format("detector.context"),
    "--n_mels": SET.format("features.n_mels"),
    "--n_fft": SET.format("frontend.n_fft"),
    "--hop_length": SET.format("frontend.hop_length"),
    "--decision_threshold": SET.format("calibration.quantile"),
    **dict.fromkeys(("--frame_hop_length", "--power", "--fmin", "--fmax", "--win_length", "--max_fpr"), AS_THEIRS),
    **dict.fromkeys(("--shuffle", "--log_interval", "--use_ids"), AS_THEIRS),
}


def answer(words: Sequence[str]) -> str:
    """A sentence for the first flag of theirs in a command line, or "".

    >>> answer(["-d", "--epochs=3"])
    "--epochs is the organisers' baseline's; here: --set detector.training.epochs=VALUE"
    """
    theirs = [flag for word in words if (flag := word.partition("=")[0]) in ANSWERS]
    return f"{theirs[0]} is the organisers' baseline's; here: {ANSWERS[theirs[0]]}" if theirs else ""
