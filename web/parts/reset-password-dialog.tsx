import { type ReactNode, useState } from "react";
import type { UserView } from "#contract/api/views.ts";
import { wordsOf } from "../app/api.ts";
import { passwordProblem } from "../app/site-name.ts";
import { Button } from "./button.tsx";
import { Dialog, DialogActions } from "./dialog.tsx";
import { Field, PasswordInput } from "./field.tsx";

interface Props {
  readonly user: UserView;
  readonly isOpen: boolean;
  readonly isBusy: boolean;
  readonly error: unknown;
  readonly onClose: () => void;
  readonly onReset: (password: string) => void;
}

export function ResetPasswordDialog({ user, isOpen, onClose, ...rest }: Props): ReactNode {
  return (
    <Dialog
      isOpen={isOpen}
      onClose={onClose}
      title={`New password for ${user.username}`}
      description="Their sessions end. Tell them the new password in person; they can change it under Account."
    >
      <ResetForm onClose={onClose} {...rest} />
    </Dialog>
  );
}

function ResetForm({ isBusy, error, onClose, onReset }: Omit<Props, "user" | "isOpen">): ReactNode {
  const [password, setPassword] = useState("");
  const [isTried, setTried] = useState(false);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (passwordProblem(password) === null) onReset(password);
  };
  return (
    <form onSubmit={submit} noValidate>
      <Field label="New password" error={error !== null ? wordsOf(error) : isTried ? passwordProblem(password) : null} hint="At least 8 characters.">
        {(control) => <PasswordInput {...control} autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={isBusy && "Setting…"}>
          Set password
        </Button>
      </DialogActions>
    </form>
  );
}
