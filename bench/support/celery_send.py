"""Sends COUNT tasks of a kind, `gap` seconds apart, and prints when each was accepted, in microseconds since 1970."""
import json
import sys
import time

from celery_app import app, nothing, script

kind, count, gap, argv, folder = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), json.loads(sys.argv[4]), sys.argv[5]
accepted = []
with app.producer_pool.acquire(block=True) as producer:
    for number in range(count):
        if kind == "nothing":
            nothing.apply_async((number,), producer=producer)
        else:
            script.apply_async((number, argv, folder), producer=producer)
        accepted.append(time.time_ns() // 1000)
        if gap > 0:
            time.sleep(gap)
print(json.dumps(accepted))
