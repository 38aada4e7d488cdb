import type { ReactNode } from "react";
import type { SiteView } from "#contract/api/views.ts";
import type { SiteCache } from "#contract/site-cache.ts";
import { useUpdateSite } from "../../app/data-sites.ts";
import { changedFields, fieldRules } from "../../app/draft.ts";
import { bytesText, secondsText } from "../../app/formats.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Field, Select, SwitchField } from "../field.tsx";
import { Section } from "../heading.tsx";
import { SaveBar } from "./save-bar.tsx";

const rules = fieldRules<SiteCache>();
const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const choices = {
  defaultSeconds: [0, 10, minute, 10 * minute, hour, day],
  revalidateSeconds: [0, 10, 30, minute, 10 * minute, hour],
  staleSeconds: [0, 10 * minute, hour, day, 7 * day, 30 * day],
} as const;

const mebibyte = 1024 * 1024;
const sizes = [1, 4, 16, 64].map((count) => count * mebibyte);

/** How the router keeps answers of the program. */
export function CacheSettings({ site }: { readonly site: SiteView }): ReactNode {
  const form = useDraft(site.cache, rules);
  const { base, draft } = form;
  const update = useUpdateSite(site.name);
  const cache = changedFields(base, draft);
  const isChanged = Object.keys(cache).length > 0;
  const set = (part: Partial<SiteCache>): void => form.set((now) => ({ ...now, ...part }));
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (isChanged) update.mutate({ cache }, { onSuccess: ({ site: answer }) => form.settle(draft, answer.cache) });
  };
  return (
    <Section id="page-cache" title="Page cache">
      <form onSubmit={submit}>
        <div className="flex flex-col gap-5">
          <SwitchField
            label="Keep the program's answers"
            hint="Pages that the program allows to be kept (by Cache-Control) then go out without asking it, and while it sleeps without waking it."
            checked={draft.isOn}
            onChange={(isOn) => set({ isOn })}
          />
          {draft.isOn && <Times draft={draft} set={set} />}
        </div>
        <SaveBar
          isChanged={isChanged}
          isSaving={update.isPending}
          error={update.error}
          onDiscard={() => {
            form.discard();
            update.reset();
          }}
        />
      </form>
    </Section>
  );
}

function Times({ draft, set }: { readonly draft: SiteCache; readonly set: (part: Partial<SiteCache>) => void }): ReactNode {
  const times = [
    [
      "defaultSeconds",
      "Pages that say nothing of it",
      "A page without Cache-Control is kept for so long. What depends on the visitor must then say so.",
      "Are not kept",
    ],
    ["revalidateSeconds", "Old pages while a newer one is fetched", "Nobody waits for a page that has just grown old.", "Do not go out"],
    ["staleSeconds", "Old pages while the program sleeps or fails", "Better than waiting, or than an error page.", "Do not go out"],
  ] as const;
  return (
    <>
      {times.map(([key, label, hint, none]) => (
        <Field key={key} label={label} hint={hint}>
          {(control) => (
            <Select {...control} value={draft[key]} onChange={(event) => set({ [key]: Number(event.target.value) })}>
              {withValue(choices[key], draft[key]).map((seconds) => (
                <option key={seconds} value={seconds}>
                  {seconds === 0 ? none : `For ${secondsText(seconds)}`}
                </option>
              ))}
            </Select>
          )}
        </Field>
      ))}
      <SwitchField
        label="Signed-in visitors share public pages"
        hint="Otherwise every request with a cookie goes to the program. Only pages marked public or s-maxage are shared."
        checked={draft.sharesSignedIn}
        onChange={(sharesSignedIn) => set({ sharesSignedIn })}
      />
      <Field label="All pages together" hint="The ones that were not asked for the longest time go first.">
        {(control) => (
          <Select {...control} value={draft.bytes} onChange={(event) => set({ bytes: Number(event.target.value) })}>
            {withValue(sizes, draft.bytes).map((bytes) => (
              <option key={bytes} value={bytes}>
                At most {bytesText(bytes)}
              </option>
            ))}
          </Select>
        )}
      </Field>
    </>
  );
}

function withValue(offered: readonly number[], value: number): readonly number[] {
  return offered.includes(value) ? offered : [...offered, value].toSorted((a, b) => a - b);
}
