import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { wordsOf } from "../app/api.ts";
import { useSignIn } from "../app/data-session.ts";
import { safeNext } from "../app/search-params.ts";
import { Button } from "../parts/button.tsx";
import { Entrance } from "../parts/entrance.tsx";
import { Field, PasswordInput, TextInput } from "../parts/field.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";

export function SignInPage(): ReactNode {
  const { next } = useSearch({ from: "/sign-in" });
  const navigate = useNavigate();
  const signIn = useSignIn();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    signIn.mutate({ username: username.trim(), password }, { onSuccess: () => void navigate({ href: safeNext(next), replace: true }) });
  };
  return (
    <Entrance title="Sign in" lead={next === undefined ? "Your sites are waiting." : "Sign in to go on to the page you asked for."}>
      <form onSubmit={submit} className="flex flex-col gap-4">
        {signIn.error !== null && <ProblemBox title={wordsOf(signIn.error)} />}
        <Field label="User name">
          {(control) => (
            <TextInput
              {...control}
              autoComplete="username"
              autoCapitalize="none"
              spellCheck={false}
              required
              value={username}
              onChange={(event) => setUsername(event.target.value)}
            />
          )}
        </Field>
        <Field label="Password">
          {(control) => (
            <PasswordInput {...control} autoComplete="current-password" required value={password} onChange={(event) => setPassword(event.target.value)} />
          )}
        </Field>
        <Button type="submit" variant="primary" className="mt-1" busy={signIn.isPending && "Signing in…"}>
          Sign in
        </Button>
      </form>
    </Entrance>
  );
}
