"""Where a stack runs: child processes of this machine, or a Kubernetes namespace."""
