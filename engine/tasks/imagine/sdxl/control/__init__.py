"""ControlNet and the detectors that prepare its control image."""
