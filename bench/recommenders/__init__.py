"""Recommenders of songs, trained on playlists, and collectives that promote a song in them."""
