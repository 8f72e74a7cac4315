"""The benchmark's parts: mixtures whose truth is known, rooms, measures, maps, peers and blind methods."""

import re
import sys

import numpy as np
import pytest
import soundfile
import torch
from conftest import RATE

from asd.epochs import Training
from asd.errors import BadInput
from asd.separation import blind, dechorate, maps, measures, mixtures, peers, recordings, rooms
from asd.separation.mixtures import Mixing
from asd.si_snr import si_snr, si_snr_of_waves

RNG = np.random.default_rng(0)


def hums(hertz, seconds=3.0):
    return (0.1 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * RATE)) / RATE)).astype(np.float32)


def toy(root):
    """machine/, noise/ and rirs.npz of two microphones."""
    for folder, names in {"machine": ("normal_0", "normal_1", "anomaly_0"), "noise": ("a", "b", "c")}.items():
        (root / folder).mkdir()
        for i, name in enumerate(names):
            wave = hums(400 + 300 * name.startswith("anomaly")) if folder == "machine" else RNG.normal(0, 0.1, 48_000)
            soundfile.write(root / folder / f"{name}.wav", wave * (1 + i / 10), RATE)
    direct = np.zeros((2, 40))
    direct[[0, 1], [3, 9]] = 1, 0.3
    others = {f"hall__noise_{i}": np.roll(direct[::-1] * [[0.8], [1.2]], i, axis=1) for i in range(2)}
    np.savez(root / "rirs.npz", hall__machine=direct, **others)
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    return toy(tmp_path_factory.mktemp("scene"))


def opened(folder, noise, seconds=1.0, **mixing):
    room = rooms.read_room(folder.parent / "rirs.npz") if (folder.parent / "rirs.npz").exists() else ROOM
    return mixtures.open_scene(folder, noise, room, Mixing(seconds, **mixing))


ROOM = rooms.Room(np.eye(2, 40), (np.eye(2, 40)[::-1],))


@pytest.fixture(scope="module")
def scene(folders):
    return opened(folders / "machine", folders / "noise")


# ---- mixtures --------------------------------------------------------------------------------------------------------


def test_a_mixture_has_the_drawn_snr_and_the_same_seed_gives_the_same_one(scene):
    for m in [*scene.train(3, 0), *scene.test(4, 0)]:
        noise = m.wave[0] - m.clean
        snr = 20 * np.log10(mixtures.rms(m.clean) / mixtures.rms(noise))
        assert snr == pytest.approx(m.snr, abs=1e-3) and -10 <= m.snr <= 0 and m.wave.shape == (2, RATE)
    assert np.array_equal(scene.train(2, 5)[1].wave, scene.train(2, 5)[1].wave)
    assert not np.array_equal(scene.train(2, 5)[1].wave, scene.train(2, 6)[1].wave)
    assert [m.is_anomaly for m in scene.test(4, 0)] == [False, False, True, True]


def test_training_and_test_share_no_recording(scene):
    every = [*scene.normal, *scene.peers_normal, *scene.test_normal]
    assert len({x.tobytes() for x in every}) == len(every)
    noises = [x.tobytes() for pools in (scene.noise, scene.test_noise) for pool in pools.values() for x in pool]
    assert len(set(noises)) == len(noises) == 3
    pools = recordings.dealt([np.full(3, i) for i in range(11)], (5, 3, 2), 0)
    assert [len(pool) for pool in pools] == [6, 3, 2] and {x[0] for pool in pools for x in pool} == set(range(11))
    first, second, third = recordings.dealt([np.arange(100.0)], (5, 3, 2), 0)
    assert [len(first[0]), len(second[0]), len(third[0])] == [50, 30, 20] and third[0][0] == 80
    assert [len(pool) for pool in recordings.dealt([np.zeros(1)] * 3, (98, 1, 1), 0)] == [1, 1, 1]


def test_every_recording_is_mixed_once_before_any_comes_again():
    pool, rng = [np.zeros(10)] * 4, np.random.default_rng(0)
    drawn = mixtures.turns(pool, 10, rng)
    assert len(drawn) == 10 and sorted(drawn[:4]) == sorted(drawn[4:8]) == [0, 1, 2, 3]
    assert (mixtures.turns([np.zeros(90), np.zeros(10)], 20, rng) == 0).sum() == 18


