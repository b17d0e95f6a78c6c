"""What is around the tabs: docks, the workbench of a viewer, the strip of jobs, what napari opens."""
