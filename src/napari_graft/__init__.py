"""napari-graft: the nearest pretrained model, a few painted tiles, and a segmentation."""
