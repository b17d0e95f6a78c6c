"""Ground floor: values and small tools that everything else stands on; numpy and the standard library only."""
