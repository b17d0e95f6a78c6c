"""Rounds of suggesting, labelling and training that go on by themselves within a budget."""
