"""Ground floor: values and small tools that all else stands on; numpy and the standard library only."""
