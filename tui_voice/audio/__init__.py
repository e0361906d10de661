"""Sound: frames and levels, capture, and playback that knows how much has been heard."""
