import { WifiOff } from "lucide-react";
import { type ReactNode, useState } from "react";
import { connection, retryConnection } from "../app/connection.ts";
import { useStore } from "../app/store.ts";
import { Button } from "./button.tsx";

/** Says that nobody answers, for as long as that is so. */
export function AwayBanner(): ReactNode {
  const isAway = useStore(connection) === "away";
  const [isTrying, setTrying] = useState(false);
  const retry = async (): Promise<void> => {
    setTrying(true);
    await retryConnection();
    setTrying(false);
  };
  return (
    <div role="alert" className="sticky top-0 z-30">
      {isAway && (
        <div className="border-warn/30 border-b bg-warn-tint text-warn">
          <div className="mx-auto flex w-full max-w-6xl flex-wrap items-center gap-x-3 gap-y-2 px-4 py-2 sm:px-6">
            <WifiOff className="size-5 shrink-0" aria-hidden="true" />
            <p className="min-w-0 flex-1 basis-56 font-medium">Backlot does not answer. What you see may be old; it is asked again every few seconds.</p>
            <Button onClick={() => void retry()} busy={isTrying && "Asking…"}>
              Ask now
            </Button>
          </div>
        </div>
      )}
    </div>
  );
}
