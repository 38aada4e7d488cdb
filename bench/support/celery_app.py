"""The peer's side of the task benchmark: the same work as Celery tasks, each writing one line when it starts and one when it ends."""
import os
import subprocess
import time

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_AMQP_URL"])
app.conf.update(
    task_acks_late=True,
    worker_prefetch_multiplier=1,
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    # Celery does not wait for the broker by default; Backlot has committed and fsynced a row when it answers.
    broker_transport_options={"confirm_publish": True},
    worker_hijack_root_logger=False,
)


def note(event, number):
    # One write with O_APPEND: lines of several processes do not mix.
    descriptor = os.open(os.environ["BENCH_NOTES"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(descriptor, f"{event} {number} {time.time_ns() // 1000}\n".encode())
    os.close(descriptor)


@app.task
def nothing(number):
    note("started", number)
    note("ended", number)


@app.task
def script(number, argv, folder):
    note("started", number)
    with open(os.path.join(folder, f"{number}_stdout.log"), "w") as out, open(os.path.join(folder, f"{number}_stderr.log"), "w") as err:
        subprocess.run(argv, stdout=out, stderr=err, stdin=subprocess.DEVNULL, cwd=folder, check=False)
    note("ended", number)
