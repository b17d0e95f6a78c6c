"""What is done to pixels before and after a network: intensity range and resampling."""
