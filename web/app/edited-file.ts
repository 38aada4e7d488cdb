import { useMutation } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { hasCode } from "./api.ts";
import { type FileContent, fetchFile, saveFile } from "./data-files.ts";
import { decodeText, encodeText, type TextFile } from "./text-file.ts";

/** Somebody else's version that stands in the way of saving. */
export interface Conflict {
  readonly theirs: TextFile | null;
  /** null: the file was deleted meanwhile. */
  readonly etag: string | null;
}

interface Version extends TextFile {
  readonly etag: string | null;
}

/** A text file being edited: what was saved last, what stands in the editor, and what is in the way. */
export function useEditedFile(site: string, path: string, first: { text: TextFile; content: FileContent }) {
  const [saved, setSaved] = useState<Version>({ ...first.text, etag: first.content.etag });
  const [text, setText] = useState(first.text.text);
  const [conflict, setConflict] = useState<Conflict | null>(null);
  const isDirty = text !== saved.text;

  const save = useMutation({
    mutationFn: async ({ base, sent }: { base: string | null; sent: string }) => {
      const etag = await saveFile(site, path, { bytes: encodeText({ ...saved, text: sent }), etag: base });
      return { ...saved, text: sent, etag };
    },
    onSuccess: (version) => {
      setSaved(version);
      setConflict(null);
    },
    onError: async (error) => {
      if (hasCode(error, "file_changed", "file_not_found")) setConflict(await readTheirs(site, path));
    },
  });

  const saveNow = (): void => {
    if (!save.isPending) save.mutate({ base: saved.etag, sent: text });
  };
  useSaveKey(saveNow);

  return {
    text,
    setText,
    isDirty,
    save,
    saveNow,
    conflict,
    /** Overwrites the other version with what stands in the editor. */
    keepMine: () => conflict !== null && save.mutate({ base: conflict.etag, sent: text }),
    /** Gives up what stands in the editor. */
    takeTheirs: () => {
      if (conflict === null || conflict.theirs === null) return;
      setSaved({ ...conflict.theirs, etag: conflict.etag });
      setText(conflict.theirs.text);
      setConflict(null);
      save.reset();
    },
    closeConflict: () => setConflict(null),
  };
}

async function readTheirs(site: string, path: string): Promise<Conflict> {
  try {
    const { bytes, etag } = await fetchFile(site, path);
    return { theirs: decodeText(bytes), etag };
  } catch (error) {
    if (hasCode(error, "file_not_found")) return { theirs: null, etag: null };
    throw error;
  }
}

/** Ctrl-S, or Command-S on a Mac, wherever the focus is on the page. */
function useSaveKey(save: () => void): void {
  const latest = useRef(save);
  useEffect(() => {
    latest.current = save;
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.key.toLowerCase() !== "s") return;
      event.preventDefault();
      latest.current();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, []);
}
