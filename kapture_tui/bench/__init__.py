"""What a run proves: load search, validity, score and comparison."""
