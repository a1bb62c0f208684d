"""The same work done by others, each with what its own manual shows; they run in an environment of their own."""
