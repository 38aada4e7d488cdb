import { type ReactNode, useDeferredValue } from "react";
import { hasCode, wordsOf } from "../../app/api.ts";
import { usePreview } from "../../app/data-schedules.ts";
import { momentText } from "../../app/formats.ts";
import type { CatchUpPolicy, OverlapPolicy, PlanDraft } from "../../app/schedule-draft.ts";
import { catchUpWords, cronExamples, cronWords, overlapWords } from "../../app/schedule-words.ts";
import { Field, Select, TextInput } from "../field.tsx";
import { Section } from "../heading.tsx";

interface PlanProps {
  readonly plan: PlanDraft;
  readonly problems: Readonly<Record<string, string>>;
  readonly onChange: (plan: PlanDraft) => void;
}

/** When it runs, and what happens when that does not work out. */
export function PlanFields({ plan, problems, onChange }: PlanProps): ReactNode {
  return (
    <Section title="When">
      <div className="flex flex-col gap-5">
        <Field label="Name" hint="So that you know it again." error={problems.name ?? null}>
          {(control) => (
            <TextInput
              {...control}
              maxLength={100}
              autoComplete="off"
              placeholder="Nightly backup"
              value={plan.name}
              onChange={(event) => onChange({ ...plan, name: event.target.value })}
            />
          )}
        </Field>
        <CronFields plan={plan} problems={problems} onChange={onChange} />
        <div className="grid gap-5 sm:grid-cols-2">
          <Field label="When the one before still runs">
            {(control) => (
              <Select {...control} value={plan.overlap} onChange={(event) => onChange({ ...plan, overlap: event.target.value as OverlapPolicy })}>
                <Options words={overlapWords} />
              </Select>
            )}
          </Field>
          <Field label="What fell due while Backlot was off">
            {(control) => (
              <Select {...control} value={plan.catchUp} onChange={(event) => onChange({ ...plan, catchUp: event.target.value as CatchUpPolicy })}>
                <Options words={catchUpWords} />
              </Select>
            )}
          </Field>
        </div>
      </div>
    </Section>
  );
}

function CronFields({ plan, problems, onChange }: PlanProps): ReactNode {
  const cron = useDeferredValue(plan.cron);
  const timeZone = useDeferredValue(plan.timeZone);
  const preview = usePreview(cron, timeZone);
  const isZone = hasCode(preview.error, "time_zone_unknown");
  const example = cronWords(plan.cron) === null ? "" : plan.cron.trim();
  return (
    <>
      <div className="grid gap-5 sm:grid-cols-2">
        <Field label="Often wanted">
          {(control) => (
            <Select {...control} value={example} onChange={(event) => event.target.value !== "" && onChange({ ...plan, cron: event.target.value })}>
              <option value="">Something else</option>
              {cronExamples.map(([each, words]) => (
                <option key={each} value={each}>
                  {words}
                </option>
              ))}
            </Select>
          )}
        </Field>
        <Field
          label="Cron expression"
          hint="Minute, hour, day, month, weekday."
          error={problems.cron ?? (preview.error !== null && !isZone ? wordsOf(preview.error) : null)}
        >
          {(control) => (
            <TextInput
              {...control}
              className="font-mono"
              spellCheck={false}
              autoComplete="off"
              value={plan.cron}
              onChange={(event) => onChange({ ...plan, cron: event.target.value })}
            />
          )}
        </Field>
      </div>
      <Field label="Time zone" error={isZone ? wordsOf(preview.error) : null}>
        {(control) => (
          <>
            <TextInput
              {...control}
              list={`${control.id}-zones`}
              spellCheck={false}
              value={plan.timeZone}
              onChange={(event) => onChange({ ...plan, timeZone: event.target.value })}
            />
            <datalist id={`${control.id}-zones`}>
              {Intl.supportedValuesOf("timeZone").map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      {preview.error === null && preview.data !== undefined && <NextRuns moments={preview.data} />}
    </>
  );
}

function NextRuns({ moments }: { readonly moments: readonly string[] }): ReactNode {
  return (
    <div className="rounded-xl border border-line bg-sunken px-4 py-3 text-sm" aria-live="polite">
      <p className="font-medium">Next runs, by your own clock</p>
      {moments.length === 0 ? (
        <p className="text-soft">There is no such moment.</p>
      ) : (
        <ul className="text-soft tabular-nums">
          {moments.map((moment) => (
            <li key={moment}>{momentText(moment)}</li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Options({ words }: { readonly words: Readonly<Record<string, string>> }): ReactNode {
  return Object.entries(words).map(([value, label]) => (
    <option key={value} value={value}>
      {label}
    </option>
  ));
}
