"""Shop files, eyes and hands, held to their ports on SQLite and MariaDB, and to real data of a real shop."""
