"""Examples, augmentation, masked losses and the one trainer."""
