import { Link, useNavigate, useParams } from "@tanstack/react-router";
import { type ReactNode, useState } from "react";
import { hasCode, wordsOf } from "../app/api.ts";
import { useSetUp } from "../app/data-session.ts";
import { passwordProblem } from "../app/site-name.ts";
import { Button } from "../parts/button.tsx";
import { Entrance } from "../parts/entrance.tsx";
import { Field, PasswordInput } from "../parts/field.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";

/** Where the one-time link of the first start leads. */
export function SetUpPage(): ReactNode {
  const { secret } = useParams({ from: "/setup/$secret" });
  const navigate = useNavigate();
  const setUp = useSetUp();
  const [password, setPassword] = useState("");
  const [isTried, setTried] = useState(false);
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (passwordProblem(password) === null) setUp.mutate({ secret, password }, { onSuccess: () => void navigate({ to: "/", replace: true }) });
  };
  return (
    <Entrance title="Set up Backlot" lead="Choose the password of the first administrator. The user name is admin.">
      <form onSubmit={submit} className="flex flex-col gap-4">
        {setUp.error !== null && (
          <ProblemBox title={wordsOf(setUp.error)}>
            {hasCode(setUp.error, "setup_link_invalid") && (
              <Link to="/sign-in" className="underline">
                To the sign-in
              </Link>
            )}
          </ProblemBox>
        )}
        <input type="hidden" name="username" autoComplete="username" value="admin" readOnly />
        <Field
          label="New password"
          hint="At least 8 characters. A few unrelated words are easy to remember and hard to guess."
          error={isTried ? passwordProblem(password) : null}
        >
          {(control) => <PasswordInput {...control} autoComplete="new-password" value={password} onChange={(event) => setPassword(event.target.value)} />}
        </Field>
        <Button type="submit" variant="primary" busy={setUp.isPending && "Setting the password…"}>
          Set password and sign in
        </Button>
      </form>
    </Entrance>
  );
}
