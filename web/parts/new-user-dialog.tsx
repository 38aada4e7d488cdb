import { type ReactNode, useState } from "react";
import { hasCode, wordsOf } from "../app/api.ts";
import { useCreateUser } from "../app/data-accounts.ts";
import { notify } from "../app/notices.ts";
import { nameProblem, passwordProblem } from "../app/site-name.ts";
import { Button } from "./button.tsx";
import { Dialog, DialogActions } from "./dialog.tsx";
import { Field, PasswordInput, Select, TextInput } from "./field.tsx";
import { ProblemBox } from "./problem-box.tsx";

export function NewUserDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="Add a user">
      <NewUserForm onClose={onClose} />
    </Dialog>
  );
}

function NewUserForm({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<"member" | "administrator">("member");
  const [isTried, setTried] = useState(false);
  const create = useCreateUser();
  const isNameRefused = hasCode(create.error, "username_taken", "username_invalid");
  const nameError = isNameRefused ? wordsOf(create.error) : username !== "" || isTried ? nameProblem(username, "user") : null;
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (nameProblem(username, "user") !== null || passwordProblem(password) !== null) return;
    create.mutate(
      { username, password, role },
      {
        onSuccess: () => {
          notify({ tone: "good", text: `${username} can now sign in` });
          onClose();
        },
      },
    );
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      {create.error !== null && !isNameRefused && <ProblemBox title={wordsOf(create.error)} />}
      <Field label="User name" error={nameError}>
        {(control) => (
          <TextInput
            {...control}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
        )}
      </Field>
      <Field label="First password" hint="At least 8 characters. They can change it under Account." error={isTried ? passwordProblem(password) : null}>
        {(control) => <PasswordInput {...control} autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />}
      </Field>
      <Field
        label="Role"
        hint={role === "administrator" ? "Sees and changes every site and every user." : "Sees the sites they are a member of, and makes their own."}
      >
        {(control) => (
          <Select {...control} value={role} onChange={(event) => setRole(event.target.value === "administrator" ? "administrator" : "member")}>
            <option value="member">Member</option>
            <option value="administrator">Administrator</option>
          </Select>
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending && "Adding…"}>
          Add user
        </Button>
      </DialogActions>
    </form>
  );
}
