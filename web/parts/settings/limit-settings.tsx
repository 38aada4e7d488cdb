import { type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { type SiteAvailability, type SiteEgress, siteAvailabilities, siteEgresses } from "#contract/site.ts";
import { useImages } from "../../app/data-images.ts";
import { useUpdateSite } from "../../app/data-sites.ts";
import { useSystem } from "../../app/data-system.ts";
import { fieldRules } from "../../app/draft.ts";
import { notify } from "../../app/notices.ts";
import { availabilityWords, egressWords, type LimitsDraft, limitFields, limitsChangeOf, limitsDraftOf } from "../../app/settings-draft.ts";
import { useDraft } from "../../app/use-draft.ts";
import { Field, Select, SwitchField, TextInput } from "../field.tsx";
import { Section } from "../heading.tsx";
import { SaveBar } from "./save-bar.tsx";

const rules = fieldRules<LimitsDraft>();

/** What only administrators change: whether the site may be there at all, and how much it may use. */
export function LimitSettings({ site }: { readonly site: SiteView }): ReactNode {
  const form = useDraft(limitsDraftOf(site), rules);
  const { base, draft } = form;
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const update = useUpdateSite(site.name);
  const change = limitsChangeOf(base, draft);
  const isChanged = change !== null;
  const wrong = change !== null && "problem" in change ? change : null;
  const reasonProblem = isTried && isChanged && reason.trim() === "" ? "Say why, in a sentence. The owners can read it." : null;
  const set = (part: Partial<LimitsDraft>): void => form.set((now) => ({ ...now, ...part }));
  const reset = (): void => {
    setReason("");
    setTried(false);
  };
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (change === null || "problem" in change || reason.trim() === "") return;
    update.mutate(
      { ...change, reason: reason.trim() },
      {
        onSuccess: ({ site: answer, operation }) => {
          form.settle(draft, limitsDraftOf(answer));
          reset();
          if (operation === null) notify({ tone: "good", text: "Limits saved" });
        },
      },
    );
  };
  const discard = (): void => {
    form.discard();
    reset();
    update.reset();
  };
  return (
    <Section id="limits" title="Availability and limits" lead="Only administrators see this. Every change needs a reason, which is kept.">
      <form onSubmit={submit} noValidate>
        <div className="grid gap-5 sm:grid-cols-2">
          <AvailabilityField value={draft.availability} onChange={(availability) => set({ availability })} />
          {site.kind === "dynamic" ? (
            <EgressField value={draft.egress} onChange={(egress) => set({ egress })} />
          ) : (
            <DedicatedField value={draft.dedicated} isHeld={base.dedicated} onChange={(dedicated) => set({ dedicated })} />
          )}
          {limitFields.map(({ key, label, unit }) => (
            <Field key={key} label={`${label} (${unit})`} error={wrong?.key === key ? wrong.problem : null}>
              {(control) => <TextInput {...control} inputMode="decimal" value={draft[key]} onChange={(event) => set({ [key]: event.target.value })} />}
            </Field>
          ))}
          {isChanged && (
            <Field label="Reason" error={reasonProblem} className="sm:col-span-2">
              {(control) => (
                <TextInput
                  {...control}
                  maxLength={1000}
                  value={reason}
                  onChange={(event) => setReason(event.target.value)}
                  placeholder="Video project of class 9b until June"
                />
              )}
            </Field>
          )}
        </div>
        <SaveBar isChanged={isChanged} isSaving={update.isPending} error={update.error} onDiscard={discard} />
      </form>
    </Section>
  );
}

function AvailabilityField({ value, onChange }: { readonly value: SiteAvailability; readonly onChange: (value: SiteAvailability) => void }): ReactNode {
  return (
    <Field label="Availability" hint={availabilityWords[value].meaning} className="sm:col-span-2">
      {(control) => (
        <Select {...control} value={value} onChange={(event) => onChange(siteAvailabilities.find((each) => each === event.target.value) ?? value)}>
          {siteAvailabilities.map((each) => (
            <option key={each} value={each}>
              {availabilityWords[each].label}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

function EgressField({ value, onChange }: { readonly value: SiteEgress; readonly onChange: (value: SiteEgress) => void }): ReactNode {
  const machine = useSystem().data?.egress;
  const cannot = machine === undefined || machine.isAvailable ? "" : ` This machine cannot do it: ${machine.notes.join(" ")}`;
  return (
    <Field label="Connections to the outside" hint={`${egressWords[value].meaning}${cannot}`} className="sm:col-span-2">
      {(control) => (
        <Select {...control} value={value} onChange={(event) => onChange(siteEgresses.find((each) => each === event.target.value) ?? value)}>
          {siteEgresses.map((each) => (
            <option key={each} value={each}>
              {egressWords[each].label}
            </option>
          ))}
        </Select>
      )}
    </Field>
  );
}

interface DedicatedProps {
  readonly value: boolean;
  readonly isHeld: boolean;
  readonly onChange: (value: boolean) => void;
}

/** Shown where the runtime has images: only such a one has file servers for single sites. */
function DedicatedField({ value, isHeld, onChange }: DedicatedProps): ReactNode {
  const hasServers = useImages().data?.isUsed === true;
  if (!hasServers && !isHeld) return null;
  return (
    <div className="sm:col-span-2">
      <SwitchField
        label="A file server of its own"
        hint="Its files then come from a container of the site's own, with its own limits, and not from the server that all static sites share."
        checked={value}
        onChange={onChange}
      />
    </div>
  );
}
