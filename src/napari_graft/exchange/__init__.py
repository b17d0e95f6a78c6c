"""Sources from and for other programs: one format a file, all of them in `napari_graft.exchange.formats`."""
