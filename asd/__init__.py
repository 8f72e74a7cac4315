"""The kit's rooms and corridors: two-channel clips in, one trusted anomaly score a clip out.

Rooms, in the order a clip passes them: data, frontends, features, detectors, calibration, system (the chain), guard,
evaluation, submission; beside them simulation (of a data set) and download; settings and jobs serve the command line.
A room imports corridors and outside libraries, never another room. session and programs open rooms.
Corridors, open to every room: errors, clips, contracts, signal, training, store, tables, truth_list.

Shape letters, fixed everywhere: T samples, F frames, K frequency bins, M mel bands, D feature size, N clips,
S seeds, C channels. Waves are (2, T) float32, channel 0 near, channel 1 far. Scores: higher is more anomalous.
"""
