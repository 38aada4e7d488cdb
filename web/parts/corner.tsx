import { CircleCheck, Info, TriangleAlert, X } from "lucide-react";
import type { ReactNode } from "react";
import { dismissNotice, holdNotice, type Notice, notices } from "../app/notices.ts";
import { useStore } from "../app/store.ts";
import { Button, IconButton } from "./button.tsx";
import { OperationTray } from "./operation-tray.tsx";

/** The lower right corner: short messages and running operations, over every page. */
export function Corner(): ReactNode {
  return (
    <div className="pointer-events-none fixed inset-x-3 bottom-3 z-30 flex flex-col gap-2 sm:left-auto sm:w-96">
      <OperationTray />
      <Notices />
    </div>
  );
}

function Notices(): ReactNode {
  const shown = useStore(notices);
  return (
    <div role="status" aria-live="polite" className="flex flex-col gap-2">
      {shown.map((notice) => (
        <NoticeCard key={notice.id} notice={notice} />
      ))}
    </div>
  );
}

function NoticeCard({ notice }: { readonly notice: Notice }): ReactNode {
  const Icon = notice.tone === "good" ? CircleCheck : notice.tone === "bad" ? TriangleAlert : Info;
  const color = notice.tone === "good" ? "text-good" : notice.tone === "bad" ? "text-bad" : "text-sky";
  const { action } = notice;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: nothing is done by these; they only keep it from going while it is read.
    <div
      onFocus={() => holdNotice(notice.id, true)}
      onBlur={() => holdNotice(notice.id, false)}
      onPointerEnter={() => holdNotice(notice.id, true)}
      onPointerLeave={() => holdNotice(notice.id, false)}
      className="pointer-events-auto flex animate-appear items-center gap-2 rounded-2xl border border-line bg-surface py-1.5 pr-1.5 pl-4 shadow-float"
    >
      <Icon className={`size-5 shrink-0 ${color}`} aria-hidden="true" />
      <p className="min-w-0 flex-1 py-1.5 text-[0.9375rem] [overflow-wrap:anywhere]">{notice.text}</p>
      {action !== undefined && (
        <Button
          onClick={() => {
            action.run();
            dismissNotice(notice.id);
          }}
        >
          {action.label}
        </Button>
      )}
      <IconButton label="Put away" onClick={() => dismissNotice(notice.id)}>
        <X aria-hidden="true" />
      </IconButton>
    </div>
  );
}
