"""The tab Train without its window: trainings, what came of them, and the results of the image."""
