"""NumPy: the lifted steps as readable source over arrays."""
