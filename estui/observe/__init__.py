"""Reads the world and changes nothing: folders, sockets, HTTP APIs."""
