"""JAX: the lifted steps as a pure function, and its training as a scan. Importing it needs the extra ``jax``."""
