import { useEffect, useRef, useState } from "react";

/** Pause after the last key before a list is asked again, in milliseconds. */
const typingMs = 250;

/**
 * The text of a search box, whose search stands in the address: typing asks for another one after a pause, and when somebody else changes it
 * (a link that shows everything again, the browser's way back) the box follows.
 */
export function useTypedSearch(search: string, ask: (search: string) => void): readonly [string, (text: string) => void] {
  const [text, setText] = useState(search);
  const asked = useRef(search);
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    if (search === asked.current) return;
    asked.current = search;
    setText(search);
  }, [search]);
  useEffect(() => {
    const wanted = text.trim();
    if (wanted === asked.current) return;
    const timer = setTimeout(() => {
      asked.current = wanted;
      latest.current(wanted);
    }, typingMs);
    return () => clearTimeout(timer);
  }, [text]);
  return [text, setText];
}
