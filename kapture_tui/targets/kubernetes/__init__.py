"""A Kubernetes namespace as a target: the only package that imports the Kubernetes client."""
