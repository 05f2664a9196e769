"""Who makes tokens and who learns from them, on this machine."""
