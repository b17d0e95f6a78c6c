"""The headless application: what the command line and the docks ask for, as plain functions of a project."""
