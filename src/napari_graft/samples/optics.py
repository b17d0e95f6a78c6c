"""Transmitted light behind a thin transparent specimen: phase contrast, interference contrast, bright field.

The specimen is a map of the phase, in radians, by which it holds back the light: optical thickness. Each
function returns the intensity, (y, x), 1 where there is nothing in the light.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from napari_graft.samples.shapes import FloatArray


def phase_contrast(phase: FloatArray, ring: float, attenuation: float) -> FloatArray:
    """Return what positive phase contrast shows: thin parts dark, thick ones bright, halos, shading off.

    The phase ring holds the direct light back by a quarter of a wave and dims its amplitude to
    `attenuation`; as the ring has a width, light scattered by less than 1 / `ring` (pixels) goes through it
    too, which makes the halo (Zernike 1942, Physica 9:686; Yin et al. 2012, Med Image Anal 16:1047).
    """
    wave = np.exp(1j * phase)
    direct = _blur(wave, ring)
    return np.asarray(np.abs(wave - direct - 1j * attenuation * direct) ** 2 / attenuation**2, np.float32)


def interference_contrast(phase: FloatArray, shear: float, angle: float) -> FloatArray:
    """Return what DIC shows: the slope of the phase along `angle`, as if lit from that side.

    Two waves a `shear` (pixels) apart interfere at a bias of a quarter of a wave (Preza et al. 1999,
    J Opt Soc Am A 16:2185).
    """
    rows, columns = np.gradient(phase)
    slope = shear * (np.sin(angle) * rows + np.cos(angle) * columns)
    return np.asarray(1 + np.sin(slope), np.float32)


def bright_field(phase: FloatArray, defocus: float) -> FloatArray:
    """Return what bright field shows out of focus: rims and fringes, of opposite sign on the two sides.

    Fresnel propagation (Goodman 2005, Introduction to Fourier Optics, chapter 4) over `defocus`, the
    wavelength times the distance in square pixels; in focus a transparent specimen is invisible.
    """
    pad = max(8, int(3 * np.sqrt(abs(defocus))))
    wave = np.exp(1j * np.pad(phase, pad, mode="reflect"))
    rows, columns = np.meshgrid(*(np.fft.fftfreq(n) for n in wave.shape), indexing="ij")
    kernel = np.exp(-1j * np.pi * defocus * (rows**2 + columns**2))
    there = np.fft.ifft2(np.fft.fft2(wave) * kernel)[pad:-pad, pad:-pad]
    return np.asarray(np.abs(there) ** 2, np.float32)


def _blur(wave: NDArray[np.complexfloating], sigma: float) -> NDArray[np.complexfloating]:
    real, imaginary = (
        ndimage.gaussian_filter(part, sigma, mode="nearest", truncate=3.0) for part in (wave.real, wave.imag)
    )
    return np.asarray(real + 1j * imaginary)
