import { Search } from "lucide-react";
import type { ReactNode } from "react";
import { type TaskViewName, taskViews, taskViewWords } from "../../app/task-views.ts";
import { Select } from "../field.tsx";
import { useTypedSearch } from "../typed-search.ts";

interface FilterProps {
  readonly search: string;
  readonly view: TaskViewName;
  readonly onChange: (search: string, view: TaskViewName) => void;
}

/** What narrows a list of tasks. */
export function TaskFilterBar({ search, view, onChange }: FilterProps): ReactNode {
  const [text, setText] = useTypedSearch(search, (wanted) => onChange(wanted, view));
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
