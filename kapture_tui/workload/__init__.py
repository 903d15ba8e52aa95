"""What runs inside the pods and child processes: generator, loader, consumers, observer."""
