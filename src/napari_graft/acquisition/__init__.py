"""Which tiles of an image a person should paint next."""
