"""Audio devices: capture, playback that counts the played samples, echo cancellation, files."""
