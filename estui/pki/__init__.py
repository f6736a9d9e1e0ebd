"""Keys, names, certificate authorities, chains."""
