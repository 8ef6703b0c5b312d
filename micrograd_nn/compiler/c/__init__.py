"""C: the lifted steps as a C99 library that the system's compiler makes, or as one file for a reader."""
