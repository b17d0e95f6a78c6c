"""A package that provides a source to napari-graft."""
