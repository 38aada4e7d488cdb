import type { ReactNode } from "react";
import { useSshDoor } from "../../app/data-keys.ts";
import { useMe } from "../../app/data-session.ts";
import { sshCommands } from "../../app/ssh-commands.ts";
import { CopyButton } from "../copy-button.tsx";

/** What to type for a shell and for files, with the person's own name in it. */
export function SshCommandsList({ site }: { readonly site?: string }): ReactNode {
  const { data: door } = useSshDoor();
  const me = useMe();
  if (door === undefined || door === null || me === undefined || me === null) return null;
  return (
    <dl className="flex flex-col gap-2">
      {sshCommands(door, me.username, site).map(({ label, command }) => (
        <div key={command}>
          <dt className="text-soft text-sm">{label}</dt>
          <dd className="mt-1 flex items-center gap-1 rounded-lg bg-sunken py-0.5 pr-0.5 pl-3">
            <code className="min-w-0 flex-1 select-all py-2 font-mono [overflow-wrap:anywhere] text-ink text-xs">{command}</code>
            <CopyButton text={command} label={`Copy: ${label}`} />
          </dd>
        </div>
      ))}
    </dl>
  );
}
