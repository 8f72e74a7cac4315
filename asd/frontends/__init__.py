"""Front-ends: two channels in, power spectrograms out. (2, T) -> (C, K, F)

`fit` reads training-normal clips only and returns the fitted front-end, a function of one clip.
"""

from asd.frontends.channel import Near

__all__ = ["Near"]
