import { type ReactNode, useState } from "react";
import type { SiteView } from "#contract/api/views.ts";
import { type SiteAvailability, type SiteEgress, siteAvailabilities, siteEgresses } from "#contract/site.ts";
import { useImages } from "../../app/data-images.ts";
import { type SiteChange, useUpdateSite } from "../../app/data-sites.ts";
import { useSystem } from "../../app/data-system.ts";
import { notify } from "../../app/notices.ts";
import { availabilityWords, egressWords, limitFields, limitTexts, parseLimits } from "../../app/settings-draft.ts";
import { Field, Select, SwitchField, TextInput } from "../field.tsx";
import { Section } from "../heading.tsx";
import { SaveBar } from "./save-bar.tsx";

/** What only administrators change: whether the site may be there at all, and how much it may use. */
export function LimitSettings({ site }: { readonly site: SiteView }): ReactNode {
  const [availability, setAvailability] = useState<SiteAvailability>(site.availability);
  const [egress, setEgress] = useState<SiteEgress>(site.egress);
  const held = site.dedicated ?? false;
  const [isDedicated, setDedicated] = useState(held);
  const [texts, setTexts] = useState(() => limitTexts(site.limits));
  const [reason, setReason] = useState("");
  const [isTried, setTried] = useState(false);
  const update = useUpdateSite(site.name);
  const parsed = parseLimits(texts, site.limits);
  const hasNewLimits = !("limits" in parsed) || Object.keys(parsed.limits).length > 0;
  const isChanged = availability !== site.availability || egress !== site.egress || isDedicated !== held || hasNewLimits;
  const reasonProblem = isTried && isChanged && reason.trim() === "" ? "Say why, in a sentence. The owners can read it." : null;
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (!("limits" in parsed) || reason.trim() === "") return;
    const change: SiteChange = { reason: reason.trim() };
    if (availability !== site.availability) change.availability = availability;
    if (egress !== site.egress) change.egress = egress;
    if (isDedicated !== held) change.dedicated = isDedicated;
    if (hasNewLimits) change.limits = parsed.limits;
    update.mutate(change, { onSuccess: ({ operation }) => operation === null && notify({ tone: "good", text: "Limits saved" }) });
  };
  const discard = (): void => {
    setAvailability(site.availability);
    setEgress(site.egress);
    setDedicated(held);
    setTexts(limitTexts(site.limits));
    setReason("");
    setTried(false);
    update.reset();
  };
  return (
    <Section id="limits" title="Availability and limits" lead="Only administrators see this. Every change needs a reason, which is kept.">
      <form onSubmit={submit} noValidate>
        <div className="grid gap-5 sm:grid-cols-2">
          <AvailabilityField value={availability} onChange={setAvailability} />
          {site.kind === "dynamic" ? (
            <EgressField value={egress} onChange={setEgress} />
          ) : (
            <DedicatedField value={isDedicated} isHeld={held} onChange={setDedicated} />
          )}
          {limitFields.map(({ key, label, unit }) => (
            <Field key={key} label={`${label} (${unit})`} error={"key" in parsed && parsed.key === key ? parsed.problem : null}>
              {(control) => (
                <TextInput {...control} inputMode="decimal" value={texts[key]} onChange={(event) => setTexts({ ...texts, [key]: event.target.value })} />
              )}
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
