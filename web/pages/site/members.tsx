import { useNavigate, useParams } from "@tanstack/react-router";
import { UserPlus } from "lucide-react";
import { type ReactNode, useState } from "react";
import { type MemberRole, memberRoles } from "#contract/site.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { forgetSite, useMembers, useRemoveMember, useSetMember } from "../../app/data-members.ts";
import { useMe } from "../../app/data-session.ts";
import { may, useSite } from "../../app/data-sites.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Field, TextInput } from "../../parts/field.tsx";
import { Section } from "../../parts/heading.tsx";
import { MemberRow, RoleSelect, roleLabels } from "../../parts/member-row.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { Loading, Skeleton } from "../../parts/skeleton.tsx";

export function MembersPage(): ReactNode {
  const { name } = useParams({ from: "/app/sites/$name" });
  const { data: site } = useSite(name);
  const mayChange = may(site, "site.members");
  return (
    <div className="flex max-w-3xl flex-col gap-5">
      {mayChange && <AddMember site={name} />}
      <MemberList site={name} mayChange={mayChange} />
    </div>
  );
}

function MemberList({ site, mayChange }: { readonly site: string; readonly mayChange: boolean }): ReactNode {
  const { data: members, error, refetch } = useMembers(site);
  const me = useMe();
  const setMember = useSetMember(site);
  const [leaving, setLeaving] = useState<string | null>(null);
  /** The lesser role that one has chosen for oneself. */
  const [stepping, setStepping] = useState<MemberRole | null>(null);
  // By its own promise: what is handed to `mutate` is told of the last change only.
  const change = (username: string, role: MemberRole): Promise<void> =>
    setMember.mutateAsync({ username, role }).then(
      () => notify({ tone: "good", text: `${username} is now ${role}` }),
      (failure: unknown) => notify({ tone: "bad", text: `${username}: ${wordsOf(failure)}` }),
    );
  const stepDown = async (username: string, role: MemberRole): Promise<void> => {
    await change(username, role);
    // Another one may have been chosen since.
    setStepping((asked) => (asked === role ? null : asked));
  };
  /** The role that a member is about to have, else the one they have. */
  const shownRole = (username: string, role: MemberRole): MemberRole =>
    setMember.isPending && setMember.variables.username === username ? setMember.variables.role : role;
  return (
    <Section title="Members" lead="Owners may do everything, editors change files and run the site, viewers look.">
      {error !== null && <ProblemBox title={wordsOf(error)} retry={() => void refetch()} />}
      {members === undefined && error === null && (
        <Loading label="The members are loading">
          <Skeleton className="h-32 w-full" />
        </Loading>
      )}
      <ul className="divide-y divide-line">
        {members?.map((member) => (
          <MemberRow
            key={member.username}
            member={{ ...member, role: shownRole(member.username, member.role) }}
            isSelf={member.username === me?.username}
            mayChange={mayChange}
            onRole={(role) => (member.username === me?.username && isLess(role, member.role) ? setStepping(role) : void change(member.username, role))}
            onRemove={() => setLeaving(member.username)}
          />
        ))}
      </ul>
      <ConfirmDialog
        isOpen={stepping !== null}
        onClose={() => setStepping(null)}
        title={`Make yourself ${roleLabels[stepping ?? "viewer"].toLowerCase()} of ${site}?`}
        confirmLabel="Change my role"
        busyLabel="Changing…"
        isBusy={setMember.isPending && setMember.variables.username === me?.username}
        onConfirm={() => stepping !== null && me !== undefined && void stepDown(me.username, stepping)}
      >
        <p>From then on you may do only what the new role allows. An owner or an administrator can give you the old one back.</p>
      </ConfirmDialog>
      <RemoveQuestion site={site} username={leaving} isSelf={leaving === me?.username} onClose={() => setLeaving(null)} />
    </Section>
  );
}

/** The roles stand in the order of what they allow, the one that allows most first. */
const isLess = (role: MemberRole, than: MemberRole): boolean => memberRoles.indexOf(role) > memberRoles.indexOf(than);

interface RemoveProps {
  readonly site: string;
  /** Null when nobody is asked about. */
  readonly username: string | null;
  readonly isSelf: boolean;
  readonly onClose: () => void;
}

function RemoveQuestion({ site, username, isSelf, onClose }: RemoveProps): ReactNode {
  const navigate = useNavigate();
  const remove = useRemoveMember(site);
  const close = (): void => {
    remove.reset();
    onClose();
  };
  const onSuccess = (): void => {
    close();
    if (isSelf) void navigate({ to: "/" }).then(() => forgetSite(site));
  };
  return (
    <ConfirmDialog
      isOpen={username !== null}
      onClose={close}
      title={isSelf ? `Leave ${site}?` : `Remove ${username ?? ""}?`}
      confirmLabel={isSelf ? "Leave the site" : "Remove member"}
      busyLabel="Removing…"
      isBusy={remove.isPending}
      error={remove.error}
      onConfirm={() => username !== null && remove.mutate(username, { onSuccess })}
    >
      <p>{isSelf ? "You will no longer see this site unless an owner adds you again." : "Everything they have open on this site closes within two seconds."}</p>
    </ConfirmDialog>
  );
}

function AddMember({ site }: { readonly site: string }): ReactNode {
  const [username, setUsername] = useState("");
  const [role, setRole] = useState<MemberRole>("editor");
  const add = useSetMember(site);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    const name = username.trim().toLowerCase();
    if (name === "") return;
    add.mutate(
      { username: name, role },
      {
        onSuccess: () => {
          setUsername("");
          notify({ tone: "good", text: `${name} is now a member, as ${role}` });
        },
      },
    );
  };
  const error = add.error === null ? null : hasCode(add.error, "user_not_found") ? "There is no user with this name. Check the spelling." : wordsOf(add.error);
  return (
    <Section title="Add someone">
      <form onSubmit={submit} className="flex flex-col gap-3 sm:flex-row sm:items-start">
        <Field label="User name" error={error} className="flex-1">
          {(control) => (
            <TextInput
              {...control}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              required
              value={username}
              onChange={(event) => {
                setUsername(event.target.value);
                add.reset();
              }}
            />
          )}
        </Field>
        <Field label="Role" className="sm:w-40">
          {(control) => <RoleSelect {...control} value={role} onRole={setRole} />}
        </Field>
        <Button type="submit" variant="primary" className="sm:mt-[1.625rem] sm:min-h-11" busy={add.isPending && "Adding…"}>
          <UserPlus aria-hidden="true" />
          Add
        </Button>
      </form>
    </Section>
  );
}
