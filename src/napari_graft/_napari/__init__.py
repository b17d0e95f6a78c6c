"""What napari calls: contributions named by the manifest. Knows napari's layers, and no Qt."""
