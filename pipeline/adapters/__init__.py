"""The real things behind the ports: the database, SFTP, Alma, mail; the only code that touches them."""
