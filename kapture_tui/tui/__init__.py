"""What is seen: the only package that imports Textual."""
