import { type ReactNode, useState } from "react";
import { hasCode, wordsOf } from "../app/api.ts";
import { sessionEnded } from "../app/connection.ts";
import { useMe, useSignIn } from "../app/data-session.ts";
import { useStore } from "../app/store.ts";
import { Button } from "./button.tsx";
import { Dialog, DialogActions } from "./dialog.tsx";
import { Field, PasswordInput } from "./field.tsx";

/** Asks for the password again where the session ended under an open page, so that nothing typed there is lost. */
export function SessionEndedDialog(): ReactNode {
  const isEnded = useStore(sessionEnded);
  return (
    <Dialog
      isOpen={isEnded}
      onClose={() => undefined}
      isDismissible={false}
      title="Your session has ended"
      description="Sign in again to go on. This page stays as it is."
    >
      <SignInAgain />
    </Dialog>
  );
}

/** Goes with the dialog: a password that was begun here is not kept when the person has signed in elsewhere. */
function SignInAgain(): ReactNode {
  const me = useMe();
  const signIn = useSignIn();
  const [password, setPassword] = useState("");
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    signIn.mutate({ username: me?.username ?? "", password });
  };
  const error = signIn.error === null ? null : hasCode(signIn.error, "credentials_wrong") ? "The password is wrong. Try again." : wordsOf(signIn.error);
  return (
    <form onSubmit={submit}>
      <input type="hidden" name="username" autoComplete="username" value={me?.username ?? ""} readOnly />
      <Field label={`Password of ${me?.username ?? "your account"}`} error={error}>
        {(control) => (
          <PasswordInput {...control} autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
        )}
      </Field>
      <DialogActions>
        <Button onClick={() => window.location.assign("/sign-in")}>Someone else</Button>
        <Button type="submit" variant="primary" busy={signIn.isPending && "Signing in…"}>
          Sign in
        </Button>
      </DialogActions>
    </form>
  );
}
