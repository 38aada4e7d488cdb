import { EllipsisVertical } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { UserView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { type UserChange, useUpdateUser } from "../app/data-accounts.ts";
import { useMe } from "../app/data-session.ts";
import { notify } from "../app/notices.ts";
import { IconButton } from "./button.tsx";
import { cx } from "./class-names.ts";
import { ConfirmDialog } from "./confirm-dialog.tsx";
import { Menu, MenuItem, MenuSeparator } from "./menu.tsx";
import { ResetPasswordDialog } from "./reset-password-dialog.tsx";
import { TimeAgo } from "./time-ago.tsx";

type Question = "password" | "deactivate" | "demote";

export function UserRow({ user }: { readonly user: UserView }): ReactNode {
  const isSelf = useMe()?.username === user.username;
  const update = useUpdateUser();
  const [open, setOpen] = useState<Question | null>(null);
  const apply = (change: UserChange, said: string): void =>
    update.mutate(
      { username: user.username, change },
      {
        onSuccess: () => {
          setOpen(null);
          notify({ tone: "good", text: said });
        },
        onError: (error) => open === null && notify({ tone: "bad", text: wordsOf(error) }),
      },
    );
  const close = (): void => {
    update.reset();
    setOpen(null);
  };
  return (
    <li className="flex items-center gap-3 px-3 py-2.5 sm:px-4">
      <span
        aria-hidden="true"
        className={cx(
          "flex size-9 shrink-0 items-center justify-center rounded-full bg-tint font-semibold text-accent uppercase",
          !user.isActive && "grayscale",
        )}
      >
        {user.username.slice(0, 1)}
      </span>
      <div className="min-w-0 flex-1">
        <p className="truncate font-medium">
          {user.username}
          {isSelf && <span className="font-normal text-soft"> (you)</span>}
        </p>
        <p className="text-soft text-sm">
          {user.role === "administrator" ? "Administrator" : "Member"} · since <TimeAgo at={user.createdAt} />
        </p>
      </div>
      {!user.isActive && <span className="rounded-full bg-sunken px-3 py-1 font-medium text-soft text-sm">Deactivated</span>}
      <UserMenu user={user} isSelf={isSelf} onApply={apply} onOpen={setOpen} />
      <Questions user={user} open={open} save={update} onApply={apply} onClose={close} />
    </li>
  );
}

interface QuestionsProps {
  readonly user: UserView;
  readonly open: Question | null;
  readonly save: { readonly isPending: boolean; readonly error: unknown };
  readonly onApply: (change: UserChange, said: string) => void;
  readonly onClose: () => void;
}

/** What is asked before something that is not simply taken back. */
function Questions({ user, open, save, onApply, onClose }: QuestionsProps): ReactNode {
  return (
    <>
      <ResetPasswordDialog
        user={user}
        isOpen={open === "password"}
        isBusy={save.isPending}
        error={save.error}
        onClose={onClose}
        onReset={(password) => onApply({ password }, `${user.username} has a new password`)}
      />
      <ConfirmDialog
        isOpen={open === "deactivate"}
        onClose={onClose}
        title={`Deactivate ${user.username}?`}
        confirmLabel="Deactivate"
        busyLabel="Deactivating…"
        isBusy={save.isPending}
        error={save.error}
        onConfirm={() => onApply({ isActive: false }, `${user.username} can no longer sign in`)}
      >
        <p>Their sessions end and their tokens stop working at once. Their sites stay. You can activate them again.</p>
      </ConfirmDialog>
      <ConfirmDialog
        isOpen={open === "demote"}
        onClose={onClose}
        title="Make yourself an ordinary member?"
        confirmLabel="Make me an ordinary member"
        busyLabel="Changing…"
        isBusy={save.isPending}
        error={save.error}
        onConfirm={() => onApply({ role: "member" }, roleSaid(user, "member"))}
      >
        <p>You lose this page and everything else that administrators have. Only another administrator can make you one again.</p>
      </ConfirmDialog>
    </>
  );
}

const roleSaid = ({ username }: UserView, role: UserView["role"]): string =>
  `${username} is now ${role === "administrator" ? "an administrator" : "an ordinary member"}`;

interface MenuProps {
  readonly user: UserView;
  readonly isSelf: boolean;
  readonly onApply: (change: UserChange, said: string) => void;
  readonly onOpen: (question: Question) => void;
}

function UserMenu({ user, isSelf, onApply, onOpen }: MenuProps): ReactNode {
  const nextRole = user.role === "administrator" ? "member" : "administrator";
  const isStepDown = isSelf && nextRole === "member";
  return (
    <Menu
      trigger={
        <IconButton label={`Actions for ${user.username}`}>
          <EllipsisVertical aria-hidden="true" />
        </IconButton>
      }
    >
      <MenuItem onSelect={() => (isStepDown ? onOpen("demote") : onApply({ role: nextRole }, roleSaid(user, nextRole)))}>
        {nextRole === "administrator" ? "Make administrator" : isStepDown ? "Make ordinary member…" : "Make ordinary member"}
      </MenuItem>
      <MenuItem onSelect={() => onOpen("password")}>Reset password…</MenuItem>
      <MenuSeparator />
      {user.isActive ? (
        <MenuItem isDangerous onSelect={() => onOpen("deactivate")}>
          Deactivate…
        </MenuItem>
      ) : (
        <MenuItem onSelect={() => onApply({ isActive: true }, `${user.username} can sign in again`)}>Activate again</MenuItem>
      )}
    </Menu>
  );
}