def test_self_noise_and_a_random_level_are_off_unless_asked_for(folders):
    def levels(**mixing):
        waves = [m.wave[0] for m in opened(folders / "machine", folders / "noise", **mixing).train(6, 0)]
        return np.array([20 * np.log10(mixtures.rms(wave)) for wave in waves])

    silent = opened(folders / "machine", folders / "noise", snr=(80.0, 80.0)).train(1, 0)[0]
    hissing = opened(folders / "machine", folders / "noise", snr=(80.0, 80.0), self_noise=-20.0).train(1, 0)[0]
    assert np.abs(silent.wave[0] - silent.clean).max() < 1e-4 < mixtures.rms(hissing.wave[0] - hissing.clean)
    assert np.ptp(levels()) > 3 and np.all(np.abs(levels(level=(-30.0, -29.0)) + 29.5) <= 0.5 + 1e-5)


def test_noise_is_drawn_by_class_first(folders, tmp_path):
    for name, n in {"speech": 2, "machines": 9}.items():
        (tmp_path / name / "inner").mkdir(parents=True)
        for i in range(n):
            soundfile.write(tmp_path / name / "inner" / f"{i}.wav", RNG.normal(0, 0.1, 2 * RATE), RATE)
    found = [m.noise for m in opened(folders / "machine", tmp_path).train(60, 0)]
    assert 18 <= found.count("speech") <= 42 and set(found) == {"speech", "machines"}
    soundfile.write(tmp_path / "speech" / "inner" / "0.wav", np.ones(RATE // 2), RATE)
    with pytest.raises(BadInput, match=r"speech: 1 recordings of 1 s or more \(2 in all\), at least 2 expected"):
        opened(folders / "machine", tmp_path)


def test_folders_that_lack_something_are_named(folders, tmp_path):
    with pytest.raises(BadInput, match="no normal.*wav"):
        opened(tmp_path, folders / "noise")
    with pytest.raises(BadInput, match="0 recordings, at least 2"):
        opened(folders / "machine", tmp_path)
    with pytest.raises(BadInput, match=r"no room 'cellar' \(there: hall\)"):
        rooms.read_room(folders / "rirs.npz", "cellar")
    with pytest.raises(BadInput, match="gone.npz: no such file"):
        rooms.read_room(tmp_path / "gone.npz")
    soundfile.write(tmp_path / "fast.wav", np.zeros(10), 44_100)
    with pytest.raises(BadInput, match="fast.wav: 44100 Hz"):
        recordings.read_mono(tmp_path / "fast.wav")


def test_responses_may_be_a_folder_of_wavs(tmp_path):
    for name in ("machine", "noise_0", "noise_1"):
        soundfile.write(tmp_path / f"{name}.wav", np.eye(50, 3), RATE, subtype="FLOAT")
    room = rooms.read_room(tmp_path)
    assert room.n_channels == 3 and len(room.noise) == 2 and room.machine.shape == (3, 50)


def test_in_a_simulated_room_the_machine_is_loudest_at_the_first_microphone():
    room = rooms.simulated_room(3)
    energy = np.sum(room.machine**2, axis=1)
    assert room.n_channels == 3 and len(room.noise) == 3 and energy[0] > 2 * energy[1] > 2 * energy[2]


def test_responses_that_do_not_fit_are_named(tmp_path):
    response, other = np.eye(2, 40), np.eye(1, 40)
    np.savez(tmp_path / "quiet.npz", hall__machine=response)
    np.savez(tmp_path / "fewer.npz", hall__machine=response, hall__noise_0=other)
    (tmp_path / "text.npz").write_text("hello")
    for name in ("machine", "noise_0"):
        soundfile.write(tmp_path / f"{name}.wav", response.T, 16_000 if name == "machine" else 44_100)
    for path, told in {
        "quiet.npz": "quiet.npz: no impulse response of a noise position",
        "fewer.npz": r"fewer.npz: hall__noise_0 has shape \(1, 40\), the machine's \(2, 40\)",
        "text.npz": "text.npz: not readable as NumPy's",
        "": "noise_0.wav: impulse response at 44100 Hz, 16000 expected",
    }.items():
        with pytest.raises(BadInput, match=told):
            rooms.read_room(tmp_path / path)


def test_empty_and_silent_recordings_are_refused(folders, tmp_path):
    for name in ("normal_0", "normal_1", "anomaly_0"):
        soundfile.write(tmp_path / f"{name}.wav", np.concatenate([hums(400), np.zeros(8000)]), RATE)
    assert opened(tmp_path, folders / "noise", 2.0).train(3, 0)
    with pytest.raises(BadInput, match="normal recording of 3.5 s holds 0.5[0-9]* s of digital silence"):
        opened(tmp_path, folders / "noise", 1.0)
    soundfile.write(tmp_path / "anomaly_0.wav", np.zeros(0), RATE)
    with pytest.raises(BadInput, match="anomaly_0.wav: an empty recording"):
        opened(tmp_path, folders / "noise", 2.0)


def test_a_room_gives_the_machine_about_its_own_level(tmp_path):
    np.savez(tmp_path / "far.npz", hall__machine=1e-4 * np.eye(2, 40), hall__noise_0=np.eye(2, 40))
    room = rooms.read_room(tmp_path / "far.npz")
    assert np.square(room.machine[0]).sum() == pytest.approx(1) and room.noise[0].max() == pytest.approx(1e4)
    np.savez(tmp_path / "dead.npz", hall__machine=np.zeros((2, 40)), hall__noise_0=np.eye(2, 40))
    with pytest.raises(BadInput, match="dead.npz: the machine's response to microphone 0 is silent"):
        rooms.read_room(tmp_path / "dead.npz")


# ---- dEchorate -------------------------------------------------------------------------------------------------------


@pytest.fixture
def measured(tmp_path):
    """Its file in small: the value of a response tells its source and its column, the first tap alone sounds."""
    library = pytest.importorskip("h5py", reason="NO H5PY: dEchorate's reader was not tried (pip install h5py)")
    with library.File(tmp_path / "dEchorate_rir.h5", "w") as file:
        file.attrs["sampling_rate"] = 48_000
        for source in range(1, 10):
            responses = np.zeros((4800, 31))
            responses[600] = 100 * source + np.arange(31)
            file[f"rir/011111/{source}"] = responses
    return tmp_path / "dEchorate_rir.h5"


def test_dechorates_places_are_read_at_16_khz(measured):
    machine, noise = dechorate.read(measured, "011111/2/7,3")
    assert machine.shape == (5, 1600) and np.argmax(machine, axis=1).tolist() == [200] * 5
    assert machine.sum(axis=1) * 3 == pytest.approx(np.arange(705, 710), rel=1e-3)
    assert list(noise) == ["source 3"] and noise["source 3"].sum(axis=1) * 3 == pytest.approx(
        np.arange(305, 310), rel=1e-3
    )
    room = rooms.read_room(measured.parent, "011111")
    assert room.n_channels == 5 and len(room.noise) == 3


def test_places_that_dechorate_lacks_are_told(measured):
    for text, told in {
        "000000": r"no room '000000' \(there: 011111\)",
        "011111/7": "an array from 1 to 6",
        "011111/1/2,2": "two or more different sources",
        "011111/1/1,12": "no source 12 in room 011111",
        "011111/x": "in numbers expected",
    }.items():
        with pytest.raises(BadInput, match=told):
            rooms.read_room(measured, text)
    (measured.parent / "dEchorate_rir.h5").write_bytes(b"hello")
    with pytest.raises(BadInput, match="not readable as HDF5"):
        rooms.read_room(measured, "011111")


# ---- measures --------------------------------------------------------------------------------------------------------


def test_si_snr_is_the_training_loss_and_refuses_silence():
    found, target = RNG.normal(size=(2, 500))
    expected = float(si_snr(torch.from_numpy(found), torch.from_numpy(target)))
    assert si_snr_of_waves(found, target) == pytest.approx(expected, abs=1e-6)
    with pytest.raises(ValueError, match="silent"):
        si_snr_of_waves(found, 0 * target)


def test_improvement_is_what_an_estimate_gains_on_the_mixture():
    clean, noise = RNG.normal(size=(2, 4000))
    gained = si_snr_of_waves(clean + 0.1 * noise, clean) - si_snr_of_waves(clean + noise, clean)
    assert measures.improvement(clean + 0.1 * noise, clean + noise, clean) == gained == pytest.approx(20, abs=0.5)
    assert measures.improvement(clean + noise, clean + noise, clean) == 0


def test_rank_correlation_sees_the_order_alone():
    assert measures.spearman(np.arange(5.0), np.arange(5.0) ** 3) == pytest.approx(1)


def test_the_regression_line_and_its_band_are_the_textbooks():
    from scipy.stats import linregress

    x = RNG.normal(size=40)
    y = 2 * x + RNG.normal(size=40)
    line, half = measures.regression(x, y, np.array([0.0, 1.0]))
    told = linregress(x, y)
    assert line == pytest.approx([told.intercept, told.intercept + told.slope])
    assert half[0] == pytest.approx(2.0244 * told.intercept_stderr, rel=1e-4)


@pytest.mark.parametrize("name", maps.MAPS)
def test_a_map_keeps_what_is_apart_apart(name):
    if name == "umap":
        pytest.importorskip("umap", reason="NO UMAP-LEARN: its map was not tried")
    clean = np.concatenate([RNG.normal(0, 1, (30, 6)), RNG.normal(9, 1, (30, 6))])
    placed, other = maps.MAPS[name](clean, [clean + 0.01])
    assert placed.shape == other.shape == (60, 2)
    middle = placed[:30].mean(axis=0), placed[30:].mean(axis=0)
    for points, own in ((placed[:30], 0), (other[:30], 0), (other[30:], 1)):
        apart = [np.linalg.norm(points - m, axis=1) for m in middle]
        assert (apart[own] < apart[1 - own]).all()


# ---- peers -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", peers.PEERS)
def test_a_peer_keeps_length_and_level_and_learns(name, scene, tmp_path):
    pairs = [(m.wave[0, :6000], m.clean[:6000]) for m in scene.train(6, 0)]
    training = Training(3, 2, 3e-3, validation_share=0.2, patience=3, clip_norm=5.0)
    network = peers.supervised(peers.built(name, "small"), pairs, training, 0.3, tmp_path).network
    wave = torch.from_numpy(scene.test(2, 0)[0].wave[:1, :7777])
    with torch.no_grad():
        found, louder = network(wave), network(8 * wave)
    assert found.shape == wave.shape and torch.allclose(8 * found, louder, rtol=1e-3, atol=1e-3 * louder.abs().max())
    losses = [float(line.split(",")[2]) for line in (tmp_path / "losses.csv").read_text().splitlines()[1:]]
    assert losses[-1] < losses[0]


def test_umap_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(BadInput, match="pip install umap-learn, or --map pca or tsne"):
        maps.umap(np.ones((3, 2)), [])


def test_peers_have_their_papers_sizes():
    """Layers and widths as published; where the structure is theirs the count is too: DPRNN has 2.6 M."""
    counts = {name: sum(p.numel() for p in peers.built(name, "paper").parameters()) for name in peers.PEERS}
    assert counts == {"TF-GridNet": 10_378_928, "Conv-Transformer": 7_845_809, "DPRNN": 2_589_120}
    with torch.no_grad():
        assert peers.built("DPRNN", "paper")(torch.randn(1, 5000)).shape == (1, 5000)


# ---- blind -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", blind.METHODS)
def test_a_blind_method_separates_an_easy_mixture(name, monkeypatch):
    package = "pyroomacoustics" if "pyroom" in name else "ssspy"
    pytest.importorskip(package, reason=f"NO {package.upper()}: {name} was not tried (pip install '.[separation]')")
    monkeypatch.setattr(blind, "ITERATIONS", 25)
    machine = 0.1 * RNG.normal(size=RATE) * (1 + np.sin(np.arange(RATE) / 800))
    noise = 0.1 * RNG.normal(size=RATE) * np.linspace(0, 1, RATE) ** 2
    images = np.array([[1], [0.4]]) * machine, np.array([[0.7], [1]]) * noise
    found = blind.separated(name, np.float32(images[0] + images[1]))
    assert found.shape == (2, RATE)
    before = si_snr_of_waves(images[0][0] + images[1][0], images[0][0])
    assert max(si_snr_of_waves(f, images[0][0]) for f in found) > before + 3


@pytest.mark.parametrize("name", ["FastMNMF (pyroomacoustics)", "ILRMA (pyroomacoustics)"])
def test_a_mixture_that_cannot_be_separated_is_told_with_the_method(name):
    pytest.importorskip("pyroomacoustics", reason=f"NO PYROOMACOUSTICS: {name} was not tried")
    expected = rf"{re.escape(name)}: no finite sources in a mixture of 2 channels and 1 s .*broadband sound .*expected"
    with pytest.raises(BadInput, match=expected):
        blind.separated(name, np.stack([hums(400, 1.0), 0.3 * hums(400, 1.0)]))


def singular(spectra):
    raise np.linalg.LinAlgError("Singular matrix")


@pytest.mark.parametrize(
    ("method", "told"), [(singular, "Singular matrix"), (lambda spectra: np.nan * spectra, "NaN or infinite samples")]
)
def test_whatever_keeps_a_blind_method_from_finite_sources_is_told(method, told, monkeypatch):
    monkeypatch.setitem(blind.METHODS, "ILRMA", method)
    with pytest.raises(BadInput, match=rf"ILRMA: no finite sources in a mixture of 2 channels and 0.5 s \({told}\)"):
        blind.separated("ILRMA", RNG.normal(size=(2, RATE // 2)).astype(np.float32))


def test_a_library_that_is_missing_is_told_with_the_command_for_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ssspy.bss.ilrma", None)
    with pytest.raises(BadInput, match=r"ssspy.bss.ilrma: not importable .*extra `separation`: pip install '.\[sep"):
        blind.separated("ILRMA", np.ones((2, RATE), np.float32))


def test_the_source_most_like_the_reference_is_taken():
    sources = np.stack([hums(400, 1.0), hums(2000, 1.0)])
    chosen = blind.most_similar(sources, lambda w: np.abs(np.fft.rfft(w))[:4000] / 1e3, hums(2000, 1.0))
    assert np.array_equal(chosen, sources[1])
