import { type ReactNode, useState } from "react";
import { hasCode, wordsOf } from "../app/api.ts";
import { useChangePassword, useMe } from "../app/data-session.ts";
import { notify } from "../app/notices.ts";
import { passwordProblem } from "../app/site-name.ts";
import { Button } from "../parts/button.tsx";
import { Field, PasswordInput } from "../parts/field.tsx";
import { PageHeading, Section } from "../parts/heading.tsx";
import { KeySection } from "../parts/keys/key-section.tsx";
import { ProblemBox } from "../parts/problem-box.tsx";
import { TokenSection } from "../parts/token-section.tsx";
import { useLeave } from "../parts/use-leave.tsx";

export function AccountPage(): ReactNode {
  const me = useMe();
  const { leave, question, isLeaving, error } = useLeave();
  return (
    <div className="mx-auto max-w-3xl">
      <PageHeading title="Account" lead={`You are signed in as ${me?.username ?? "…"}${me?.role === "administrator" ? ", an administrator" : ""}.`}>
        <Button onClick={leave} busy={isLeaving && "Signing out…"}>
          Sign out
        </Button>
      </PageHeading>
      {question}
      {error !== null && (
        <div className="mb-5">
          <ProblemBox title={wordsOf(error)} />
        </div>
      )}
      <div className="flex flex-col gap-5">
        <KeySection />
        <TokenSection />
        <PasswordSection />
      </div>
    </div>
  );
}

function PasswordSection(): ReactNode {
  const me = useMe();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const [isTried, setTried] = useState(false);
  const change = useChangePassword();
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (passwordProblem(next) !== null) return;
    change.mutate(
      { currentPassword: current, newPassword: next },
      {
        onSuccess: () => {
          setCurrent("");
          setNext("");
          setTried(false);
          notify({ tone: "good", text: "Your password was changed. Every other session of yours has ended." });
        },
      },
    );
  };
  const isCurrentWrong = hasCode(change.error, "credentials_wrong");
  return (
    <Section title="Password" lead="Changing it ends every other session of yours.">
      <form onSubmit={submit} noValidate className="flex max-w-md flex-col gap-4">
        {change.error !== null && !isCurrentWrong && <ProblemBox title={wordsOf(change.error)} />}
        <input type="hidden" name="username" autoComplete="username" value={me?.username ?? ""} readOnly />
        <Field label="Current password" error={isCurrentWrong ? "This is not your current password." : null}>
          {(control) => <PasswordInput {...control} autoComplete="current-password" value={current} onChange={(event) => setCurrent(event.target.value)} />}
        </Field>
        <Field label="New password" hint="At least 8 characters." error={isTried ? passwordProblem(next) : null}>
          {(control) => <PasswordInput {...control} autoComplete="new-password" value={next} onChange={(event) => setNext(event.target.value)} />}
        </Field>
        <div>
          <Button type="submit" variant="primary" busy={change.isPending && "Changing…"}>
            Change password
          </Button>
        </div>
      </form>
    </Section>
  );
}
