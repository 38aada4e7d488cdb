import { KeyRound, Plus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { wordsOf } from "../app/api.ts";
import { type Token, useDeleteToken, useTokens } from "../app/data-accounts.ts";
import { momentText } from "../app/formats.ts";
import { Button } from "./button.tsx";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { Section } from "./heading.tsx";
import { NewTokenDialog, scopeWords } from "./new-token-dialog.tsx";
import { ProblemBox } from "./problem-box.tsx";
import { Loading, Skeleton } from "./skeleton.tsx";
import { TimeAgo } from "./time-ago.tsx";

export function TokenSection(): ReactNode {
  const { data: tokens, error, refetch } = useTokens();
  const remove = useDeleteToken();
  const [isMaking, setMaking] = useState(false);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const close = (): void => {
    remove.reset();
    setRevoking(null);
  };
  return (
    <Section
      title="API tokens"
      lead="For the command line and for programs that act as you."
      actions={
        <Button onClick={() => setMaking(true)}>
          <Plus aria-hidden="true" />
          New token
        </Button>
      }
    >
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {tokens === undefined && error === null && (
        <Loading label="The tokens are loading">
          <Skeleton className="h-20 w-full" />
        </Loading>
      )}
      {tokens?.length === 0 && <p className="text-soft">No tokens yet.</p>}
      <ul className="divide-y divide-line">
        {tokens?.map((token) => (
          <TokenRow key={token.id} token={token} onRevoke={() => setRevoking(token)} />
        ))}
      </ul>
      <NewTokenDialog isOpen={isMaking} onClose={() => setMaking(false)} />
      <ConfirmDialog
        isOpen={revoking !== null}
        onClose={close}
        title={`Revoke ${revoking?.name ?? ""}?`}
        confirmLabel="Revoke token"
        busyLabel="Revoking…"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => revoking !== null && remove.mutate(revoking.id, { onSuccess: close })}
      >
        <p>Programs that use it stop working at once. This cannot be taken back.</p>
      </ConfirmDialog>
    </Section>
  );
}

function TokenRow({ token, onRevoke }: { readonly token: Token; readonly onRevoke: () => void }): ReactNode {
  const isExpired = token.expiresAt !== null && Date.parse(token.expiresAt) < Date.now();
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
      <KeyRound className="size-5 shrink-0 text-soft" aria-hidden="true" />
      <div className="min-w-0 flex-1 basis-48">
        <p className="font-medium [overflow-wrap:anywhere]">{token.name}</p>
        <p className="text-soft text-sm">{token.scopes.map((scope) => scopeWords[scope].label).join(", ")}</p>
        <p className="text-soft text-sm">
          {token.lastUsedAt === null ? (
            "Never used"
          ) : (
            <>
              Used <TimeAgo at={token.lastUsedAt} />
            </>
          )}
          {token.expiresAt !== null && (isExpired ? <span className="text-bad"> · has expired</span> : ` · expires ${momentText(token.expiresAt)}`)}
        </p>
      </div>
      <Button onClick={onRevoke} aria-label={`Revoke… ${token.name}`}>
        Revoke…
      </Button>
    </li>
  );
}
