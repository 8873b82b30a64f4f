"""mysql-replication reads a log to its end in its own environment: a port and a file's name go in; rows and seconds come out as JSON."""

from __future__ import annotations

import json
import sys
import time

from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent


def main(port: int, file: str) -> None:
    """Every value of every row is looked at, as the library hands it out."""
    stream = BinLogStreamReader(
        connection_settings={"host": "127.0.0.1", "port": port, "user": "app", "passwd": "app"},
        server_id=2_900_000_001,
        log_file=file,
        log_pos=4,
        resume_stream=True,
        only_events=[WriteRowsEvent, UpdateRowsEvent, DeleteRowsEvent],
    )
    begun, cpu, rows, images = time.perf_counter(), time.process_time(), 0, 0
    for event in stream:
        for row in event.rows:
            rows += 1
            images += 2 if "before_values" in row else 1
    seconds = time.perf_counter() - begun
    stream.close()
    print(json.dumps({"rows": rows, "images": images, "seconds": seconds, "cpu_s": time.process_time() - cpu}))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
