"""What is deployed: the catalogue of components, and how a scale becomes replicas."""
