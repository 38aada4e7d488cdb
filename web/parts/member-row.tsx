import { UserMinus } from "lucide-react";
import type { ReactNode } from "react";
import { type MemberRole, memberRoles } from "#contract/site.ts";
import { IconButton } from "./button.tsx";
import { type ControlProps, Select } from "./field.tsx";

export const roleLabels: Readonly<Record<MemberRole, string>> = { owner: "Owner", editor: "Editor", viewer: "Viewer" };

interface RoleSelectProps extends Partial<ControlProps> {
  readonly value: MemberRole;
  readonly "aria-label"?: string;
  readonly onRole: (role: MemberRole) => void;
}

export function RoleSelect({ value, onRole, ...rest }: RoleSelectProps): ReactNode {
  const choose = (text: string): void => {
    const role = memberRoles.find((each) => each === text);
    if (role !== undefined) onRole(role);
  };
  return (
    <Select {...rest} value={value} onChange={(event) => choose(event.target.value)}>
      {memberRoles.map((role) => (
        <option key={role} value={role}>
          {roleLabels[role]}
        </option>
      ))}
    </Select>
  );
}

interface RowProps {
  readonly member: { readonly username: string; readonly role: MemberRole };
  readonly isSelf: boolean;
  readonly mayChange: boolean;
  readonly onRole: (role: MemberRole) => void;
  readonly onRemove: () => void;
}

export function MemberRow({ member, isSelf, mayChange, onRole, onRemove }: RowProps): ReactNode {
  return (
    <li className="flex items-center gap-3 py-2.5">
      <span aria-hidden="true" className="flex size-9 shrink-0 items-center justify-center rounded-full bg-tint font-semibold text-accent uppercase">
        {member.username.slice(0, 1)}
      </span>
      <p className="min-w-0 flex-1 truncate font-medium">
        {member.username}
        {isSelf && <span className="font-normal text-soft"> (you)</span>}
      </p>
      {mayChange ? (
        <>
          <span className="w-32 shrink-0">
            <RoleSelect aria-label={`Role of ${member.username}`} value={member.role} onRole={onRole} />
          </span>
          <IconButton label={isSelf ? "Leave this site" : `Remove ${member.username}`} onClick={onRemove}>
            <UserMinus aria-hidden="true" />
          </IconButton>
        </>
      ) : (
        <span className="text-soft">{roleLabels[member.role]}</span>
      )}
    </li>
  );
}
