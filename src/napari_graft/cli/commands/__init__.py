"""The commands, by what they are about; `napari_graft.cli.app` puts them together."""
