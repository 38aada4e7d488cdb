import { type ReactNode, useState } from "react";
import { type TokenScope, tokenScopes } from "#contract/token-scope.ts";
import { wordsOf } from "../app/api.ts";
import { useCreateToken } from "../app/data-accounts.ts";
import { Button } from "./button.tsx";
import { CopyButton } from "./copy-button.tsx";
import { Dialog, DialogActions } from "./dialog.tsx";
import { Field, Select, TextInput } from "./field.tsx";
import { ProblemBox } from "./problem-box.tsx";

export const scopeWords: Readonly<Record<TokenScope, { readonly label: string; readonly meaning: string }>> = {
  full: { label: "Everything", meaning: "Whatever you may do yourself." },
  read: { label: "Read", meaning: "Look at sites, files and logs." },
  deploy: { label: "Deploy", meaning: "Deploy, restart, start and put to sleep." },
  files: { label: "Files", meaning: "Write, move and delete files." },
  shell: { label: "Shell", meaning: "Open a shell and run commands in sites, over SSH." },
  tasks: { label: "Tasks", meaning: "Run scripts and change schedules." },
};

const dayMs = 24 * 60 * 60 * 1000;
const lifetimes = [
  ["30", "30 days"],
  ["90", "90 days"],
  ["365", "A year"],
  ["never", "No end"],
] as const;

export function NewTokenDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  const [secret, setSecret] = useState<string | null>(null);
  const close = (): void => {
    setSecret(null);
    onClose();
  };
  return (
    <Dialog isOpen={isOpen} onClose={close} title={secret === null ? "New API token" : "Your new token"}>
      {secret === null ? <TokenForm onClose={close} onMade={setSecret} /> : <Secret secret={secret} onClose={close} />}
    </Dialog>
  );
}

function TokenForm({ onClose, onMade }: { readonly onClose: () => void; readonly onMade: (secret: string) => void }): ReactNode {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<readonly TokenScope[]>(["full"]);
  const [days, setDays] = useState("90");
  const [isTried, setTried] = useState(false);
  const create = useCreateToken();
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (name.trim() === "" || scopes.length === 0) return;
    const expiresAt = days === "never" ? undefined : new Date(Date.now() + Number(days) * dayMs).toISOString();
    create.mutate({ name: name.trim(), scopes: [...scopes], ...(expiresAt === undefined ? {} : { expiresAt }) }, { onSuccess: (made) => onMade(made.secret) });
  };
  const toggle = (scope: TokenScope): void => setScopes(scopes.includes(scope) ? scopes.filter((each) => each !== scope) : [...scopes, scope]);
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      {create.error !== null && <ProblemBox title={wordsOf(create.error)} />}
      <Field label="Name" hint="What it is for, so that you know it again." error={isTried && name.trim() === "" ? "Give it a name." : null}>
        {(control) => (
          <TextInput {...control} autoComplete="off" maxLength={100} placeholder="Laptop" value={name} onChange={(event) => setName(event.target.value)} />
        )}
      </Field>
      <fieldset>
        <legend className="mb-1 font-medium text-sm">May do</legend>
        {tokenScopes.map((scope) => (
          <label key={scope} className="flex min-h-11 items-center gap-3 sm:min-h-9">
            <input
              type="checkbox"
              className="size-5 shrink-0 accent-(--accent)"
              checked={scopes.includes("full") || scopes.includes(scope)}
              disabled={scope !== "full" && scopes.includes("full")}
              onChange={() => toggle(scope)}
            />
            <span>
              <span className="font-medium">{scopeWords[scope].label}</span> <span className="text-soft text-sm">{scopeWords[scope].meaning}</span>
            </span>
          </label>
        ))}
        {isTried && scopes.length === 0 && (
          <p role="alert" className="text-bad text-sm">
            Choose at least one.
          </p>
        )}
      </fieldset>
      <Field label="Good for">
        {(control) => (
          <Select {...control} value={days} onChange={(event) => setDays(event.target.value)}>
            {lifetimes.map(([value, label]) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </Select>
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending && "Making the token…"}>
          Make token
        </Button>
      </DialogActions>
    </form>
  );
}

function Secret({ secret, onClose }: { readonly secret: string; readonly onClose: () => void }): ReactNode {
  return (
    <>
      <p className="mb-3">Copy it now: it is shown only this once. Whoever has it can act as you.</p>
      <div className="flex items-center gap-1 rounded-xl border border-line bg-sunken py-1 pr-1 pl-4">
        <code className="min-w-0 flex-1 select-all break-all font-mono text-sm">{secret}</code>
        <CopyButton text={secret} label="Copy the token" />
      </div>
      <DialogActions>
        <Button variant="primary" onClick={onClose}>
          I have copied it
        </Button>
      </DialogActions>
    </>
  );
}
