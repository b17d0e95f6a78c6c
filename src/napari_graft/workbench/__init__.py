"""The state of one window, without the window: view-models, jobs, and what to do next."""
