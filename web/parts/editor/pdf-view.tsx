import { type ReactNode, useEffect, useState } from "react";
import { wordsOf } from "../../app/api.ts";
import { fetchFile } from "../../app/data-files.ts";
import { bytesText } from "../../app/formats.ts";
import { baseOf } from "../../app/paths.ts";
import { Button } from "../button.tsx";

/** Largest PDF that is opened from here, in bytes: all of it has to be in the page's memory. */
const openedBytes = 100_000_000;

/**
 * A PDF opens in a tab of its own, from the bytes that were read: the API sends files with a policy under which nothing
 * runs, the browser's viewer neither.
 */
export function PdfView({ site, path, size }: { readonly site: string; readonly path: string; readonly size: number }): ReactNode {
  const [address, setAddress] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const isOpened = size <= openedBytes;
  useEffect(() => {
    if (!isOpened) return;
    const stop = new AbortController();
    let made: string | undefined;
    fetchFile(site, path, stop.signal).then(
      ({ bytes }) => {
        if (stop.signal.aborted) return;
        made = URL.createObjectURL(new Blob([bytes], { type: "application/pdf" }));
        setAddress(made);
      },
      (error: unknown) => !stop.signal.aborted && setProblem(wordsOf(error)),
    );
    return () => {
      stop.abort();
      if (made !== undefined) URL.revokeObjectURL(made);
    };
  }, [site, path, isOpened]);
  if (!isOpened) return <p className="text-soft">This PDF has {bytesText(size)}. Download it to read it.</p>;
  if (problem !== null) return <p className="text-bad">{problem}</p>;
  return (
    <div className="text-center">
      <p className="mb-4 text-soft">A PDF opens in a tab of its own.</p>
      <Button variant="primary" busy={address === null && "Loading…"} onClick={() => address !== null && window.open(address)}>
        Open {baseOf(path)}
      </Button>
    </div>
  );
}
