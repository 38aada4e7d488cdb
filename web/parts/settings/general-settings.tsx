import { type ReactNode, useMemo } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { useUpdateSite } from "../../app/data-sites.ts";
import { fieldRules } from "../../app/draft.ts";
import { secondsText } from "../../app/formats.ts";
import { notify } from "../../app/notices.ts";
import { changeOf, draftOf, type SettingsDraft } from "../../app/settings-draft.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Field, Select, SwitchField, TextArea, TextInput } from "../field.tsx";
import { Section } from "../heading.tsx";
import { SaveBar } from "./save-bar.tsx";

const rules = fieldRules<SettingsDraft>();
const idleChoices = [60, 300, 600, 1800, 3600, 21_600] as const;

/** Description, kind and how the program sleeps: one form with one button. */
export function GeneralSettings({ site }: { readonly site: SiteView }): ReactNode {
  const form = useDraft(draftOf(site), rules);
  const { base, draft } = form;
  const update = useUpdateSite(site.name);
  const change = changeOf(base, draft);
  // Said where it can be mended: at the field that keeps the program awake.
  const isAwakeRefused = hasCode(update.error, "awake_sites_used_up");
  const set = (part: Partial<SettingsDraft>): void => form.set((now) => ({ ...now, ...part }));
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    if (change === null) return;
    update.mutate(change, {
      onSuccess: ({ site: answer, operation }) => {
        form.settle(draft, draftOf(answer));
        // Where an operation follows, its own card tells of it.
        if (operation === null) notify({ tone: "good", text: "Settings saved" });
      },
    });
  };
  return (
    <Section id="general" title="General">
      <form onSubmit={submit}>
        <div className="flex flex-col gap-5">
          <Field label="Description">
            {(control) => (
              <TextArea {...control} rows={2} maxLength={2000} value={draft.description} onChange={(event) => set({ description: event.target.value })} />
            )}
          </Field>
          <Field
            label="Kind"
            hint={
              draft.kind === "static"
                ? "The files in public/ are served as they are. Costs nothing while nobody visits."
                : "run.sh starts a program that answers visitors on $HOST:$PORT."
            }
          >
            {(control) => (
              <Select {...control} value={draft.kind} onChange={(event) => set({ kind: event.target.value === "dynamic" ? "dynamic" : "static" })}>
                <option value="static">Static: files only</option>
                <option value="dynamic">Dynamic: runs a program</option>
              </Select>
            )}
          </Field>
          {draft.kind === "dynamic" && <ProgramSettings draft={draft} set={set} sleepError={isAwakeRefused ? wordsOf(update.error) : null} />}
        </div>
        <SaveBar
          isChanged={change !== null}
          isSaving={update.isPending}
          error={isAwakeRefused ? null : update.error}
          onDiscard={() => {
            form.discard();
            update.reset();
          }}
        />
      </form>
    </Section>
  );
}

interface ProgramProps {
  readonly draft: SettingsDraft;
  readonly set: (part: Partial<SettingsDraft>) => void;
  readonly sleepError: string | null;
}

function ProgramSettings({ draft, set, sleepError }: ProgramProps): ReactNode {
  const zones = useMemo(() => Intl.supportedValuesOf("timeZone"), []);
  const choices = draft.idleSeconds === null || idleChoices.some((each) => each === draft.idleSeconds) ? idleChoices : [draft.idleSeconds, ...idleChoices];
  return (
    <>
      <Field label="Goes to sleep" hint="A sleeping program costs nothing. The next visitor wakes it within a moment." error={sleepError}>
        {(control) => (
          <Select
            {...control}
            value={draft.idleSeconds ?? "never"}
            onChange={(event) => set({ idleSeconds: event.target.value === "never" ? null : Number(event.target.value) })}
          >
            {choices.map((seconds) => (
              <option key={seconds} value={seconds}>
                After {secondsText(seconds)} without visitors
              </option>
            ))}
            <option value="never">Never: always awake</option>
          </Select>
        )}
      </Field>
      <SwitchField
        label="Search engines and monitors wake it too"
        hint="Otherwise only people do, and robots get the last known copy or are asked to come back."
        checked={draft.botsWake}
        onChange={(botsWake) => set({ botsWake })}
      />
      <SwitchField
        label="Two instances may run side by side for a moment"
        hint="A restart then loses no visitor. Switch it off if the program cannot share its files with another copy of itself."
        checked={draft.canRunTwice}
        onChange={(canRunTwice) => set({ canRunTwice })}
      />
      <Field label="Time zone" hint="What the program sees as its local time.">
        {(control) => (
          <>
            <TextInput
              {...control}
              list="time-zones"
              autoComplete="off"
              spellCheck={false}
              maxLength={64}
              value={draft.timeZone}
              onChange={(event) => set({ timeZone: event.target.value })}
            />
            <datalist id="time-zones">
              {zones.map((zone) => (
                <option key={zone} value={zone} />
              ))}
            </datalist>
          </>
        )}
      </Field>
    </>
  );
}
