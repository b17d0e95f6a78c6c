"""The docks: widgets that show the workbench and pass on clicks. The only package that knows Qt."""
