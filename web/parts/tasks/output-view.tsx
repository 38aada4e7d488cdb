import { Download, WrapText } from "lucide-react";
import { type ReactNode, useLayoutEffect, useRef, useState } from "react";
import { readTaskLog, type TaskView } from "#contract/api/tasks.ts";
import { pathOf } from "#contract/client.ts";
import { isTaskEnded, type LogStream } from "#contract/task.ts";
import { bytesText } from "../../app/formats.ts";
import { type LiveOutput, useLiveOutput } from "../../app/live-output.ts";
import { Button, buttonClass } from "../button.tsx";
import { cx } from "../class-names.ts";

const names: Readonly<Record<LogStream, string>> = { stdout: "Output", stderr: "Error output" };

/** What a task prints, as it prints it: both streams, one at a time. */
export function OutputView({ task }: { readonly task: TaskView }): ReactNode {
  const [chosen, setChosen] = useState<LogStream | null>(null);
  // What failed without a word on stdout has most likely said why on stderr.
  const stream = chosen ?? (isTaskEnded(task.state) && task.stdoutBytes === 0 && task.stderrBytes > 0 ? "stderr" : "stdout");
  const [isWrapped, setWrapped] = useState(true);
  return (
    <section aria-label="Output">
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <div role="tablist" aria-label="Stream" className="flex rounded-[0.625rem] border border-line bg-sunken p-1">
          {(["stdout", "stderr"] as const).map((each) => (
            <button
              key={each}
              type="button"
              role="tab"
              aria-selected={each === stream}
              onClick={() => setChosen(each)}
              className="min-h-9 rounded-lg px-3 font-medium text-[0.9375rem] text-soft aria-selected:bg-surface aria-selected:text-ink aria-selected:shadow-card"
            >
              {names[each]}
              <Size task={task} stream={each} />
            </button>
          ))}
        </div>
        <Button className="ml-auto px-3" aria-pressed={isWrapped} onClick={() => setWrapped(!isWrapped)}>
          <WrapText aria-hidden="true" />
          <span className="max-sm:sr-only">{isWrapped ? "Do not wrap" : "Wrap lines"}</span>
        </Button>
        <a href={pathOf(readTaskLog, { params: { uid: task.uid, stream } })} download={`${task.uid}_${stream}.log`} className={buttonClass("plain", "px-3")}>
          <Download aria-hidden="true" />
          <span className="max-sm:sr-only">Download</span>
        </a>
      </div>
      <StreamBox key={stream} task={task} stream={stream} isWrapped={isWrapped} />
    </section>
  );
}

function Size({ task, stream }: { readonly task: TaskView; readonly stream: LogStream }): ReactNode {
  const bytes = stream === "stdout" ? task.stdoutBytes : task.stderrBytes;
  return bytes === 0 ? null : <span className="ml-1.5 font-normal text-sm text-soft max-sm:hidden">{bytesText(bytes)}</span>;
}

function StreamBox({ task, stream, isWrapped }: { readonly task: TaskView; readonly stream: LogStream; readonly isWrapped: boolean }): ReactNode {
  const live = useLiveOutput(task.uid, stream);
  const box = useRef<HTMLPreElement>(null);
  // Follows as long as the end is in sight; scrolling up reads in peace.
  const isAtEnd = useRef(true);
  const { text, before } = live.output;
  // Before the browser tells of the scrolling to earlier text: it would find the end out of sight, and nothing would be followed any more.
  useLayoutEffect(() => {
    if (text !== "" && isAtEnd.current && box.current !== null) box.current.scrollTop = box.current.scrollHeight;
  }, [text]);
  return (
    <>
      <pre
        ref={box}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region has to be reachable for arrow keys.
        tabIndex={0}
        role="log"
        aria-live="off"
        aria-label={names[stream]}
        onScroll={({ currentTarget: each }) => {
          isAtEnd.current = each.scrollHeight - each.scrollTop - each.clientHeight < 40;
        }}
        className={cx(
          "card max-h-[min(65vh,42rem)] min-h-40 overflow-auto px-4 py-3 font-mono text-[0.8125rem] leading-6",
          isWrapped && "whitespace-pre-wrap [overflow-wrap:anywhere]",
        )}
      >
        {before > 0 && <span className="font-sans text-soft">{`${bytesText(before)} before this are in the download.\n`}</span>}
        {text}
        {text === "" && <span className="font-sans text-base text-soft">{nothingYet(task, stream)}</span>}
      </pre>
      <p role="status" className="mt-2 text-soft text-sm">
        <FollowState live={live} isOver={isTaskEnded(task.state)} />
      </p>
    </>
  );
}

function nothingYet(task: TaskView, stream: LogStream): string {
  if (task.state === "queued") return "Nothing here yet: the task waits for its turn.";
  if (task.state === "running") return "Nothing here yet. What the script prints appears at once.";
  return stream === "stdout" ? "The script printed nothing." : "The script printed no errors.";
}

function FollowState({ live, isOver }: { readonly live: LiveOutput; readonly isOver: boolean }): ReactNode {
  if (live.state === "lost") return <span className="text-warn">{live.problem ?? "The connection was lost."} Connecting again…</span>;
  if (live.state === "ended" || isOver) return "This is the end.";
  if (live.state === "connecting") return "Connecting…";
  return (
    <span className="flex items-center gap-2">
      <span className="size-2 rounded-full bg-good" aria-hidden="true" />
      Following live
    </span>
  );
}
