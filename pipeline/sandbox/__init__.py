"""A campus in a box: an Alma, an SFTP server and a bursar's office on this machine, to try the nights on.

Nothing here is imported by the product's own night.  The box speaks the formats of the outside with code of its own, so
that a mistake in our layouts or readers is noticed by somebody who does not share it.
"""
