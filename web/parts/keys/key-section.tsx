import { KeySquare, Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { wordsOf } from "../../app/api.ts";
import { type Key, useDeleteKey, useKeys, useSshDoor } from "../../app/data-keys.ts";
import { Button } from "../button.tsx";
import { ConfirmDialog } from "../confirm-dialog.tsx";
import { Section } from "../heading.tsx";
import { ProblemBox } from "../problem-box.tsx";
import { Loading, Skeleton } from "../skeleton.tsx";
import { TimeAgo } from "../time-ago.tsx";
import { NewKeyDialog } from "./new-key-dialog.tsx";
import { SshCommandsList } from "./ssh-commands-list.tsx";

export function KeySection(): ReactNode {
  const { data: keys, error, refetch } = useKeys();
  const remove = useDeleteKey();
  const [isAdding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Key | null>(null);
  const close = (): void => {
    remove.reset();
    setRemoving(null);
  };
  return (
    <Section
      title="SSH keys"
      lead="For a shell and for files, without a password."
      actions={
        <Button onClick={() => setAdding(true)}>
          <Plus aria-hidden="true" />
          New key
        </Button>
      }
    >
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {keys === undefined && error === null && (
        <Loading label="The keys are loading">
          <Skeleton className="h-20 w-full" />
        </Loading>
      )}
      {keys?.length === 0 && <p className="text-soft">No keys yet. Your password and API tokens work, too.</p>}
      <ul className="divide-y divide-line">
        {keys?.map((key) => (
          <KeyRow key={key.id} entry={key} onRemove={() => setRemoving(key)} />
        ))}
      </ul>
      <DoorFacts />
      <NewKeyDialog isOpen={isAdding} onClose={() => setAdding(false)} />
      <ConfirmDialog
        isOpen={removing !== null}
        onClose={close}
        title={`Remove ${removing?.title ?? ""}?`}
        confirmLabel="Remove key"
        busyLabel="Removing…"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => removing !== null && remove.mutate(removing.id, { onSuccess: close })}
      >
        <p>What it has opened ends at once. The key itself stays on your computer and can be added again.</p>
      </ConfirmDialog>
    </Section>
  );
}

function KeyRow({ entry, onRemove }: { readonly entry: Key; readonly onRemove: () => void }): ReactNode {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
      <KeySquare className="size-5 shrink-0 text-soft" aria-hidden="true" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium [overflow-wrap:anywhere]">{entry.title}</p>
        <p className="text-soft text-sm [overflow-wrap:anywhere]">
          {entry.algorithm}, {entry.bits} bits · <code className="font-mono text-xs">{entry.fingerprint}</code>
        </p>
        <p className="text-soft text-sm">
          {entry.lastUsedAt === null ? (
            "Never used"
          ) : (
            <>
              Used <TimeAgo at={entry.lastUsedAt} />
            </>
          )}
        </p>
      </div>
      <Button onClick={onRemove} aria-label={`Remove… ${entry.title}`}>
        Remove…
      </Button>
    </li>
  );
}

function DoorFacts(): ReactNode {
  const { data: door } = useSshDoor();
  if (door === undefined || door === null) return null;
  return (
    <div className="mt-4 flex flex-col gap-4 border-line border-t pt-4">
      <SshCommandsList />
      <div>
        <p className="text-soft text-sm">At the first connection your program shows one of these fingerprints. Go on only if it is the same:</p>
        <ul className="mt-1">
          {door.keys.map(({ algorithm, fingerprint }) => (
            <li key={fingerprint} className="text-sm [overflow-wrap:anywhere]">
              {algorithm} <code className="select-all font-mono text-xs">{fingerprint}</code>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}
