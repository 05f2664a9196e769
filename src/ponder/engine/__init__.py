"""Who makes tokens and who learns from them, on this machine; who answers conversations, here or behind a network."""
