"""Values: what is run, seen and proven. Standard library only, no input or output."""
