"""Trainings of a project: of one model, of several sources on trial, and what painting brings."""
