"""Scripted servers that speak as inference servers do, and the tests of the client."""
