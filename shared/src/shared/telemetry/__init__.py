"""What operators see: spans, metrics and log lines, cheap enough to stay switched on."""
