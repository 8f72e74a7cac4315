"""The kit in four storeys; imports point down, and no room imports another.

Programs     asd.programs, the only code that opens rooms; run.py, tools and notebooks call these
Rooms        data -> frontends -> features | encoders -> detectors -> calibration -> system -> guard -> evaluation;
             results -> submission; beside them separation, simulation, download, monitoring
Corridors    signal, si_snr, training, folds, pretrained, fingerprint, store, settings, jobs, score_files, truth_list,
             tables
Floor        errors, clips, contracts

Shape letters, fixed everywhere: T samples, F frames, K frequency bins, M mel bands, D feature size, N clips,
S seeds, C channels. Waves are (C, T) float32, channel 0 near, channel 1, if any, far. Scores: higher is more anomalous.
"""
