import { Search } from "lucide-react";
import { type ReactNode, useEffect, useState } from "react";
import { type TaskViewName, taskViews, taskViewWords } from "../../app/task-views.ts";
import { Select } from "../field.tsx";

interface FilterProps {
  readonly search: string;
  readonly view: TaskViewName;
  readonly onChange: (search: string, view: TaskViewName) => void;
}

/** Pause after the last key before the list is asked again, in milliseconds. */
const typingMs = 250;

/** What narrows a list of tasks. */
export function TaskFilterBar({ search, view, onChange }: FilterProps): ReactNode {
  const [text, setText] = useState(search);
  useEffect(() => {
    if (text.trim() === search) return;
    const timer = setTimeout(() => onChange(text.trim(), view), typingMs);
    return () => clearTimeout(timer);
  }, [text, search, view, onChange]);
  return (
    <div className="mb-4 flex flex-wrap items-center gap-3">
      <search className="relative w-full sm:w-80">
        <Search className="pointer-events-none absolute top-3 left-3 size-5 text-soft" aria-hidden="true" />
        <input
          type="search"
          aria-label="Search tasks"
          placeholder="Search scripts and arguments"
          className="control pl-10"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      </search>
      <Select
        className="w-auto"
        aria-label="Show"
        value={view}
        onChange={(event) => onChange(text.trim(), taskViews.find((each) => each === event.target.value) ?? "all")}
      >
        {taskViews.map((each) => (
          <option key={each} value={each}>
            {taskViewWords[each]}
          </option>
        ))}
      </Select>
    </div>
  );
}
