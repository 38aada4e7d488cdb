import { useEffect } from "react";
import { followTask, type TaskView, taskView } from "#contract/api/tasks.ts";
import { readEvents } from "#contract/events.ts";
import { isTaskEnded } from "#contract/task.ts";
import { api } from "./api.ts";
import { showTask } from "./data-tasks.ts";
import { whileStreaming } from "./stream-room.ts";
import { untilVisible } from "./visibility.ts";

const retryMs = 2_000;

/** Keeps a task on the page true until it has ended. */
export function useLiveTask(task: TaskView | undefined): void {
  const uid = task?.uid;
  const isEnded = task === undefined || isTaskEnded(task.state);
  useEffect(() => {
    if (uid === undefined || isEnded) return;
    const stop = new AbortController();
    void follow(uid, stop.signal);
    return () => stop.abort();
  }, [uid, isEnded]);
}

async function follow(uid: string, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    await untilVisible(stop);
    if (stop.aborted) return;
    const { signal, release } = whileStreaming(stop);
    try {
      const response = await api.fetch(followTask, { params: { uid }, signal });
      if (response.body !== null) for await (const { data } of readEvents(response.body)) showTask(taskView.parse(JSON.parse(data)));
    } catch {
      // Away for a moment: the banner says so, and the next round asks again.
    } finally {
      release();
    }
    if (!stop.aborted) await new Promise((resolve) => setTimeout(resolve, retryMs));
  }
}
