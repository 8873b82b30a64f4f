"""The change log of a shop's database: binlogs of MariaDB and MySQL, and triggers on SQLite, become typed transactions."""
