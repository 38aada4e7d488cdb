import { CatchBoundary } from "@tanstack/react-router";
import { type ComponentType, lazy, type ReactNode, Suspense, useState } from "react";
import { LostCode, lateCode } from "../../app/late-code.ts";
import { ProblemBox } from "../problem-box.tsx";

/** A part whose code comes when it is first shown; when it does not come, that is said, with a way to ask again. */
export function latePart<P extends object>(load: () => Promise<ComponentType<P>>, waiting: ReactNode): (props: P) => ReactNode {
  // A new one for each attempt: what React was once refused stays refused.
  const attempt = (): ComponentType<P> => lazy(async () => ({ default: await lateCode(load) })) as ComponentType<P>;
  let Loaded = attempt();
  return function LatePart(props) {
    const [count, setCount] = useState(0);
    const again = (): void => {
      Loaded = attempt();
      setCount(count + 1);
    };
    return (
      <CatchBoundary
        getResetKey={() => count}
        errorComponent={({ error }) => {
          // A bug of the part itself is for the page to tell.
          if (!(error instanceof LostCode)) throw error;
          return <ProblemBox title="This part of the page could not be loaded. Check your connection, then try again or reload the page." retry={again} />;
        }}
      >
        <Suspense fallback={waiting}>
          <Loaded {...props} />
        </Suspense>
      </CatchBoundary>
    );
  };
}
