import { useParams } from "@tanstack/react-router";
import { UserPlus } from "lucide-react";
import { type ReactNode, useState } from "react";
import type { MemberRole } from "#contract/site.ts";
import { hasCode, wordsOf } from "../../app/api.ts";
import { useMembers, useRemoveMember, useSetMember } from "../../app/data-members.ts";
import { useMe } from "../../app/data-session.ts";
import { may, useSite } from "../../app/data-sites.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog } from "../../parts/confirm-dialog.tsx";
import { Field, TextInput } from "../../parts/field.tsx";
import { Section } from "../../parts/heading.tsx";
import { MemberRow, RoleSelect } from "../../parts/member-row.tsx";
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
  const remove = useRemoveMember(site);
  const [leaving, setLeaving] = useState<string | null>(null);
  const change = (username: string, role: MemberRole): void =>
    setMember.mutate(
      { username, role },
      { onSuccess: () => notify({ tone: "good", text: `${username} is now ${role}` }), onError: (failure) => notify({ tone: "bad", text: wordsOf(failure) }) },
    );
  const close = (): void => {
    remove.reset();
    setLeaving(null);
  };
  const isSelf = leaving === me?.username;
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
            member={member}
            isSelf={member.username === me?.username}
            mayChange={mayChange}
            isBusy={setMember.isPending}
            onRole={(role) => change(member.username, role)}
            onRemove={() => setLeaving(member.username)}
          />
        ))}
      </ul>
      <ConfirmDialog
        isOpen={leaving !== null}
        onClose={close}
        title={isSelf ? `Leave ${site}?` : `Remove ${leaving ?? ""}?`}
        confirmLabel={isSelf ? "Leave the site" : "Remove member"}
        busyLabel="Removing…"
        isBusy={remove.isPending}
        error={remove.error}
        onConfirm={() => leaving !== null && remove.mutate(leaving, { onSuccess: close })}
      >
        <p>
          {isSelf ? "You will no longer see this site unless an owner adds you again." : "Everything they have open on this site closes within two seconds."}
        </p>
      </ConfirmDialog>
    </Section>
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
