import { type ReactNode, useState } from "react";
import { wordsOf } from "../../app/api.ts";
import { useCreateKey } from "../../app/data-keys.ts";
import { notify } from "../../app/notices.ts";
import { Button } from "../button.tsx";
import { Dialog, DialogActions } from "../dialog.tsx";
import { Field, TextInput } from "../field.tsx";
import { ProblemBox } from "../problem-box.tsx";

/** Longer than any public key; what is dropped by mistake is not read. */
const mostBytes = 20_000;

export function NewKeyDialog({ isOpen, onClose }: { readonly isOpen: boolean; readonly onClose: () => void }): ReactNode {
  return (
    <Dialog isOpen={isOpen} onClose={onClose} title="New SSH key">
      <KeyForm onClose={onClose} />
    </Dialog>
  );
}

function KeyForm({ onClose }: { readonly onClose: () => void }): ReactNode {
  const [text, setText] = useState("");
  const [title, setTitle] = useState("");
  const [isTried, setTried] = useState(false);
  const create = useCreateKey();
  const submit = (event: React.FormEvent): void => {
    event.preventDefault();
    setTried(true);
    if (text.trim() === "") return;
    create.mutate(
      { key: text, ...(title.trim() === "" ? {} : { title: title.trim() }) },
      {
        onSuccess: ({ key }) => {
          notify({ tone: "good", text: `The key ${key.title} was added.` });
          onClose();
        },
      },
    );
  };
  const drop = (event: React.DragEvent): void => {
    const [file] = event.dataTransfer.files;
    if (file === undefined) return;
    event.preventDefault();
    if (file.size > mostBytes) notify({ tone: "bad", text: `${file.name} is too large to be a public key.` });
    else void file.text().then(setText);
  };
  return (
    <form onSubmit={submit} noValidate className="flex flex-col gap-4">
      {create.error !== null && <ProblemBox title={wordsOf(create.error)} />}
      <Field
        label="Public key"
        hint="The one line of a file whose name ends in .pub, usually ~/.ssh/id_ed25519.pub. Paste it, or drop the file here. To make one: ssh-keygen -t ed25519"
        error={isTried && text.trim() === "" ? "Paste a public key." : null}
      >
        {(control) => (
          <textarea
            {...control}
            rows={4}
            spellCheck={false}
            autoComplete="off"
            placeholder="ssh-ed25519 AAAA… you@laptop"
            className="w-full rounded-xl border border-line bg-raised px-3 py-2 font-mono text-sm [overflow-wrap:anywhere]"
            value={text}
            maxLength={mostBytes}
            onChange={(event) => setText(event.target.value)}
            onDrop={drop}
            onDragOver={(event) => event.preventDefault()}
          />
        )}
      </Field>
      <Field label="Title" hint="What it is called here; the comment in the key unless given.">
        {(control) => (
          <TextInput {...control} autoComplete="off" maxLength={100} placeholder="Laptop" value={title} onChange={(event) => setTitle(event.target.value)} />
        )}
      </Field>
      <DialogActions>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" variant="primary" busy={create.isPending && "Adding the key…"}>
          Add key
        </Button>
      </DialogActions>
    </form>
  );
}
